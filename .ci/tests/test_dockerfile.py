"""The board's image is built without our Rust being there at first: what stands in for it must be a workspace."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parent.parent.parent


def metadata(folder):
    command = ["cargo", "metadata", "--no-deps", "--locked", "--offline", "--format-version", "1"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return json.loads(done.stdout)["packages"] if done.returncode == 0 else done.stderr


class Dockerfile(unittest.TestCase):
    def setUp(self):
        text = (ROOT / "service" / "Dockerfile").read_text().replace("\\\n", " ")
        steps = re.findall(r"^(COPY|RUN) (.*)$", text, re.MULTILINE)
        first = next(at for at, (name, _) in enumerate(steps) if name == "RUN")
        self.manifests = [copied.split() for name, copied in steps[:first]]
        self.stand_in = steps[first][1].split("&& cargo")[0]
        self.sources = [copied.split()[0] for name, copied in steps[first:] if name == "COPY"]

    def test_the_layer_of_others_code_knows_every_member(self):
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        for *files, place in self.manifests:
            for file in files:
                if (ROOT / file).is_file():
                    (folder / place).mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / file, folder / place)
        subprocess.run(["sh", "-euc", self.stand_in], cwd=folder, check=True)
        packages = metadata(folder)
        self.assertIsInstance(packages, list, packages)
        self.assertEqual({it["name"] for it in packages}, {it["name"] for it in metadata(ROOT)})

    def test_all_of_ours_that_the_board_is_made_of_is_there(self):
        packages = {it["name"]: it for it in metadata(ROOT)}
        needed, found = set(), ["service"]
        while found:
            name = found.pop()
            needed.add(name)
            normal = [it for it in packages[name]["dependencies"] if it["kind"] is None]
            found += [it["name"] for it in normal if it["name"] in packages and it["name"] not in needed]
        self.assertEqual(needed - set(self.sources), set())

    def test_nothing_of_it_is_kept_from_the_builder(self):
        sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
        files = [file for *files, _ in self.manifests for file in files]
        self.assertEqual({file.split("/")[0] for file in [*files, *self.sources] if not file.startswith("-")} - sent, set())

    def test_the_board_is_measured_as_it_is_linked_here(self):
        flags = re.search(r'RUSTFLAGS="(.*?)"', (ROOT / "service" / "Dockerfile").read_text())[1]
        self.assertIn(f'.env("RUSTFLAGS", "{flags}")', (ROOT / "local" / "src" / "bench" / "build.rs").read_text())
