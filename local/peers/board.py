"""The board's answers by Flask: the same headers and bodies, from the folder that is named. What ends in .json is written
anew for every request, as a view does; the rest is there already."""

import json
import os
from pathlib import Path

from flask import Flask, Response, abort

app = Flask(__name__)
contents = {}
for headers in Path(os.environ["BOARD_CONTENTS"]).glob("*.headers"):
    file = headers.with_suffix("")
    text = file.read_bytes()
    lines = [line.split(": ", 1) for line in headers.read_text().splitlines()]
    contents[file.name] = json.loads(text) if file.suffix == ".json" else text, lines


@app.get("/<name>")
def answer(name):
    if name not in contents:
        abort(404)
    content, headers = contents[name]
    response = Response(content) if isinstance(content, bytes) else app.json.response(content)
    response.headers.update(headers)
    return response
