"""One issue for an environment that is not as its files say."""

from outside import Outside

TITLE = "Terraform: staging is not as its files say"


class Drift(Outside):
    def report(self, drifted, *titles):
        file = self.folder / "plan.md"
        file.write_text("One to change.\n")
        self.answer("--method GET", [{"number": 30 + at, "title": title} for at, title in enumerate(titles)])
        self.answer("--silent")
        self.succeeds("drift", "staging", drifted, str(file))
        return [call.split("--method ")[1] for call in self.said("gh api --silent")]

    def test_the_first_opens_an_issue(self):
        written = self.report("true", TITLE.replace("staging", "production"))
        self.assertEqual(len(written), 1)
        self.assertTrue(written[0].startswith(f"POST repos/ada/engine/issues --field title={TITLE} --field body=@"), written)

    def test_the_next_is_said_in_the_same(self):
        written = self.report("true", "Something else", TITLE)
        self.assertEqual(len(written), 1)
        self.assertTrue(written[0].startswith("PATCH repos/ada/engine/issues/31 --field body=@"), written)

    def test_none_closes_it(self):
        written = self.report("false", TITLE)
        self.assertEqual(written, ["PATCH repos/ada/engine/issues/30 --field state=closed --field state_reason=completed"])

    def test_none_and_no_issue_is_nothing(self):
        self.assertEqual(self.report("false"), [])

    def test_a_plan_that_said_nothing_closes_nothing(self):
        self.answer("--method GET", [{"number": 30, "title": TITLE}])
        self.fails("drift", "staging", "", "/dev/null")
        self.assertEqual(self.said("gh api --silent"), [])
