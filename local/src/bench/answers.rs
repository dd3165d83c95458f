//! What the stub answers: a ledger with as many targets and rollouts as are wished for, an ECS and an ECR that agree to
//! everything, a GitHub that has heard of nothing.
//!
//! Nothing is kept, so the thousandth rollout finds what the first has found.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use hyper::Method;
use ledger::table::Live;
use ledger::{Cause, Commit, Digest, Release, Rollout, Stage, Target, Verdict};
use serde_json::{Map, Value, json};

use crate::event::envelope;

/// The repository that all targets follow.
pub(super) const REPOSITORY: &str = "team/web";
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The newest rollout of every target was claimed then, the one before ten minutes earlier, and so on.
const NEWEST: i64 = 1_760_000_000;
const APART: i64 = 600;

/// What there is.
#[derive(Clone, Debug)]
pub(super) struct World {
    /// So many targets follow the repository.
    pub(super) targets: usize,
    /// Each has so many rollouts behind it.
    pub(super) rollouts: i64,
    /// Whether the newest of them is still under way.
    pub(super) is_open: bool,
    /// Whether the image in the repository is newer than it.
    pub(super) is_pushed: bool,
    /// How long every answer takes.
    pub(super) latency: Duration,
}

impl World {
    /// `targets` targets that have had one rollout.
    pub(super) fn of(targets: usize) -> World {
        World {
            targets,
            rollouts: 1,
            is_open: false,
            is_pushed: true,
            latency: Duration::ZERO,
        }
    }
}

/// The event of a push that is newer than all that the ledger knows.
pub(super) fn push() -> Value {
    let detail = json!({
        "action-type": "PUSH",
        "result": "SUCCESS",
        "repository-name": REPOSITORY,
        "image-digest": DIGEST,
        "image-tag": format!("main-{COMMIT}"),
        "manifest-media-type": INDEX,
    });
    envelope("aws.ecr", "ECR Image Action", &[], detail)
}

/// The event that the deployment of the open rollout has completed.
pub(super) fn completed() -> Value {
    let detail = json!({
        "eventType": "INFO",
        "eventName": "SERVICE_DEPLOYMENT_COMPLETED",
        "deploymentId": deployment(0),
        "updatedAt": "2026-11-23T12:00:00Z",
        "reason": "ECS deployment completed.",
    });
    let service = format!(
        "arn:aws:ecs:us-east-1:000000000000:service/production/{}",
        name(0)
    );
    envelope(
        "aws.ecs",
        "ECS Deployment State Change",
        &[&service],
        detail,
    )
}

/// What the ledger's stream says when that rollout has got its verdict.
pub(super) fn told() -> Result<Value> {
    let target = target(0)?;
    let (old, new) = (rollout(&target, 0, true)?, rollout(&target, 0, false)?);
    Ok(json!({ "Records": [{
        "eventID": "1",
        "eventName": "MODIFY",
        "eventSource": "aws:dynamodb",
        "eventVersion": "1.1",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "Keys": keys(&partition(0), &format!("rollout#{}", new.id)),
            "OldImage": item(&json!(old)),
            "NewImage": item(&json!(new)),
            "ApproximateCreationDateTime": NEWEST,
            "SequenceNumber": "1",
            "SizeBytes": 2000,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }] }))
}

/// The clock of the sweep.
pub(super) fn clock() -> Value {
    envelope("aws.events", "Scheduled Event", &[], json!({}))
}

/// As in `ECS.UpdateService`.
pub(super) fn short(target: &str) -> String {
    let (service, operation) = target.split_once('.').unwrap_or(("", target));
    let service = match service {
        "AmazonEC2ContainerServiceV20141113" => "ECS",
        "AmazonEC2ContainerRegistry_V20150921" => "ECR",
        "DynamoDB_20120810" => "DynamoDB",
        other => other.trim_start_matches("Amazon"),
    };
    format!("{service}.{operation}")
}

/// The answer to an AWS operation.
pub(super) fn aws(world: &World, target: &str, asked: &Value) -> Result<Vec<u8>> {
    let answer = match target
        .split_once('.')
        .map_or("", |(_, operation)| operation)
    {
        "Query" => query(world, asked)?,
        "GetItem" => match get(world, &asked["Key"])? {
            Some(item) => json!({ "Item": item }),
            None => json!({}),
        },
        "BatchGetItem" => batch(world, asked)?,
        "TransactWriteItems" | "PutItem" | "UpdateItem" => json!({}),
        "DescribeImages" => images(world)?,
        "BatchGetImage" => json!({ "images": [{
            "imageId": { "imageDigest": DIGEST },
            "imageManifest": manifest().to_string(),
        }] }),
        "DescribeServices" => json!({ "services": [service(asked["services"][0].as_str(), 0)] }),
        "UpdateService" => json!({ "service": service(asked["service"].as_str(), -1) }),
        "DescribeTaskDefinition" => json!({ "taskDefinition": template(), "tags": [] }),
        "RegisterTaskDefinition" => json!({ "taskDefinition": {
            "taskDefinitionArn": revision(&asked["family"], -1),
        } }),
        "PutEvents" => json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "1" }] }),
        "GetParameter" => json!({ "Parameter": { "Value": "ghs_1234567_of-this-bench" } }),
        other => bail!("the stub knows no {other}"),
    };
    Ok(serde_json::to_vec(&answer)?)
}

/// The answer of GitHub, which knows no deployment and no status.
pub(super) fn github(method: &Method, path: &str) -> Result<Vec<u8>> {
    let answer = match (method, path.ends_with("/deployments")) {
        (&Method::GET, _) => json!([]),
        (_, true) => json!({ "id": 1, "payload": {} }),
        _ => json!({}),
    };
    Ok(serde_json::to_vec(&answer)?)
}

fn query(world: &World, asked: &Value) -> Result<Value> {
    let values = &asked["ExpressionAttributeValues"];
    let partition = values[":pk"]["S"].as_str().context("a query has no :pk")?;
    let items: Vec<Value> = match target_of(partition) {
        None => (0..world.targets)
            .map(|number| target(number).map(|it| target_item(&it)))
            .collect::<Result<_>>()?,
        Some(number) => {
            let limit = asked["Limit"].as_i64().unwrap_or(i64::MAX);
            let first = match values[":high"]["S"].as_str() {
                Some(high) => number_of(high).unwrap_or(0),
                None => 0,
            };
            let target = target(number)?;
            let last = world.rollouts.min(first.saturating_add(limit));
            (first..last)
                .map(|nth| rollout(&target, nth, world.is_open).map(|it| rollout_item(number, &it)))
                .collect::<Result<_>>()?
        }
    };
    Ok(json!({ "Count": items.len(), "ScannedCount": items.len(), "Items": items }))
}

fn batch(world: &World, asked: &Value) -> Result<Value> {
    let tables = asked["RequestItems"].as_object();
    let (table, wanted) = tables.and_then(|it| it.iter().next()).context("no table")?;
    let mut found = Vec::new();
    for key in wanted["Keys"].as_array().into_iter().flatten() {
        found.extend(get(world, key)?);
    }
    Ok(json!({ "Responses": { table: found }, "UnprocessedKeys": {} }))
}

fn get(world: &World, key: &Value) -> Result<Option<Value>> {
    let (pk, sk) = (&key["pk"]["S"], key["sk"]["S"].as_str().unwrap_or_default());
    let Some(number) = target_of(pk.as_str().unwrap_or_default()) else {
        return Ok(None);
    };
    if sk == "head" {
        return head(world, number).map(Some);
    }
    match number_of(sk).filter(|_| sk.starts_with("rollout#")) {
        Some(nth) => {
            let rollout = rollout(&target(number)?, nth, world.is_open)?;
            Ok(Some(rollout_item(number, &rollout)))
        }
        None => Ok(None),
    }
}

fn head(world: &World, number: usize) -> Result<Value> {
    let target = target(number)?;
    let live = rollout(&target, i64::from(world.is_open), false)?;
    let mut head = json!({
        "version": 2 * world.rollouts,
        "newest": rollout(&target, 0, false)?.release,
        "live": Live::of(&live),
    });
    if world.is_open {
        head["in_flight"] = json!(rollout(&target, 0, true)?.id);
    }
    let mut item = item(&head);
    extend(&mut item, keys(&partition(number), "head"));
    Ok(item)
}

/// The `nth` newest rollout of a target. All have succeeded, but for the newest if it is open.
fn rollout(target: &Target, nth: i64, is_open: bool) -> Result<Rollout> {
    let claimed = DateTime::from_timestamp(NEWEST, 0).context("a time")?;
    let claimed = claimed - TimeDelta::seconds(nth * APART);
    let digest = Digest::parse(&format!("sha256:{:064x}", 0xc0ffee + nth))?;
    let commit = Commit::parse(&format!("{:040x}", 0xbeef + nth))?;
    let release = Release {
        repository: REPOSITORY.to_owned(),
        tag: format!("main-{commit}"),
        commit: Some(commit),
        digest: digest.clone(),
        pushed_at: claimed - TimeDelta::seconds(2),
    };
    let mut rollout = Rollout::claimed(target, release, Cause::Push, claimed);
    rollout.heard_at = Some(claimed);
    rollout.stage = Stage::Deploying;
    rollout.revision = Some(serde_json::from_value(json!(revision(
        &json!(target.family),
        nth
    )))?);
    rollout.deployment = Some(serde_json::from_value(json!(deployment(nth)))?);
    rollout.registered_at = Some(claimed + TimeDelta::milliseconds(200));
    rollout.deployed_at = Some(claimed + TimeDelta::milliseconds(400));
    if !(is_open && nth == 0) {
        rollout.stage = Stage::Ended;
        rollout.verdict = Some(Verdict::Succeeded);
        rollout.ended_at = Some(claimed + TimeDelta::seconds(45));
    } else {
        rollout.deadline = Utc::now() + TimeDelta::minutes(30);
    }
    Ok(rollout)
}

/// Which rollout an id or the upper end of a range means: times are the only thing in it.
fn number_of(sort_key: &str) -> Option<i64> {
    let id = sort_key.strip_prefix("rollout#")?;
    let (time, _) = id.split_once('-')?;
    let time = NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%M%S%3fZ").ok()?;
    Some((NEWEST - time.and_utc().timestamp()) / APART)
}

fn target(number: usize) -> Result<Target> {
    let name = name(number);
    Ok(serde_json::from_value(json!({
        "name": name,
        "environment": "production",
        "repository": REPOSITORY,
        "cluster": "production",
        "service": name,
        "container": "web",
        "template": format!("{name}-template"),
        "family": name,
        "github_repository": "acme/web",
        "environment_url": "https://web.example.com",
        "deadline_seconds": 900,
        "first_count": 1,
        "tag_policy": { "kind": "glob", "pattern": "main-*" },
    }))?)
}

fn name(number: usize) -> String {
    format!("web-{number}")
}

fn partition(number: usize) -> String {
    format!("target#production/{}", name(number))
}

fn target_of(partition: &str) -> Option<usize> {
    partition.rsplit_once("/web-")?.1.parse().ok()
}

fn target_item(target: &Target) -> Value {
    let mut item = item(&json!(target));
    extend(
        &mut item,
        keys("targets", &format!("{REPOSITORY}#{}", target.name)),
    );
    item
}

fn rollout_item(number: usize, rollout: &Rollout) -> Value {
    let mut item = item(&json!(rollout));
    extend(
        &mut item,
        keys(&partition(number), &format!("rollout#{}", rollout.id)),
    );
    item
}

fn keys(pk: &str, sk: &str) -> Value {
    json!({ "pk": { "S": pk }, "sk": { "S": sk } })
}

fn extend(item: &mut Value, more: Value) {
    if let (Some(item), Value::Object(more)) = (item.as_object_mut(), more) {
        item.extend(more);
    }
}

/// The attributes of an object, as DynamoDB writes them.
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html>
fn item(object: &Value) -> Value {
    let members = object.as_object().into_iter().flatten();
    let members = members.map(|(name, value)| (name.clone(), attribute(value)));
    Value::Object(members.collect::<Map<_, _>>())
}

fn attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(it) => json!({ "BOOL": it }),
        Value::Number(it) => json!({ "N": it.to_string() }),
        Value::String(it) => json!({ "S": it }),
        Value::Array(them) => json!({ "L": them.iter().map(attribute).collect::<Vec<_>>() }),
        Value::Object(_) => json!({ "M": item(value) }),
    }
}

/// The service while the `nth` newest rollout runs; -1 is the one that comes now.
fn service(name: Option<&str>, nth: i64) -> Value {
    let name = name.unwrap_or("web-0");
    let deployment = |nth: i64, status: &str, state: &str| {
        json!({
            "id": deployment(nth),
            "status": status,
            "taskDefinition": revision(&json!(name), nth),
            "desiredCount": 2, "runningCount": 2, "pendingCount": 0, "failedTasks": 0,
            "createdAt": NEWEST, "updatedAt": NEWEST,
            "launchType": "FARGATE",
            "rolloutState": state,
            "rolloutStateReason": "as the stub has it",
        })
    };
    let deployments = match nth {
        -1 => vec![
            deployment(-1, "PRIMARY", "IN_PROGRESS"),
            deployment(0, "ACTIVE", "COMPLETED"),
        ],
        nth => vec![deployment(nth, "PRIMARY", "COMPLETED")],
    };
    json!({
        "serviceArn": format!("arn:aws:ecs:us-east-1:000000000000:service/production/{name}"),
        "serviceName": name,
        "status": "ACTIVE",
        "desiredCount": 2, "runningCount": 2, "pendingCount": 0,
        "launchType": "FARGATE",
        "taskDefinition": revision(&json!(name), nth),
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": { "enable": true, "rollback": true },
            "maximumPercent": 200, "minimumHealthyPercent": 100,
        },
        "deployments": deployments,
        "events": (0..20).map(|number| json!({
            "id": format!("00000000-0000-0000-0000-{number:012}"),
            "createdAt": NEWEST,
            "message": format!("(service {name}) has reached a steady state."),
        })).collect::<Vec<_>>(),
    })
}

fn deployment(nth: i64) -> String {
    format!("ecs-svc/{:019}", 1_000_000_000 - nth)
}

fn revision(family: &Value, nth: i64) -> String {
    let family = family.as_str().unwrap_or("web-0");
    format!(
        "arn:aws:ecs:us-east-1:000000000000:task-definition/{family}:{}",
        2_000_000 - nth
    )
}

fn template() -> Value {
    json!({
        "taskDefinitionArn": "arn:aws:ecs:us-east-1:000000000000:task-definition/web-0-template:3",
        "family": "web-0-template",
        "revision": 3,
        "status": "ACTIVE",
        "cpu": "256", "memory": "512",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "executionRoleArn": "arn:aws:iam::000000000000:role/execution",
        "taskRoleArn": "arn:aws:iam::000000000000:role/task",
        "runtimePlatform": { "cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX" },
        "containerDefinitions": [{
            "name": "web",
            "image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/team/web:placeholder",
            "essential": true,
            "portMappings": [{ "containerPort": 8080, "protocol": "tcp" }],
            "environment": [{ "name": "LEVEL", "value": "info" }],
            "healthCheck": { "command": ["CMD", "/web", "healthcheck"], "interval": 5 },
            "logConfiguration": { "logDriver": "awslogs", "options": {
                "awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web",
            } },
        }],
    })
}

fn images(world: &World) -> Result<Value> {
    let heard = rollout(&target(0)?, 0, false)?.release;
    let (digest, tag, at) = match world.is_pushed {
        true => (DIGEST, format!("main-{COMMIT}"), NEWEST + APART),
        false => (
            heard.digest.as_str(),
            heard.tag.clone(),
            heard.pushed_at.timestamp(),
        ),
    };
    Ok(json!({ "imageDetails": [{
        "registryId": "000000000000",
        "repositoryName": REPOSITORY,
        "imageDigest": digest,
        "imageTags": [tag],
        "imagePushedAt": at,
        "imageManifestMediaType": INDEX,
    }] }))
}

fn manifest() -> Value {
    let image = |architecture: &str, digit: char| {
        json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": format!("sha256:{}", digit.to_string().repeat(64)),
            "size": 1234,
            "platform": { "architecture": architecture, "os": "linux" },
        })
    };
    json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [image("amd64", 'a'), image("arm64", 'b')],
    })
}
