"""The calls that set up a repository: printed, and as GitHub describes them."""

import json

from outside import HERE, Outside, check_request

REPOSITORY = "ada/engine"


class Rules(Outside):
    def github(self, ruleset=None, branches=()):
        self.answer("api apps/github-actions", {"id": 15368})
        self.answer("api users/ada", {"id": 1, "login": "ada"})
        self.answer("api orgs/engine/teams/ops", {"id": 2})
        listed = [{"id": 41, "name": "tags"}] + ([{"id": ruleset, "name": "main"}] if ruleset else [])
        self.answer(r"--paginate repos/ada/engine/rulesets", listed)
        for environment in branches:
            self.answer(f"environments/{environment}/deployment-branch-policies.per_page", {"branch_policies": [{"name": "main"}]})
        self.answer("deployment-branch-policies.per_page", '{"message": "Not Found"}', 1)
        self.answer("--silent")

    def dry_run(self, *options):
        """The calls that would be made, each checked against GitHub's description."""
        said = self.succeeds("apply-rules", REPOSITORY, "--dry-run", *options)
        self.assertEqual(self.said("gh api --silent"), [])
        calls, decoder = [], json.JSONDecoder()
        while said:
            line, _, rest = said.partition("\n")
            method, path = line.split(" ")
            body, end = decoder.raw_decode(rest)
            check_request(method.lower(), path, body)
            calls.append((method, path, body))
            said = rest[end:].lstrip("\n")
        return calls

    def test_a_new_repository(self):
        self.github()
        said = self.succeeds("apply-rules", REPOSITORY, "--dry-run", "--reviewer", "ada", "--reviewer", "engine/ops")
        self.assertEqual(said, (HERE / "rules.txt").read_text())
        self.assertEqual(len(self.dry_run("--reviewer", "ada", "--reviewer", "engine/ops")), 9)

    def test_a_second_run_changes_what_is_there(self):
        self.github(ruleset=42, branches=["terraform-staging", "requests-staging", "terraform-production", "requests-production"])
        calls = [(method, path) for method, path, _ in self.dry_run("--no-reviewers")]
        self.assertEqual(
            calls,
            [
                ("PUT", "repos/ada/engine/rulesets/42"),
                ("PUT", "repos/ada/engine/environments/terraform-staging"),
                ("PUT", "repos/ada/engine/environments/requests-staging"),
                ("PUT", "repos/ada/engine/environments/terraform-production"),
                ("PUT", "repos/ada/engine/environments/requests-production"),
            ],
        )

    def test_what_is_printed_is_what_is_done(self):
        self.github()
        printed = self.dry_run("--reviewer", "ada")
        self.succeeds("apply-rules", REPOSITORY, "--reviewer", "ada")
        done = [(call["arguments"][3], call["arguments"][4], json.loads(call["input"])) for call in self.calls("gh api --silent")]
        self.assertEqual(done, printed)

    def test_only_the_last_environment_is_reviewed(self):
        self.github()
        bodies = {path.split("/")[-1]: body for method, path, body in self.dry_run("--reviewer", "ada") if method == "PUT"}
        asked = [name for name, body in bodies.items() if body.get("reviewers")]
        self.assertEqual(asked, ["terraform-production"])
        # One reviewer alone may approve their own merge, or nobody could.
        self.assertFalse(bodies["terraform-production"]["prevent_self_review"])

    def test_staging_first_if_wanted(self):
        self.github()
        rules = self.dry_run("--no-reviewers", "--require-staging")[0][2]["rules"]
        self.assertEqual(rules[-1], {"type": "required_deployments", "parameters": {"required_deployment_environments": ["staging"]}})

    def test_reviewers_are_not_forgotten_by_mistake(self):
        self.assertIn("who decides", self.fails("apply-rules", REPOSITORY))

    def test_with_an_unknown_reviewer_nothing_is_set_up(self):
        self.github()
        self.answers.insert(0, ("api users/nobody", '{"message": "Not Found"}', 1))
        self.fails("apply-rules", REPOSITORY, "--reviewer", "nobody", "--reviewer", "ada")
        self.assertEqual(self.said("gh api --silent"), [])


class Description(Outside):
    def test_a_mistake_is_seen(self):
        for method, path, body in [
            ("put", "repos/ada/engine/environments/staging", {"wait_time": 0}),
            ("put", "repos/ada/engine/environments/staging", {"reviewers": [{"type": "Person", "id": 1}]}),
            ("post", "repos/ada/engine/rulesets", {"name": "main", "enforcement": "on"}),
            ("post", "repos/ada/engine/rulesets", {"name": "main", "enforcement": "active", "rules": [{"type": "no_force"}]}),
            ("post", "repos/ada/engine/issues/1/comments", {}),
            ("get", "repos/ada/engine/deployments?environmnet=staging", {}),
            ("get", "repos/ada/engine/rules", {}),
        ]:
            with self.subTest(path=path, body=body), self.assertRaises(Exception):
                check_request(method, path, body)
