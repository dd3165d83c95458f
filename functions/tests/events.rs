//! Events as AWS sends them (shapes from its documentation and from public records), parsed to snapshots.

use std::fs;

use functions::event::{heard, watched};
use serde_json::{Value, json};

/// Every file in `tests/events`, by its name: whoever adds an event sees in the review how it is understood.
#[test]
fn every_recorded_event_is_understood() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/events");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("tests/events")
        .map(|entry| entry.expect("entry").path())
        .collect();
    files.sort();
    assert!(files.len() > 20, "the recorded events are missing");
    let mut understood = String::new();
    for file in files {
        let name = file
            .file_stem()
            .expect("name")
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&file).expect(&name);
        let event: Value = serde_json::from_str(&text).expect(&name);
        let parsed = match event["source"].as_str() {
            Some("aws.ecs") => format!("{:#?}", watched(event).expect(&name)),
            Some("aws.events") => format!(
                "{:#?}\n{:#?}",
                watched(event.clone()).expect(&name),
                heard(event).expect(&name)
            ),
            _ => format!("{:#?}", heard(event).expect(&name)),
        };
        understood.push_str(&format!("== {name}\n{parsed}\n\n"));
    }
    insta::assert_snapshot!(understood);
}

#[test]
fn an_unknown_field_is_welcome_anywhere() {
    let mut event: Value =
        serde_json::from_str(include_str!("events/deployment-completed.json")).expect("event");
    let plain = watched(event.clone()).expect("known");
    event["brand-new"] = json!({ "a": [1] });
    event["detail"]["brandNew"] = json!("b");
    assert_eq!(watched(event).expect("known"), plain);
}

/// What the schema promises to those who ask is what the parser does.
#[test]
fn requests_are_as_their_schema_says() {
    let schema = include_str!("../../docs/rollout-requested.schema.json");
    let schema: Value = serde_json::from_str(schema).expect("schema");
    let whole = json!({
        "target": "web", "by": "ada", "why": "why", "from": "staging",
        "digest": format!("sha256:{}", "a".repeat(64)),
    });
    let asked = |detail: &Value| {
        heard(json!({
            "id": "1", "source": "couplet", "detail-type": "Rollout Requested", "detail": detail,
        }))
    };
    let texts = |list: &Value| -> Vec<String> {
        serde_json::from_value(list.clone()).expect("a list of texts")
    };
    let actions = texts(&schema["properties"]["action"]["enum"]);
    let required = texts(&schema["required"]);
    for action in &actions {
        let mut detail = whole.clone();
        detail["action"] = json!(action);
        asked(&detail).expect(action);
        let names = schema["properties"].as_object().expect("properties").keys();
        for name in names {
            let mut less = detail.clone();
            less.as_object_mut()
                .and_then(|fields| fields.remove(name))
                .expect(name);
            let needed = required.contains(name) || action == "promote" && name == "from";
            assert_eq!(asked(&less).is_err(), needed, "{action} without {name}");
        }
    }
    // The parser names every action that it knows.
    let unknown = json!({ "action": "explode", "target": "web", "by": "ada" });
    let refusal = format!("{:#}", asked(&unknown).expect_err("unknown"));
    let known = actions.iter().map(|action| format!("`{action}`"));
    let known = known.collect::<Vec<_>>().join(", ");
    assert!(refusal.ends_with(&known), "{refusal}");
}

#[test]
fn what_is_malformed_is_named() {
    let push = include_str!("events/image-pushed-index-with-tag.json");
    let deployment = include_str!("events/deployment-completed.json");
    let request = include_str!("events/rollback-requested.json");
    let rows = [
        (
            changed(push, "/detail/image-digest", json!("md5:1")),
            "malformed \"ECR Image Action\" event: image-digest: `md5:1` is not a sha256 digest",
        ),
        (
            changed(push, "/detail/action-type", json!(7)),
            "malformed \"ECR Image Action\" event: action-type: invalid type: integer `7`, expected a string",
        ),
        (
            changed(push, "/detail-type", json!("ECR Pull Through Cache Action")),
            "rollout does not know the event \"ECR Pull Through Cache Action\" from aws.ecr",
        ),
        (
            changed(request, "/detail/action", json!("explode")),
            "malformed \"Rollout Requested\" event: action: unknown variant `explode`, expected one of `rollback`, `redeploy`, `promote`, `hold`, `release`",
        ),
        (
            json!({ "detail": {} }),
            "not an EventBridge event: missing field `detail-type`",
        ),
        (
            json!("text"),
            "not an EventBridge event: invalid type: string \"text\", expected struct EventBridgeEvent",
        ),
    ];
    for (event, expected) in rows {
        assert_eq!(format!("{:#}", heard(event).expect_err(expected)), expected);
    }
    let rows = [
        (
            changed(deployment, "/resources", json!([])),
            "a \"ECS Deployment State Change\" event names no service",
        ),
        (
            changed(
                deployment,
                "/resources/0",
                json!("arn:aws:ecs:eu-west-1:1:cluster/c"),
            ),
            "malformed \"ECS Deployment State Change\" event: `arn:aws:ecs:eu-west-1:1:cluster/c` is not the ARN of an ECS service",
        ),
        (
            changed(deployment, "/detail/deploymentId", json!("7")),
            "malformed \"ECS Deployment State Change\" event: deploymentId: `7` is not the id of an ECS deployment",
        ),
    ];
    for (event, expected) in rows {
        assert_eq!(
            format!("{:#}", watched(event).expect_err(expected)),
            expected
        );
    }
}

fn changed(event: &str, pointer: &str, value: Value) -> Value {
    let mut event: Value = serde_json::from_str(event).expect("event");
    *event.pointer_mut(pointer).expect(pointer) = value;
    event
}
