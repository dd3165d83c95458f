"""Plan and apply, by the real Terraform on a root of one resource that needs no provider and no account."""

import shutil

from outside import SCRIPTS, Outside

ROOT_MODULE = """
variable "region" {}
variable "size" {}
resource "terraform_data" "thing" { input = "${var.region} ${var.size} 123456789012" }
"""

# The real one, but for a state in a file: there is no bucket here.
TERRAFORM = """#!/usr/bin/env bash
arguments=()
for argument in "$@"; do
  case $argument in -backend-config=*) ;; *) arguments+=("$argument") ;; esac
done
exec {terraform} "${{arguments[@]}}"
"""


class Terraform(Outside):
    def setUp(self):
        super().setUp()
        self.repository = self.folder / "repository"
        shutil.copytree(SCRIPTS, self.repository / ".github" / "scripts")
        (self.repository / "terraform" / "environments").mkdir(parents=True)
        (self.repository / "terraform" / "main.tf").write_text(ROOT_MODULE)
        self.size(1)
        self.program("terraform", TERRAFORM.format(terraform=shutil.which("terraform")))
        self.outputs = self.folder / "outputs"
        self.environment |= {
            "AWS_STATE_BUCKET": "states",
            "GITHUB_OUTPUT": str(self.outputs),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
        }
        self.options = {"cwd": self.repository, "scripts": self.repository / ".github" / "scripts"}

    def size(self, size):
        (self.repository / "terraform" / "environments" / "staging.tfvars").write_text(f"size = {size}\n")

    def plan(self):
        self.outputs.write_text("")
        self.succeeds("terraform-plan", "staging", **self.options)
        return dict(line.split("=") for line in self.outputs.read_text().splitlines())

    def test_what_was_reviewed_is_applied(self):
        planned = self.plan()
        self.assertEqual(planned["changes"], "true")
        text = (self.repository / "target" / "plan" / "staging.md").read_text()
        self.assertTrue(text.startswith("<!-- terraform-plan: staging -->\n"), text)
        self.assertIn("**Terraform, staging.** Plan: 1 to add, 0 to change, 0 to destroy.", text)
        self.assertIn("eu-central-1 1 <account>", text)
        self.assertNotIn("123456789012", text)

        self.succeeds("terraform-apply", "staging", planned["digest"], **self.options)
        self.assertEqual(self.plan()["changes"], "false")

    def test_two_plans_of_the_same_are_the_same(self):
        self.assertEqual(self.plan(), self.plan())

    def test_what_was_not_reviewed_is_not_applied(self):
        reviewed = self.plan()["digest"]
        self.size(2)
        said = self.fails("terraform-apply", "staging", reviewed, **self.options)
        self.assertIn("no longer the one that was reviewed", said)
        self.assertFalse((self.repository / "terraform" / "terraform.tfstate").exists())

    def test_what_is_applied_already_is_not_what_was_reviewed(self):
        reviewed = self.plan()["digest"]
        self.succeeds("terraform-apply", "staging", reviewed, **self.options)
        self.assertIn("no longer the one", self.fails("terraform-apply", "staging", reviewed, **self.options))
