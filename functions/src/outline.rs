//! What is in a task definition, so that people can see what differs between two of them.

use ledger::table::Outline;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::task_definition::is_identity;

/// Text under these names is shown as it is. Any other may be a secret, also in a field that nobody has thought of yet.
const PLAIN: [&str; 27] = [
    "appProtocol",
    "capabilities",
    "condition",
    "containerName",
    "containerPath",
    "cpu",
    "cpuArchitecture",
    "credentialsParameter",
    "essential",
    "executionRoleArn",
    "hostname",
    "image",
    "logDriver",
    "memory",
    "mode",
    "networkMode",
    "operatingSystemFamily",
    "pidMode",
    "protocol",
    "requiresCompatibilities",
    "sourceContainer",
    "sourceVolume",
    "taskRoleArn",
    "user",
    "valueFrom",
    "versionConsistency",
    "workingDirectory",
];

/// A path and a value for all that is in `definition`, the body of a RegisterTaskDefinition, but its family and what
/// tells each revision from every other.
pub fn outline(definition: &Value) -> Outline {
    let mut lines = Outline::new();
    for (key, value) in definition.as_object().into_iter().flatten() {
        if key != "family" {
            add(&mut lines, key, key, value);
        }
    }
    lines
}

/// Adds `value`, which stands at `path` under the name `key`.
fn add(lines: &mut Outline, path: &str, key: &str, value: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                add(lines, &format!("{path}.{name}"), name, field);
            }
        }
        Value::Array(elements) => {
            for (place, element) in elements.iter().enumerate() {
                add_element(lines, path, key, place, element);
            }
        }
        Value::String(text) if !PLAIN.contains(&key) => {
            lines.insert(path.to_owned(), fingerprint(text));
        }
        Value::String(text) => {
            lines.insert(path.to_owned(), text.clone());
        }
        other => {
            lines.insert(path.to_owned(), other.to_string());
        }
    }
}

/// Containers, variables, secrets, volumes and tags have names, and their order means nothing.
fn add_element(lines: &mut Outline, path: &str, key: &str, place: usize, element: &Value) {
    let named = element
        .as_object()
        .and_then(|fields| Some((fields, name(fields)?)));
    match named {
        Some((_, (_, name))) if is_identity(name) => {}
        Some((fields, (field, name))) => {
            let path = format!("{path}.{name}");
            for (key, value) in fields.iter().filter(|(key, _)| *key != field) {
                add(lines, &format!("{path}.{key}"), key, value);
            }
        }
        None => add(lines, &format!("{path}.{place}"), key, element),
    }
}

/// What an element is called, and the field that says so.
fn name(fields: &Map<String, Value>) -> Option<(&'static str, &str)> {
    let text = |field| Some((field, fields.get(field)?.as_str()?));
    text("name").or_else(|| text("key"))
}

/// Tells two values apart and says neither.
fn fingerprint(text: &str) -> String {
    let hash = Sha256::digest(text);
    let digits: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("#{digits}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definition(level: &str, rollout: &str) -> Value {
        json!({
            "family": "web",
            "cpu": "256",
            "containerDefinitions": [{
                "name": "web",
                "image": "registry/web@sha256:aa",
                "essential": true,
                "command": ["serve", "--token", "hidden"],
                "environment": [
                    { "name": "LOG_LEVEL", "value": level },
                    { "name": "COUPLET_ROLLOUT", "value": rollout },
                ],
                "secrets": [{ "name": "KEY", "valueFrom": "arn:aws:ssm:eu-west-1:1:parameter/key" }],
                "portMappings": [{ "containerPort": 8080, "protocol": "tcp" }],
                "aFieldOfTomorrow": "hidden",
            }],
            "tags": [
                { "key": "team", "value": "hidden" },
                { "key": "couplet:rollout", "value": rollout },
            ],
        })
    }

    #[test]
    fn what_is_plain_is_shown_and_what_may_be_secret_is_not() {
        let lines = outline(&definition("debug", "1"));
        let line = |path: &str| lines.get(path).map(String::as_str);
        for (path, value) in [
            ("cpu", "256"),
            ("containerDefinitions.web.image", "registry/web@sha256:aa"),
            ("containerDefinitions.web.essential", "true"),
            (
                "containerDefinitions.web.portMappings.0.containerPort",
                "8080",
            ),
            (
                "containerDefinitions.web.secrets.KEY.valueFrom",
                "arn:aws:ssm:eu-west-1:1:parameter/key",
            ),
        ] {
            assert_eq!(line(path), Some(value), "{lines:#?}");
        }
        assert!(line("containerDefinitions.web.environment.LOG_LEVEL.value").is_some());
        for secret in ["hidden", "debug", "serve"] {
            assert!(!lines.values().any(|it| it.contains(secret)), "{lines:#?}");
        }
    }

    #[test]
    fn two_revisions_of_one_template_and_image_are_alike() {
        assert_eq!(
            outline(&definition("info", "1")),
            outline(&definition("info", "2"))
        );
    }

    #[test]
    fn a_changed_variable_is_one_changed_line() {
        let (before, after) = (
            outline(&definition("info", "1")),
            outline(&definition("debug", "1")),
        );
        let changed: Vec<_> = after
            .iter()
            .filter(|(path, value)| before.get(*path) != Some(value))
            .map(|(path, _)| path.as_str())
            .collect();
        assert_eq!(
            changed,
            ["containerDefinitions.web.environment.LOG_LEVEL.value"]
        );
    }
}
