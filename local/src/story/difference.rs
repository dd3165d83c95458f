//! Whether a revision is its template in everything that is not its own.

use serde_json::{Map, Value};

/// What ECS itself sets on each task definition.
const SET_BY_ECS: [&str; 4] = [
    "registeredAt",
    "registeredBy",
    "revision",
    "taskDefinitionArn",
];
/// Who a revision is, as its container is told.
const IDENTITY: [&str; 3] = ["COUPLET_COMMIT", "COUPLET_DIGEST", "COUPLET_ROLLOUT"];

/// Where two answers about task definitions differ first, beyond what a revision may change, and what stands there.
pub(super) fn difference(template: &Value, revision: &Value) -> Option<String> {
    first(&bare(template), &bare(revision), "")
}

/// The container of the board.
pub(super) fn web(answer: &Value) -> Option<&Value> {
    let containers = answer["taskDefinition"]["containerDefinitions"].as_array()?;
    containers
        .iter()
        .find(|container| container["name"] == "web")
}

/// An answer without what ECS sets, the family, the image and the identity.
fn bare(answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(tags) = answer["tags"].as_array_mut() {
        tags.retain(|tag| {
            let key = tag["key"].as_str().unwrap_or_default();
            !key.starts_with("couplet:")
        });
    }
    let definition = &mut answer["taskDefinition"];
    if let Some(fields) = definition.as_object_mut() {
        fields.retain(|name, _| name != "family" && !SET_BY_ECS.contains(&name.as_str()));
    }
    let containers = definition["containerDefinitions"].as_array_mut();
    for container in containers.into_iter().flatten() {
        if container["name"] != "web" {
            continue;
        }
        if let Some(fields) = container.as_object_mut() {
            fields.shift_remove("image");
        }
        if let Some(environment) = container["environment"].as_array_mut() {
            environment.retain(|variable| {
                let name = variable["name"].as_str().unwrap_or_default();
                !IDENTITY.contains(&name)
            });
        }
    }
    answer
}

fn first(left: &Value, right: &Value, pointer: &str) -> Option<String> {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            names(left, right).into_iter().find_map(|name| {
                first_of(
                    left.get(name),
                    right.get(name),
                    &format!("{pointer}/{name}"),
                )
            })
        }
        (Value::Array(left), Value::Array(right)) => (0..left.len().max(right.len()))
            .find_map(|at| first_of(left.get(at), right.get(at), &format!("{pointer}/{at}"))),
        (left, right) if left == right => None,
        (left, right) => Some(format!("{pointer}: {left} became {right}")),
    }
}

fn first_of(left: Option<&Value>, right: Option<&Value>, pointer: &str) -> Option<String> {
    match (left, right) {
        (Some(left), Some(right)) => first(left, right, pointer),
        (Some(left), None) => Some(format!("{pointer}: {left} is gone")),
        (None, Some(right)) => Some(format!("{pointer}: {right} is new")),
        (None, None) => None,
    }
}

/// The names in either, each once.
fn names<'a>(left: &'a Map<String, Value>, right: &'a Map<String, Value>) -> Vec<&'a str> {
    let new = right.keys().filter(|name| !left.contains_key(*name));
    left.keys().chain(new).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_the_revisions_own_may_differ() {
        let template = json!({
            "taskDefinition": {
                "family": "board-template", "revision": 1, "cpu": "256",
                "containerDefinitions": [
                    { "name": "web", "image": "board:none", "environment": [{ "name": "A", "value": "1" }] },
                    { "name": "log", "image": "log:1" },
                ],
            },
            "tags": [{ "key": "owner", "value": "ada" }],
        });
        let mut revision = template.clone();
        revision["taskDefinition"]["family"] = json!("board");
        revision["taskDefinition"]["revision"] = json!(7);
        let web = &mut revision["taskDefinition"]["containerDefinitions"][0];
        web["image"] = json!("board@sha256:aa");
        let variables = web["environment"].as_array_mut().unwrap();
        variables.push(json!({ "name": "COUPLET_COMMIT", "value": "1f3c" }));
        let tags = revision["tags"].as_array_mut().unwrap();
        tags.push(json!({ "key": "couplet:commit", "value": "1f3c" }));
        assert_eq!(difference(&template, &revision), None);

        for (pointer, value, expected) in [
            (
                "/tags/0/value",
                json!("bob"),
                "/tags/0/value: \"ada\" became \"bob\"",
            ),
            (
                "/taskDefinition/containerDefinitions/1/image",
                json!("log:2"),
                "/taskDefinition/containerDefinitions/1/image: \"log:1\" became \"log:2\"",
            ),
            (
                "/taskDefinition/containerDefinitions/0/environment",
                json!([]),
                "/taskDefinition/containerDefinitions/0/environment/0: {\"name\":\"A\",\"value\":\"1\"} is gone",
            ),
        ] {
            let mut other = revision.clone();
            *other.pointer_mut(pointer).unwrap() = value;
            assert_eq!(difference(&template, &other).as_deref(), Some(expected));
        }
    }
}
