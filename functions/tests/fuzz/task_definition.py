"""Writes task_definition.json: a task definition with every field that ECS's API model knows, and some more.

The model is botocore's. To bring the corpus up to date, from this folder:

    pip install --upgrade botocore && python3 task_definition.py

A change of the API then shows as a difference in the file.
"""

import json
from itertools import count
from pathlib import Path

import botocore
import botocore.loaders

MODEL = botocore.loaders.Loader().load_service_model("ecs", "service-2")
SHAPES = MODEL["shapes"]
NUMBERS = count(1)


def filled(name, path):
    """A value of a shape with every member of it; texts are their own paths, numbers are all different."""
    shape = SHAPES[name]
    match shape["type"]:
        case "structure":
            members = shape["members"].items()
            value = {
                member: filled(reference["shape"], f"{path}.{member}")
                for member, reference in members
            }
            # What the API may know some day.
            value["brandNew"] = {"deep": [next(NUMBERS), None, {"deeper": f"{path}.brandNew"}], "empty": {}}
            return value
        case "list":
            return [filled(shape["member"]["shape"], f"{path}[0]")]
        case "map":
            return {f"{path}.key": filled(shape["value"]["shape"], f"{path}.value")}
        case "string":
            return shape.get("enum", [path])[0]
        case "boolean":
            return True
        case "integer" | "long":
            return next(NUMBERS)
        case "timestamp" | "double" | "float":
            return next(NUMBERS) + 0.5
        case other:
            raise ValueError(f"the type {other} of {path} is new")


def main():
    request = list(SHAPES["RegisterTaskDefinitionRequest"]["members"])
    answered = list(SHAPES["TaskDefinition"]["members"])
    definition = filled("TaskDefinition", "taskDefinition")
    # Two containers: the one that is changed, and one beside it.
    container = SHAPES["ContainerDefinitions"]["member"]["shape"]
    beside = filled(container, "beside")
    ours = definition["containerDefinitions"][0]
    ours["name"] = "web"
    ours["image"] = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/Web_1.x:placeholder"
    definition["containerDefinitions"] = [beside, ours]
    corpus = {
        "botocore": botocore.__version__,
        "request": request,
        "answered_only": [member for member in answered if member not in request],
        "answer": {
            "taskDefinition": definition,
            "tags": filled("Tags", "tags"),
        },
    }
    text = json.dumps(corpus, indent=1) + "\n"
    Path(__file__).with_suffix(".json").write_text(text)


main()
