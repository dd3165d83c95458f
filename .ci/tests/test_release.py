"""What a release consists of, what is said of it, and how it is published."""

import subprocess

from outside import Outside
from test_image import Image

# In the place of a build of an hour: programs whose content says what they are.
FUNCTIONS = """#!/usr/bin/env bash
for function in report rollout verdict; do
  mkdir -p "$2/$function"
  echo "$function for $1" > "$2/$function/bootstrap.zip"
done
"""
CARGO = """#!/usr/bin/env bash
case $* in
  metadata*) echo '{"packages": [{"name": "functions", "version": "0.2.0"}]}' ;;
  "cyclonedx --version") ;;
  cyclonedx*) echo "{\\"path\\": \\"file://$PWD/functions\\"}" | tee ledger/ledger.cdx.json > functions/functions.cdx.json ;;
esac
"""


class Made(Image):
    def setUp(self):
        super().setUp()
        for folder in [".ci", "functions", "ledger"]:
            (self.repository / folder).mkdir()
        functions = self.repository / ".ci" / "functions"
        functions.write_text(FUNCTIONS)
        functions.chmod(0o755)
        self.program("cargo", CARGO)
        self.git("tag", "v0.1.0")
        self.commit("A target can be held")
        self.commit("A rollback can be asked for")
        self.git("tag", "v0.2.0")
        self.commit("Not released yet")

    def test_all_is_there_and_sums_up(self):
        self.succeeds("release", "v0.2.0", **self.options)
        assets = self.repository / "target" / "release-assets"
        self.assertEqual(
            sorted(path.name for path in assets.iterdir()),
            sorted(["SHA256SUMS", "functions.cdx.json"]
                   + [f"{f}-{a}.zip" for f in ["report", "rollout", "verdict"] for a in ["amd64", "arm64"]]),
        )
        self.assertEqual((assets / "verdict-amd64.zip").read_text(), "verdict for amd64\n")
        self.assertEqual((assets / "functions.cdx.json").read_text(), '{"path": "file:///functions"}\n')
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=assets, check=True)
        self.assertEqual(list(self.repository.glob("*/*.cdx.json")), [])

    def test_a_tag_that_is_not_the_version_is_refused(self):
        self.assertEqual(self.fails("release", "v0.3.0", **self.options), "the tag is v0.3.0, and Cargo.toml says 0.2.0\n")

    def test_the_changelog_is_what_came_since(self):
        lines = self.succeeds("changelog", "v0.2.0", **self.options).splitlines()
        self.assertEqual(lines[:2], ["Since v0.1.0:", ""])
        self.assertRegex(lines[2], r"^- A target can be held \([0-9a-f]{7,}\)$")
        self.assertRegex(lines[3], r"^- A rollback can be asked for \(")
        self.assertEqual(len(lines), 4)

    def test_the_first_changelog_is_everything(self):
        lines = self.succeeds("changelog", "v0.1.0", **self.options).splitlines()
        self.assertEqual(lines[0], "The first release:")
        self.assertEqual(len(lines), 3)


class Published(Outside):
    def publish(self, tag, draft):
        assets = self.folder / "assets"
        assets.mkdir()
        (assets / "rollout-arm64.zip").write_text("a program\n")
        sums = subprocess.run(["sha256sum", "rollout-arm64.zip"], cwd=assets, capture_output=True, text=True, check=True)
        (assets / "SHA256SUMS").write_text(sums.stdout)
        if draft is None:
            self.answer("release view", status=1)
        else:
            self.answer("release view", {"isDraft": draft})
        self.answer("gh release")
        self.succeeds("publish-release", tag, str(assets), "notes.md")
        return [" ".join(call.split()[2:4]) for call in self.said("gh release")][1:], self.said("gh release create")

    def test_a_new_one_is_a_draft_until_it_is_whole(self):
        calls, created = self.publish("v0.2.0", None)
        self.assertEqual(calls, ["create v0.2.0", "upload v0.2.0", "edit v0.2.0"])
        self.assertIn("--verify-tag --draft --title v0.2.0", created[0])

    def test_what_a_run_has_left_is_completed(self):
        self.assertEqual(self.publish("v0.2.0", True)[0], ["upload v0.2.0", "edit v0.2.0"])

    def test_what_is_published_stays(self):
        self.assertEqual(self.publish("v0.2.0", False)[0], [])

    def test_a_tag_with_a_hyphen_is_a_prerelease(self):
        self.assertIn("--prerelease", self.publish("v0.2.0-rc.1", None)[1][0])
