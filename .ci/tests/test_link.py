"""The functions are linked without what a stack is unwound by, and nothing else is: see functions/build.rs."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parent.parent.parent

# What the functions' profile says of panics, and a panic.
MANIFEST = """
[workspace]
members = ["functions"]
resolver = "3"

[profile.release]
panic = "abort"
"""
PACKAGE = """
[package]
name = "program"
version = "0.0.0"
edition = "2024"
"""
PROGRAM = 'fn main() { panic!("of {}", std::env::args().len()); }'


class Link(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        package = self.folder / "functions"
        (package / "src").mkdir(parents=True)
        for file in ["build.rs", "no-unwinding.ld"]:
            shutil.copy(ROOT / "functions" / file, package)
        (self.folder / "Cargo.toml").write_text(MANIFEST)
        (package / "Cargo.toml").write_text(PACKAGE)
        (package / "src" / "main.rs").write_text(PROGRAM)

    def program(self, profile, folder):
        command = ["cargo", "build", "--quiet", "--offline", "--profile", profile, "--target-dir", "target"]
        subprocess.run(command, cwd=self.folder, check=True)
        return self.folder / "target" / folder / "program"

    def test_only_a_program_for_lambda_cannot_unwind(self):
        # Names of sections stand in the file.
        self.assertIn(b".eh_frame", self.program("dev", "debug").read_bytes())
        self.assertNotIn(b".eh_frame", self.program("release", "release").read_bytes())

    def test_a_panic_still_says_what_and_where(self):
        done = subprocess.run([self.program("release", "release")], capture_output=True, text=True)
        self.assertIn("functions/src/main.rs:1:13:\nof 1\n", done.stderr)
        self.assertLess(done.returncode, 0)
