"""What the workflows read and name is what the text says, and what can be made of the repository."""

import json
import re

import yaml
from outside import ROOT, SCRIPTS, Outside

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))


class Workflows(Outside):
    def setUp(self):
        super().setUp()
        self.text = {path.name: path.read_text() for path in WORKFLOWS}
        self.workflows = {name: yaml.safe_load(text) for name, text in self.text.items()}

    def jobs(self):
        return [(f"{name}: {key}", job) for name, workflow in self.workflows.items() for key, job in workflow["jobs"].items()]

    def test_the_text_has_every_variable_and_no_other(self):
        read = set(re.findall(r"vars\.(\w+)", "".join(self.text.values())))
        told = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "ci.md").read_text(), re.MULTILINE))
        self.assertEqual(read, told)

    def test_no_workflow_may_anything_that_a_job_does_not_ask_for(self):
        for name, workflow in self.workflows.items():
            self.assertEqual(workflow["permissions"], {}, name)
        for name, job in self.jobs():
            self.assertTrue(job["permissions"], name)

    def test_every_job_ends(self):
        for name, job in self.jobs():
            if "uses" not in job:
                self.assertIn("timeout-minutes", job, name)

    def test_nothing_is_written_into_a_script(self):
        documents = [*self.workflows.values(), *(yaml.safe_load(path.read_text()) for path in ACTIONS)]
        steps = [step for document in documents for job in [*document.get("jobs", {}).values(), document.get("runs", {})]
                 for step in job.get("steps", [])]
        self.assertGreater(len(steps), 40)
        for step in steps:
            self.assertNotIn("${{", step.get("run", ""))

    def test_a_deploy_is_never_called_off(self):
        for name, workflow in self.workflows.items():
            if name not in ("ci.yml", "terraform.yml"):
                self.assertIs(workflow["concurrency"]["cancel-in-progress"], False, name)
        for name, job in self.jobs():
            if "concurrency" in job:
                self.assertIs(job["concurrency"]["cancel-in-progress"], False, name)

    def test_the_one_required_check_needs_all_others(self):
        jobs = self.workflows["ci.yml"]["jobs"]
        self.assertEqual(set(jobs["required"]["needs"]), set(jobs) - {"required"})
        rules = json.loads((ROOT / ".github" / "ruleset.json").read_text())["rules"]
        checks = next(rule for rule in rules if rule["type"] == "required_status_checks")["parameters"]["required_status_checks"]
        self.assertEqual([check["context"] for check in checks], [jobs["required"]["name"]])

    def test_every_step_of_the_gate_is_run(self):
        run = (ROOT / ".ci" / "run").read_text()
        steps = set(re.search(r"^steps=\((.*)\)$", run, re.MULTILINE)[1].split())
        asked = " ".join(re.findall(r"\.ci/run ([a-z ]+)$", self.text["ci.yml"], re.MULTILINE)).split()
        self.assertEqual(sorted(asked), sorted(steps))

    def test_every_script_is_there_and_used(self):
        texts = [*self.text.values(), *(path.read_text() for path in ACTIONS), *(path.read_text() for path in SCRIPTS.iterdir())]
        named = set(re.findall(r"\.github/scripts/([a-z-]+)", "\n".join(texts)))
        self.assertEqual(named, {path.name for path in SCRIPTS.iterdir()})

    def test_what_a_role_is_taken_in_is_set_up(self):
        named = {job["environment"]["name"].split("-")[0] for _, job in self.jobs() if "environment" in job}
        set_up = set(re.findall(r'environment "(\w+)-\$environment"', (SCRIPTS / "apply-rules").read_text()))
        self.assertEqual(named, set_up)
