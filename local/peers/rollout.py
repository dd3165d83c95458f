"""The same rollout as ours, call by call, as one would write it in Python: what it costs without Rust."""

import json
import os
from datetime import datetime, timezone

import boto3

TABLE = os.environ["COUPLET_LEDGER_TABLE"]

dynamodb = boto3.client("dynamodb")
ecr = boto3.client("ecr")
ecs = boto3.client("ecs")


def text(value):
    return {"S": value}


def handler(event, context):
    image = event["detail"]
    repository, digest, tag = image["repository-name"], image["image-digest"], image["image-tag"]
    found = dynamodb.query(
        TableName=TABLE,
        ConsistentRead=True,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
        ExpressionAttributeValues={":pk": text("targets"), ":prefix": text(repository + "#")},
    )
    return [roll_out(target, repository, digest, tag) for target in found["Items"]]


def roll_out(target, repository, digest, tag):
    cluster, service = target["cluster"]["S"], target["service"]["S"]
    pk = text(f"target#{cluster}/{service}")
    detail = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])["imageDetails"][0]
    keys = [{"pk": pk, "sk": text("head")}, {"pk": pk, "sk": text(f"claim#{digest}")}]
    head = get(keys)[0]
    get([{"pk": pk, "sk": text("rollout#" + head["live"]["M"]["rollout"]["S"])}])
    ecs.describe_services(cluster=cluster, services=[service])
    described = ecs.describe_task_definition(taskDefinition=target["template"]["S"], include=["TAGS"])
    template = described["taskDefinition"]
    ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageDigest": digest}])

    now = datetime.now(timezone.utc)
    rollout = now.strftime("%Y%m%dT%H%M%S%fZ-") + digest[7:19]
    item = {"pk": pk, "sk": text(f"rollout#{rollout}"), "claimed_at": text(now.isoformat()), "tag": text(tag)}
    claim = {"pk": pk, "sk": text(f"claim#{digest}"), "rollout": text(rollout)}
    moved = {
        **head,
        "version": {"N": str(int(head["version"]["N"]) + 1)},
        "in_flight": text(rollout),
        "pushed_at": text(detail["imagePushedAt"].isoformat()),
    }
    dynamodb.transact_write_items(TransactItems=[
        {"Put": {"TableName": TABLE, "Item": claim, "ConditionExpression": "attribute_not_exists(pk)"}},
        {"Put": {"TableName": TABLE, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}},
        {"Put": {
            "TableName": TABLE,
            "Item": moved,
            "ConditionExpression": "version = :seen",
            "ExpressionAttributeValues": {":seen": head["version"]},
        }},
    ])

    wanted = ("cpu", "memory", "networkMode", "requiresCompatibilities", "executionRoleArn", "taskRoleArn",
              "runtimePlatform", "containerDefinitions")
    definition = {name: template[name] for name in wanted if name in template}
    for container in definition["containerDefinitions"]:
        if container["name"] == target["container"]["S"]:
            container["image"] = container["image"].split(":")[0] + "@" + digest
    revision = ecs.register_task_definition(
        family=target["family"]["S"], tags=[{"key": "couplet:rollout", "value": rollout}], **definition
    )["taskDefinition"]["taskDefinitionArn"]
    note(item, "revision", revision)
    updated = ecs.update_service(cluster=cluster, service=service, taskDefinition=revision)
    deployment = updated["service"]["deployments"][0]["id"]
    note(item, "deployment", deployment)
    print(json.dumps({"message": f"rolling out {tag}", "rollout": rollout, "deployment": deployment}))
    return {"rollout": rollout, "deployment": deployment}


def get(keys):
    found = dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": keys, "ConsistentRead": True}})
    return found["Responses"][TABLE]


def note(item, name, value):
    dynamodb.transact_write_items(TransactItems=[{"Update": {
        "TableName": TABLE,
        "Key": {"pk": item["pk"], "sk": item["sk"]},
        "UpdateExpression": f"SET {name} = :value",
        "ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(verdict)",
        "ExpressionAttributeValues": {":value": text(value)},
    }}])
