"""The functions' packages: the same program is the same zip, whenever it was packed."""

import sys
import zipfile

from outside import ROOT, Outside

# Packs as cargo-lambda does, with the time of the build in the zip.
CARGO = """#!{python}
import pathlib, sys, zipfile
if sys.argv[1] == "functions":
    directory = pathlib.Path(sys.argv[sys.argv.index("--lambda-dir") + 1]) / "rollout"
    directory.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(directory / "bootstrap.zip", "w") as zip:
        zip.writestr(zipfile.ZipInfo("bootstrap", {time}), "a program " * 100)
    print(*sys.argv[1:])
"""


class Functions(Outside):
    def pack(self, time, *arguments):
        self.program("cargo", CARGO.format(python=sys.executable, time=time))
        self.program("rustup", '#!/bin/sh\necho "rustup $*"\n')
        said = self.succeeds("functions", *arguments, str(self.folder / "lambda"), scripts=ROOT / ".ci")
        return said, (self.folder / "lambda" / "rollout" / "bootstrap.zip").read_bytes()

    def test_the_time_of_the_build_is_not_in_the_zip(self):
        self.assertEqual(self.pack((2026, 10, 1, 12, 0, 0), "arm64")[1], self.pack((2026, 11, 2, 13, 1, 2), "arm64")[1])

    def test_lambda_may_run_what_is_in_it(self):
        self.pack((2026, 10, 1, 12, 0, 0), "arm64")
        with zipfile.ZipFile(self.folder / "lambda" / "rollout" / "bootstrap.zip") as zip:
            (entry,) = zip.infolist()
            self.assertEqual((entry.filename, entry.external_attr >> 16), ("bootstrap", 0o100755))
            self.assertEqual(zip.read(entry), b"a program " * 100)

    def test_each_architecture_is_built_as_such(self):
        for architecture, target, flag in [
            ("arm64", "aarch64-unknown-linux-gnu", "--arm64"),
            ("amd64", "x86_64-unknown-linux-gnu", "--x86-64"),
        ]:
            said, _ = self.pack((2026, 10, 1, 12, 0, 0), architecture)
            self.assertIn(f"rustup target add {target}", said)
            self.assertIn(f"functions --locked {flag} ", said)

    def test_another_is_refused(self):
        self.assertIn("not for riscv", self.fails("functions", "riscv", scripts=ROOT / ".ci"))
