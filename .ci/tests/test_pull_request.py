"""The comment on a pull request, and what it takes to merge one."""

import json

from outside import Outside

MARK = "<!-- terraform-plan: staging -->"


class Comment(Outside):
    def setUp(self):
        super().setUp()
        self.file = self.folder / "plan.md"
        self.file.write_text(f"{MARK}\nOne to add.\n")

    def found(self, *comments):
        listed = [{"id": i, "user": {"login": login}, "body": body} for i, login, body in comments]
        self.answer("GET|--paginate", listed)
        self.answer("--method")

    def test_the_first_is_new(self):
        self.found((1, "ada", "Looks good"), (2, "github-actions[bot]", "<!-- terraform-plan: production -->\n…"))
        self.succeeds("comment", "12", str(self.file))
        written = self.calls("gh api --silent")
        self.assertEqual(len(written), 1)
        self.assertIn("--method POST repos/ada/engine/issues/12/comments", written[0]["call"])
        self.assertEqual(written[0]["file"], self.file.read_text())

    def test_the_next_takes_its_place(self):
        self.found((7, "github-actions[bot]", f"{MARK}\nTwo to add."))
        self.succeeds("comment", "12", str(self.file))
        written = self.said("gh api --silent")
        self.assertEqual(len(written), 1)
        self.assertIn("--method PATCH repos/ada/engine/issues/comments/7", written[0])

    def test_what_somebody_else_wrote_stays(self):
        self.found((7, "mallory", f"{MARK}\nNothing to see."))
        self.succeeds("comment", "12", str(self.file))
        self.assertIn("--method POST", self.said("gh api --silent")[0])


class Require(Outside):
    def needs(self, **results):
        return json.dumps({name: {"result": result, "outputs": {}} for name, result in results.items()})

    def test_success_and_what_is_not_for_forks(self):
        self.succeeds("require", "checks", "story", NEEDS=self.needs(checks="success", story="success", plan="skipped"))

    def test_every_other_end_is_none(self):
        for result in ["failure", "cancelled", "skipped"]:
            with self.subTest(result):
                said = self.fails("require", "checks", NEEDS=self.needs(checks=result, plan="success"))
                self.assertEqual(said, f"checks: {result}\n")

    def test_a_failed_plan_is_a_failure(self):
        self.assertEqual(self.fails("require", "checks", NEEDS=self.needs(checks="success", plan="failure")), "plan: failure\n")

    def test_a_job_that_is_not_there_is_no_success(self):
        self.assertEqual(self.fails("require", "checks", NEEDS=self.needs(plan="success")), "checks: did not run\n")
