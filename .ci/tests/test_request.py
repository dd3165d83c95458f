"""What is asked of Couplet, and how its answer is followed."""

import json

import jsonschema
from outside import ROOT, Outside

COMMIT = "a" * 40
DIGEST = "sha256:" + "1" * 64
SCHEMA = json.loads((ROOT / "docs" / "rollout-requested.schema.json").read_text())


def deployment(number, at="2026-10-01T12:00:00Z"):
    return {"id": number, "sha": COMMIT, "created_at": at}


def status(state, description, at="2026-10-01T12:00:05Z", context="couplet/couplet-production-board"):
    return {"state": state, "description": description, "created_at": at, "context": context}


class Request(Outside):
    def setUp(self):
        super().setUp()
        self.environment |= {"GITHUB_ACTOR": "ada", "POLL_SECONDS": "0", "BEGIN_SECONDS": "2", "END_SECONDS": "2"}
        self.answer("put-events", {"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]})

    def github(self, *deployments, statuses=()):
        self.answer("per_page=1 ", [deployment(7)])
        for answer in deployments:
            self.answer("per_page=100 --jq .* min_by", answer)
        for answer in statuses:
            self.answer(f"commits/{COMMIT}/statuses", answer)

    def event(self):
        arguments = self.calls("aws events put-events")[0]["arguments"]
        entry = json.loads(arguments[arguments.index("--entries") + 1])[0]
        self.assertEqual((entry["Source"], entry["DetailType"]), ("couplet", "Rollout Requested"))
        detail = json.loads(entry["Detail"])
        jsonschema.Draft202012Validator(SCHEMA).validate(detail)
        return detail

    def test_a_rollback_is_followed_to_its_end(self):
        self.github(
            [deployment(7)],
            [deployment(8), deployment(7)],
            statuses=[
                [],
                [status("pending", "Rolling out to couplet-production-board")],
                [status("pending", "Rolling out to couplet-production-board")],
                [status("success", "Live in 48 s"), status("pending", "Rolling out to couplet-production-board")],
            ],
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
                "Rolling out to couplet-production-board",
                "Live in 48 s",
            ],
        )

    def test_a_promotion_says_from_where(self):
        self.github([deployment(8)], statuses=[[status("failure", "Rolled back: container web exited 1")]])
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

    def test_what_was_said_before_does_not_count(self):
        old = status("success", "Live in 9 s", at="2026-10-01T11:00:00Z")
        other = status("success", "Live in 3 s", context="couplet/couplet-staging-board")
        self.github([deployment(8)], statuses=[[old, other], [status("error", "Superseded by 1a2b3c4"), old, other]])
        done = self.run_script("request", "rollback", "production")
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("Live", done.stdout)

    def test_the_first_of_two_new_rollouts_is_ours(self):
        other = deployment(9) | {"sha": "b" * 40}
        self.github([other, deployment(8), deployment(7)], statuses=[[status("success", "Live in 48 s")]])
        self.assertIn("Rolling out aaaaaaa", self.succeeds("request", "rollback", "production"))

    def test_nothing_that_begins_is_said(self):
        self.github([deployment(7)])
        done = self.run_script("request", "rollback", "production")
        self.assertEqual(done.returncode, 2)
        self.assertIn("the log of couplet-production-rollout says why", done.stderr)

    def test_no_verdict_is_no_success(self):
        self.github([deployment(8)], statuses=[[status("pending", "Rolling out to couplet-production-board")]])
        done = self.run_script("request", "rollback", "production")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no verdict", done.stderr)

    def test_a_refused_event_is_an_error(self):
        self.answers = []
        self.github()
        self.answer("put-events", {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "AccessDenied"}]})
        done = self.run_script("request", "rollback", "production")
        self.assertEqual(done.returncode, 2)
        self.assertIn("AccessDenied", done.stderr)

    def test_a_dry_run_asks_for_nothing(self):
        said = self.succeeds("request", "rollback", "production", DRY_RUN="true")
        self.assertEqual(json.loads(said)[0]["DetailType"], "Rollout Requested")
        self.assertEqual(self.calls(), [])
