"""What the workflows' scripts call, replaced on PATH: `gh`, `aws` and `docker` answer what a test tells them to and
write down every call. What is asked of GitHub must be right by GitHub's own description of its API.
"""

import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
from urllib.parse import parse_qs

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
SCRIPTS = ROOT / ".github" / "scripts"

# The program that stands on PATH under each of the names. It finds the first answer whose pattern is in the call, and
# uses each answer up until only one of its pattern is left.
PROGRAM = '''#!{python}
import json, os, pathlib, re, subprocess, sys
world = pathlib.Path({world!r})
name = pathlib.Path(sys.argv[0]).name
arguments = sys.argv[1:]
call = {{"call": " ".join([name, *arguments]), "arguments": arguments}}
files = [a.split("=", 1)[1][1:] for a in arguments if re.match(r"\\w+=@", a)]
if files:
    call["file"] = pathlib.Path(files[0]).read_text()
if "--input" in arguments:
    call["input"] = sys.stdin.read()
with open(world / "calls", "a") as calls:
    calls.write(json.dumps(call) + "\\n")
answers = json.loads((world / "answers").read_text())
at = next((i for i, (pattern, _, _) in enumerate(answers) if re.search(pattern, call["call"])), None)
if at is None:
    sys.exit("nobody expected: " + call["call"])
pattern, text, status = answers[at]
if sum(other == pattern for other, _, _ in answers) > 1:
    del answers[at]
    (world / "answers").write_text(json.dumps(answers))
if "--jq" in arguments and status == 0:
    query = arguments[arguments.index("--jq") + 1]
    text = subprocess.run(["jq", "--raw-output", query], input=text, capture_output=True, text=True, check=True).stdout
sys.stdout.write(text)
sys.exit(status)
'''


class Outside(unittest.TestCase):
    """A test with a folder of its own and the fakes on PATH."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        programs = self.folder / "bin"
        programs.mkdir()
        for name in ["gh", "aws", "docker"]:
            self.program(name, PROGRAM.format(python=sys.executable, world=str(self.folder)))
        self.answers = []
        self.environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "GITHUB_REPOSITORY": "ada/engine",
            "AWS_REGION": "eu-central-1",
        }

    def program(self, name, text):
        path = self.folder / "bin" / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def answer(self, pattern, text="", status=0):
        """What the next call with `pattern` in it is answered."""
        if not isinstance(text, str):
            text = json.dumps(text)
        self.answers.append((pattern, text, status))

    def run_script(self, name, *arguments, cwd=ROOT, scripts=SCRIPTS, **environment):
        """Runs a script and checks what it asked of GitHub."""
        (self.folder / "answers").write_text(json.dumps(self.answers))
        (self.folder / "calls").write_text("")
        done = subprocess.run(
            [str(scripts / name), *arguments],
            cwd=cwd,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        for call in self.calls("gh api"):
            check_github(call)
        return done

    def succeeds(self, name, *arguments, **options):
        done = self.run_script(name, *arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def fails(self, name, *arguments, **options):
        done = self.run_script(name, *arguments, **options)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stderr

    def calls(self, beginning=""):
        lines = (self.folder / "calls").read_text().splitlines()
        return [call for call in map(json.loads, lines) if call["call"].startswith(beginning)]

    def said(self, beginning=""):
        return [call["call"] for call in self.calls(beginning)]


def check_github(call):
    """Fails if GitHub does not know the call, or would refuse its body."""
    arguments = iter(call["arguments"][1:])
    method, path, fields, body = None, None, {}, None
    for argument in arguments:
        if argument in ("--method", "-X"):
            method = next(arguments)
        elif argument in ("--field", "-F", "--raw-field", "-f"):
            name, value = next(arguments).split("=", 1)
            typed = argument in ("--field", "-F")
            fields[name] = call["file"] if typed and value.startswith("@") else value
        elif argument == "--input":
            next(arguments)
            body = json.loads(call["input"])
        elif argument == "--jq":
            next(arguments)
        elif not argument.startswith("--"):
            path = argument
    method = (method or ("POST" if fields or body else "GET")).lower()
    if method == "get":
        path = "&".join([path if "?" in path else path + "?", *(f"{k}={v}" for k, v in fields.items())]).replace("?&", "?")
    check_request(method, path, body if body is not None else fields)


def check_request(method, path, body):
    """Fails if GitHub does not know the request, or would refuse it. Fields that it does not know, it ignores; here they
    are mistakes."""
    import jsonschema

    path, _, query = path.partition("?")
    described = json.loads((HERE / "github.json").read_text())
    # The more is written out, the nearer: a name such as `comments` may also stand where a number does.
    found = [
        name
        for name in sorted(described, key=lambda name: name.count("{"))
        if name.split(" ")[0] == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", name.split(" ")[1]), f"/{path}")
    ]
    assert found, f"GitHub knows no {method} /{path}"
    operation = described[found[0]]
    unknown = set(parse_qs(query)) - set(operation["query"])
    assert not unknown, f"{found[0]} has no parameters {unknown}"
    if method != "get":
        assert body or not operation["body_required"], f"{found[0]} needs a body"
        jsonschema.Draft202012Validator(strict(operation["body"])).validate(body)


def strict(schema):
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "type" in schema:
        schema.setdefault("additionalProperties", False)
    return schema
