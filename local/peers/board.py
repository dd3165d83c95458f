"""The board's answers by Flask: the same bytes, from the folder that is named. What ends in .json is written anew for
every request, as a view does; the rest is there already."""

import json
import os
from pathlib import Path

from flask import Flask, Response, abort

app = Flask(__name__)
contents = {}
for file in Path(os.environ["BOARD_CONTENTS"]).iterdir():
    text = file.read_bytes()
    contents[file.name] = json.loads(text) if file.suffix == ".json" else text


@app.get("/<name>")
def answer(name):
    content = contents.get(name)
    if content is None:
        abort(404)
    if isinstance(content, bytes):
        return Response(content, content_type="text/html; charset=utf-8")
    return app.json.response(content)
