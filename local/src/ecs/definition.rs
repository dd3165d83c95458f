//! Task definitions, kept as the JSON that was sent. What AWS is known to fill in is filled in; nothing is dropped,
//! known or unknown.

use serde_json::{Map, Value, json};

use super::ApiError;
use super::name::{definition_arn, includes, last_segment, now, page, required, text, texts};
use super::state::State;
use super::tags;
use crate::event::ACCOUNT;

pub(super) fn register(state: &mut State, body: &Value) -> Result<Value, ApiError> {
    let family = required(body, "family")?.to_owned();
    if !body["containerDefinitions"].is_array() {
        return Err(ApiError::client(
            "Container definitions should not be null or empty.",
        ));
    }
    // Two registrations on one family at the same time: seen by eagletmt/hako, cromwell and
    // cloudposse/terraform-aws-ecs-alb-service-task#258. Here it happens when a test asks for it.
    if state.refusals > 0 {
        state.refusals -= 1;
        return Err(ApiError::client(
            "Too many concurrent attempts to create a new revision of the specified family.",
        ));
    }
    let revisions = state.definitions.entry(family.clone()).or_default();
    let revision = revisions.len() + 1;
    let arn = definition_arn(&family, revision);
    let definition = filled_in(body, &arn, revision);
    revisions.push(definition.clone());
    tags::replace(state, &arn, &body["tags"]);
    Ok(json!({ "taskDefinition": definition, "tags": tags::of(state, &arn) }))
}

pub(super) fn describe(state: &State, body: &Value) -> Result<Value, ApiError> {
    let definition = find(state, required(body, "taskDefinition")?)
        .ok_or_else(|| ApiError::client("Unable to describe task definition."))?;
    let mut answer = json!({ "taskDefinition": definition });
    if includes(body, "TAGS") {
        let arn = text(definition, "taskDefinitionArn").unwrap_or_default();
        answer["tags"] = tags::of(state, arn);
    }
    Ok(answer)
}

pub(super) fn deregister(state: &mut State, body: &Value) -> Result<Value, ApiError> {
    let name = required(body, "taskDefinition")?;
    let definition = find_mut(state, name)
        .ok_or_else(|| ApiError::client("The specified task definition does not exist."))?;
    definition["status"] = json!("INACTIVE");
    definition["deregisteredAt"] = json!(now());
    Ok(json!({ "taskDefinition": definition }))
}

/// Only INACTIVE revisions can be deleted, and their numbers are not given back.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteTaskDefinitions.html>
pub(super) fn delete(state: &mut State, body: &Value) -> Result<Value, ApiError> {
    let mut deleted = Vec::new();
    let mut failures = Vec::new();
    for name in texts(body, "taskDefinitions") {
        match find_mut(state, name) {
            Some(definition) if definition["status"] != "ACTIVE" => {
                definition["status"] = json!("DELETE_IN_PROGRESS");
                definition["deleteRequestedAt"] = json!(now());
                deleted.push(definition.clone());
            }
            Some(_) => failures.push(json!({"arn": name, "reason": "The specified task definition is still in ACTIVE status. Please deregister the target and try again."})),
            None => failures.push(json!({"arn": name, "reason": "The specified task definition does not exist."})),
        }
    }
    Ok(json!({ "taskDefinitions": deleted, "failures": failures }))
}

pub(super) fn list(state: &State, body: &Value) -> Result<Value, ApiError> {
    let status = text(body, "status").unwrap_or("ACTIVE");
    let mut arns: Vec<Value> = state
        .definitions
        .iter()
        .filter(|(family, _)| text(body, "familyPrefix").is_none_or(|wanted| wanted == *family))
        .flat_map(|(_, revisions)| revisions)
        .filter(|definition| definition["status"] == status)
        .map(|definition| definition["taskDefinitionArn"].clone())
        .collect();
    if text(body, "sort") == Some("DESC") {
        arns.reverse();
    }
    Ok(page(body, "taskDefinitionArns", arns))
}

/// The ARN of the ACTIVE revision that a service is to run.
pub(super) fn active_arn(state: &State, name: &str) -> Result<String, ApiError> {
    find(state, name)
        .filter(|definition| definition["status"] == "ACTIVE")
        .and_then(|definition| text(definition, "taskDefinitionArn"))
        .map(str::to_owned)
        .ok_or_else(|| ApiError::client("Unable to describe task definition."))
}

/// A family (its latest ACTIVE revision), family:revision, or the full ARN.
pub(super) fn find<'a>(state: &'a State, name: &str) -> Option<&'a Value> {
    let (family, revision) = parse(name);
    let revisions = state.definitions.get(family)?;
    let there = |definition: &&Value| definition["status"] != "DELETE_IN_PROGRESS";
    match revision {
        Some(revision) => revisions.get(revision.checked_sub(1)?).filter(there),
        None => revisions.iter().rfind(|it| it["status"] == "ACTIVE"),
    }
}

/// The container that is the task here: the one behind the load balancer, else the first essential one.
/// Other containers (sidecars) are not started on the laptop.
pub(super) fn container<'a>(definition: &'a Value, balanced: Option<&str>) -> Option<&'a Value> {
    let containers = definition["containerDefinitions"].as_array()?;
    let named = |container: &&Value| balanced.is_some_and(|name| container["name"] == name);
    let essential = |container: &&Value| container["essential"] != false;
    containers
        .iter()
        .find(named)
        .or_else(|| containers.iter().find(essential))
        .or_else(|| containers.first())
}

fn find_mut<'a>(state: &'a mut State, name: &str) -> Option<&'a mut Value> {
    let (family, revision) = parse(name);
    let revisions = state.definitions.get_mut(family)?;
    revisions.get_mut(revision?.checked_sub(1)?)
}

fn parse(name: &str) -> (&str, Option<usize>) {
    let name = last_segment(name);
    match name.rsplit_once(':') {
        Some((family, revision)) => (family, revision.parse().ok()),
        None => (name, None),
    }
}

fn filled_in(body: &Value, arn: &str, revision: usize) -> Value {
    let mut definition = body.clone();
    let Some(fields) = definition.as_object_mut() else {
        return definition;
    };
    fields.shift_remove("tags");
    fill(fields, "volumes", json!([]));
    fill(fields, "placementConstraints", json!([]));
    for container in fields["containerDefinitions"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        fill_container(container);
    }
    fields.insert("taskDefinitionArn".into(), json!(arn));
    fields.insert("revision".into(), json!(revision));
    fields.insert("status".into(), json!("ACTIVE"));
    fields.insert("compatibilities".into(), json!(["EC2", "FARGATE"]));
    fields.insert(
        "requiresAttributes".into(),
        json!([{"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"}, {"name": "ecs.capability.task-eni"}]),
    );
    fields.insert("registeredAt".into(), json!(now()));
    fields.insert(
        "registeredBy".into(),
        json!(format!("arn:aws:iam::{ACCOUNT}:root")),
    );
    definition
}

fn fill_container(container: &mut Map<String, Value>) {
    fill(container, "cpu", json!(0));
    fill(container, "essential", json!(true));
    for list in [
        "portMappings",
        "environment",
        "mountPoints",
        "volumesFrom",
        "systemControls",
    ] {
        fill(container, list, json!([]));
    }
    for mapping in container["portMappings"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        let port = mapping.get("containerPort").cloned().unwrap_or_default();
        fill(mapping, "hostPort", port);
        fill(mapping, "protocol", json!("tcp"));
    }
}

/// Sets what the request left out. A null counts as left out, as in awsJson.
fn fill(fields: &mut Map<String, Value>, key: &str, value: Value) {
    if fields.get(key).is_none_or(Value::is_null) {
        fields.insert(key.to_owned(), value);
    }
}
