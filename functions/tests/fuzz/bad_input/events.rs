//! Events that are refused.

use functions::event::{heard, watched};
use serde_json::{Value, json};

use super::assert_messages;
use crate::fuzz::given::{with, without};

#[test]
fn events_for_rollout() {
    let push = || {
        recorded(include_str!(
            "../../events/image-pushed-index-with-tag.json"
        ))
    };
    let request = || recorded(include_str!("../../events/rollback-requested.json"));
    let redeploy = || recorded(include_str!("../../events/redeploy-requested.json"));
    let rows = [
        (
            "no event",
            json!("text"),
            "not an EventBridge event: invalid type: string \"text\", expected struct EventBridgeEvent",
        ),
        (
            "an event without a source",
            without(push(), "/source"),
            "not an EventBridge event: missing field `source`",
        ),
        (
            "an event without a kind",
            without(push(), "/detail-type"),
            "not an EventBridge event: missing field `detail-type`",
        ),
        (
            "an event without a detail",
            without(push(), "/detail"),
            "not an EventBridge event: missing field `detail`",
        ),
        (
            "an event of another time than RFC 3339's",
            with(push(), "/time", json!("yesterday")),
            "not an EventBridge event: time: input contains invalid characters",
        ),
        (
            "an event of another kind",
            with(
                push(),
                "/detail-type",
                json!("ECR Pull Through Cache Action"),
            ),
            "rollout does not know the event \"ECR Pull Through Cache Action\" from aws.ecr",
        ),
        (
            "an event from elsewhere",
            with(push(), "/source", json!("me")),
            "rollout does not know the event \"ECR Image Action\" from me",
        ),
        (
            "a push without a repository",
            without(push(), "/detail/repository-name"),
            "malformed \"ECR Image Action\" event: missing field `repository-name`",
        ),
        (
            "a push of no digest",
            with(push(), "/detail/image-digest", json!("latest")),
            "malformed \"ECR Image Action\" event: image-digest: `latest` is not a sha256 digest",
        ),
        (
            "a push of another hash",
            with(push(), "/detail/image-digest", json!("sha512:1")),
            "malformed \"ECR Image Action\" event: image-digest: `sha512:1` is not a sha256 digest",
        ),
        (
            "a push with a number for a tag",
            with(push(), "/detail/image-tag", json!(17)),
            "malformed \"ECR Image Action\" event: image-tag: invalid type: integer `17`, expected a string",
        ),
        (
            "a schedule without a time",
            without(
                recorded(include_str!("../../events/schedule.json")),
                "/time",
            ),
            "a \"Scheduled Event\" has no time",
        ),
        (
            "a request without an id",
            without(request(), "/id"),
            "a \"Rollout Requested\" event has no id",
        ),
        (
            "a request for nothing",
            without(request(), "/detail/action"),
            "malformed \"Rollout Requested\" event: missing field `action`",
        ),
        (
            "a request for something else",
            with(request(), "/detail/action", json!("Rollback")),
            "malformed \"Rollout Requested\" event: action: unknown variant `Rollback`, expected one of `rollback`, `redeploy`, `promote`, `hold`, `release`",
        ),
        (
            "a request for no target",
            without(request(), "/detail/target"),
            "malformed \"Rollout Requested\" event: missing field `target`",
        ),
        (
            "a request of nobody",
            without(request(), "/detail/by"),
            "malformed \"Rollout Requested\" event: missing field `by`",
        ),
        (
            "a request for a shortened digest",
            with(redeploy(), "/detail/digest", json!("sha256:42b5266f")),
            "malformed \"Rollout Requested\" event: digest: `sha256:42b5266f` is not a sha256 digest",
        ),
        (
            "a promotion from nowhere",
            with(request(), "/detail/action", json!("promote")),
            "a \"Rollout Requested\" event asks for a promotion and does not say `from` which target",
        ),
        (
            "a request whose detail is text",
            with(request(), "/detail", json!("{\"action\":\"rollback\"}")),
            "malformed \"Rollout Requested\" event: invalid type: string \"{\\\"action\\\":\\\"rollback\\\"}\", expected struct Ask",
        ),
    ];
    assert_messages(rows.map(|(name, event, message)| (name, heard(event), message)));
}

#[test]
fn events_for_verdict() {
    let deployment = || recorded(include_str!("../../events/deployment-failed.json"));
    let action = || recorded(include_str!("../../events/service-cannot-place-tasks.json"));
    let task = || recorded(include_str!("../../events/task-stopped-out-of-memory.json"));
    let old_arn = json!("arn:aws:ecs:eu-west-1:123456789012:service/board");
    let rows = [
        (
            "an event of another kind",
            with(
                task(),
                "/detail-type",
                json!("ECS Container Instance State Change"),
            ),
            "verdict does not know the event \"ECS Container Instance State Change\" from aws.ecs",
        ),
        (
            "a deployment of no service",
            with(deployment(), "/resources", json!([])),
            "a \"ECS Deployment State Change\" event names no service",
        ),
        (
            "a deployment of something else",
            with(
                deployment(),
                "/resources/0",
                json!("arn:aws:ecs:eu-west-1:1:task/t"),
            ),
            "malformed \"ECS Deployment State Change\" event: `arn:aws:ecs:eu-west-1:1:task/t` is not the ARN of an ECS service",
        ),
        (
            "an ARN of the old form",
            with(deployment(), "/resources/0", old_arn),
            "malformed \"ECS Deployment State Change\" event: `arn:aws:ecs:eu-west-1:123456789012:service/board` is not the ARN of an ECS service",
        ),
        (
            "a deployment without an id",
            without(deployment(), "/detail/deploymentId"),
            "malformed \"ECS Deployment State Change\" event: missing field `deploymentId`",
        ),
        (
            "a deployment with another id",
            with(deployment(), "/detail/deploymentId", json!("d-1234567")),
            "malformed \"ECS Deployment State Change\" event: deploymentId: `d-1234567` is not the id of an ECS deployment",
        ),
        (
            "a deployment to which nothing happened",
            without(deployment(), "/detail/eventName"),
            "malformed \"ECS Deployment State Change\" event: missing field `eventName`",
        ),
        (
            "a service action of no service",
            without(action(), "/resources"),
            "a \"ECS Service Action\" event names no service",
        ),
        (
            "a service action without a name",
            without(action(), "/detail/eventName"),
            "malformed \"ECS Service Action\" event: missing field `eventName`",
        ),
        (
            "a service action without a type",
            without(action(), "/detail/eventType"),
            "malformed \"ECS Service Action\" event: missing field `eventType`",
        ),
        (
            "a task in no cluster",
            without(task(), "/detail/clusterArn"),
            "malformed \"ECS Task State Change\" event: missing field `clusterArn`",
        ),
        (
            "a task of two services",
            with(task(), "/detail/group", json!("service:a/b")),
            "an \"ECS Task State Change\" event names no service: `couplet/a/b` is not <cluster>/<service>",
        ),
        (
            "a task without a status",
            without(task(), "/detail/lastStatus"),
            "malformed \"ECS Task State Change\" event: missing field `lastStatus`",
        ),
        (
            "a container without a name",
            without(task(), "/detail/containers/1/name"),
            "malformed \"ECS Task State Change\" event: containers[1]: missing field `name`",
        ),
        (
            "a container that exited with a word",
            with(task(), "/detail/containers/1/exitCode", json!("137")),
            "malformed \"ECS Task State Change\" event: containers[1].exitCode: invalid type: string \"137\", expected i64",
        ),
    ];
    assert_messages(rows.map(|(name, event, message)| (name, watched(event), message)));
}

fn recorded(text: &str) -> Value {
    serde_json::from_str(text).expect("an event")
}
