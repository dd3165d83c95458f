"""Cuts GitHub's description of its API down to the calls that `.github/scripts` and `report` make.

    npm pack @octokit/openapi@23.0.2
    tar --extract --file octokit-openapi-23.0.2.tgz package/generated/api.github.com.deref.json
    python3 .ci/tests/trim_github.py package/generated/api.github.com.deref.json > .ci/tests/github.json

The package is MIT-licensed, by Octokit's contributors. What is kept of a call is what can be wrong in a request: its
path, its query's parameters and its body. Of those that the model of GitHub in `local/` answers, the answers too.
"""

import json
import sys

CALLS = [
    "get /apps/{app_slug}",
    "get /orgs/{org}/teams/{team_slug}",
    "get /repos/{owner}/{repo}/branches/{branch}",
    "get /repos/{owner}/{repo}/commits/{commit_sha}/pulls",
    "get /repos/{owner}/{repo}/environments/{environment_name}/deployment-branch-policies",
    "get /repos/{owner}/{repo}/git/commits/{commit_sha}",
    "get /repos/{owner}/{repo}/issues",
    "get /repos/{owner}/{repo}/issues/{issue_number}/comments",
    "get /repos/{owner}/{repo}/rulesets",
    "get /users/{username}",
    "patch /repos/{owner}/{repo}/issues/comments/{comment_id}",
    "patch /repos/{owner}/{repo}/issues/{issue_number}",
    "post /repos/{owner}/{repo}/environments/{environment_name}/deployment-branch-policies",
    "post /repos/{owner}/{repo}/issues",
    "post /repos/{owner}/{repo}/issues/{issue_number}/comments",
    "post /repos/{owner}/{repo}/rulesets",
    "put /repos/{owner}/{repo}/environments/{environment_name}",
    "put /repos/{owner}/{repo}/rulesets/{ruleset_id}",
]
ANSWERED = [
    "get /repos/{owner}/{repo}/commits/{ref}",
    "get /repos/{owner}/{repo}/commits/{ref}/status",
    "get /repos/{owner}/{repo}/commits/{ref}/statuses",
    "get /repos/{owner}/{repo}/deployments",
    "get /repos/{owner}/{repo}/deployments/{deployment_id}",
    "get /repos/{owner}/{repo}/deployments/{deployment_id}/statuses",
    "get /repos/{owner}/{repo}/installation",
    "post /app/installations/{installation_id}/access_tokens",
    "post /repos/{owner}/{repo}/deployments",
    "post /repos/{owner}/{repo}/deployments/{deployment_id}/statuses",
    "post /repos/{owner}/{repo}/statuses/{sha}",
]
# Words for people: most of the text, and nothing that a request could break.
PROSE = {"description", "title", "example", "examples", "externalDocs", "x-github"}


def trimmed(schema, names=False):
    """The schema without prose; `names` are the keys of `properties`, where `title` is a field's name."""
    if isinstance(schema, list):
        return [trimmed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: trimmed(value, names=key == "properties" and not names)
        for key, value in schema.items()
        if names or key not in PROSE
    }
    # JSON Schema knows null as a type; OpenAPI 3.0 says it beside the type.
    if not names and kept.pop("nullable", False) is True:
        return {"anyOf": [kept, {"type": "null"}]}
    return kept


def json_schema(content):
    schema = content.get("content", {}).get("application/json", {}).get("schema")
    return trimmed(schema)


def call(description, name):
    method, path = name.split(" ")
    operation = description["paths"][path][method]
    parameters = [p for p in operation.get("parameters", []) if p["in"] == "query"]
    body = operation.get("requestBody", {})
    kept = {
        "query": {p["name"]: trimmed(p["schema"]) for p in parameters},
        "body": json_schema(body),
        "body_required": body.get("required", False),
    }
    if name in ANSWERED:
        kept["answers"] = {status: json_schema(answer) for status, answer in operation["responses"].items()}
    return kept


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        whole = json.load(file)
    # A call a line.
    calls = (f'"{name}": {json.dumps(call(whole, name), sort_keys=True)}' for name in sorted(CALLS + ANSWERED))
    print("{\n" + ",\n".join(calls) + "\n}")
