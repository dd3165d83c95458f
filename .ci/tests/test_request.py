"""What is asked of Couplet, and how its answer is followed."""

import json

import jsonschema
from outside import ROOT, Outside

COMMIT = "a" * 40
DIGEST = "sha256:" + "1" * 64
SCHEMA = json.loads((ROOT / "docs" / "rollout-requested.schema.json").read_text())


EVENT = "e-1"


def deployment(number, request=EVENT, sha=COMMIT):
    payload = {"rollout": f"20261001T1200000{number:02}Z-aaaaaaaaaaaa", "target": "couplet-production-board"}
    return {"id": number, "sha": sha, "payload": payload | ({"request": request} if request else {})}


def status(state, description):
    return {"state": state, "description": description}


QUEUED = status("queued", "About to roll out to couplet-production-board")
RUNNING = status("in_progress", "1 of 2 tasks run")


class Request(Outside):
    def setUp(self):
        super().setUp()
        self.environment |= {"GITHUB_ACTOR": "ada", "POLL_SECONDS": "0", "BEGIN_SECONDS": "2", "END_SECONDS": "2"}
        self.answer("put-events", {"FailedEntryCount": 0, "Entries": [{"EventId": EVENT}]})

    def github(self, *deployments, statuses=(), number=8):
        for answer in deployments:
            self.answer("deployments\\?environment=production&per_page=100", answer)
        for answer in statuses:
            self.answer(f"deployments/{number}/statuses", answer)

    def event(self):
        arguments = self.calls("aws events put-events")[0]["arguments"]
        entry = json.loads(arguments[arguments.index("--entries") + 1])[0]
        self.assertEqual((entry["Source"], entry["DetailType"]), ("couplet", "Rollout Requested"))
        detail = json.loads(entry["Detail"])
        jsonschema.Draft202012Validator(SCHEMA).validate(detail)
        return detail

    def test_a_rollback_is_followed_to_its_end(self):
        self.github(
            [],
            [deployment(8)],
            statuses=[[], [QUEUED], [RUNNING, QUEUED], [RUNNING, QUEUED], [status("success", "Live in 48 s"), RUNNING, QUEUED]],
        )
        said = self.succeeds("request", "rollback", "production", WHY='odd "numbers"')
        self.assertEqual(
            self.event(),
            {"action": "rollback", "target": "couplet-production-board", "by": "ada", "why": 'odd "numbers"'},
        )
        lines = [line for line in said.splitlines() if line]
        self.assertEqual(
            lines,
            [
                "Asked couplet-production-board for a rollback (event e-1)",
                "Rolling out aaaaaaa",
                "About to roll out to couplet-production-board",
                "1 of 2 tasks run",
                "Live in 48 s",
            ],
        )

    def test_a_promotion_says_from_where(self):
        self.github([deployment(8)], statuses=[[status("failure", "Rolled back: container web exited 1"), QUEUED]])
        done = self.run_script("request", "promote", "production", "staging", DIGEST=DIGEST)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Rolled back: container web exited 1", done.stdout)
        self.assertEqual(
            self.event(),
            {
                "action": "promote",
                "target": "couplet-production-board",
                "by": "ada",
                "from": "couplet-staging-board",
                "digest": DIGEST,
            },
        )

    def test_what_others_roll_out_meanwhile_is_not_ours(self):
        pushed = deployment(9, request=None, sha="b" * 40)
        asked = deployment(10, request="e-2", sha="c" * 40)
        strangers = [{"id": 11, "sha": "d" * 40, "payload": payload} for payload in ("", "e-1", {}, {"request": None})]
        self.github(
            [asked, pushed, *strangers],
            [*strangers, asked, pushed, deployment(8)],
            statuses=[[status("success", "Live in 48 s")]],
        )
        self.assertIn("Rolling out aaaaaaa", self.succeeds("request", "rollback", "production"))

    def test_a_superseded_rollout_is_no_success(self):
        self.github([deployment(8)], statuses=[[status("inactive", "Superseded by 1a2b3c4"), QUEUED]])
        done = self.run_script("request", "rollback", "production")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Superseded by 1a2b3c4", done.stdout)

    def test_what_was_live_and_is_not_any_more_was_a_success(self):
        retired = status("inactive", "bbbbbbb is live")
        self.github([deployment(8)], statuses=[[retired, status("success", "Live in 48 s"), RUNNING]])
        said = self.succeeds("request", "rollback", "production")
        self.assertIn("Live in 48 s", said)

    def test_nothing_that_begins_is_said(self):
        self.github([deployment(7, request="e-0")])
        done = self.run_script("request", "rollback", "production")
        self.assertEqual(done.returncode, 2)
        self.assertIn("the log of couplet-production-rollout says why", done.stderr)

    def test_no_verdict_is_no_success(self):
        self.github([deployment(8)], statuses=[[RUNNING]])
        done = self.run_script("request", "rollback", "production")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no verdict", done.stderr)

    def test_a_refused_event_is_an_error(self):
        self.answers = []
        self.answer("put-events", {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "AccessDenied"}]})
        done = self.run_script("request", "rollback", "production")
        self.assertEqual(done.returncode, 2)
        self.assertIn("AccessDenied", done.stderr)

    def test_a_dry_run_asks_for_nothing(self):
        said = self.succeeds("request", "rollback", "production", DRY_RUN="true")
        self.assertEqual(json.loads(said)[0]["DetailType"], "Rollout Requested")
        self.assertEqual(self.calls(), [])
