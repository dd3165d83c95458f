//! The recorded events, and what becomes of them without one of their members.

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use functions::event::{heard, watched};
use serde_json::{Value, json};

use super::given::{differences, members, with, without};

/// Every recorded event, by the name of its file.
pub(crate) static RECORDED: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/events");
    let files = fs::read_dir(folder).expect("tests/events");
    let event = |file: fs::DirEntry| {
        let name = file.file_name().to_string_lossy().into_owned();
        let text = fs::read_to_string(file.path()).expect(&name);
        let event = serde_json::from_str(&text).expect(&name);
        (name, event)
    };
    files.map(|file| event(file.expect("a file"))).collect()
});

/// How `rollout` and `verdict` understand an event, or why they do not.
pub(crate) fn understood(event: &Value) -> [Result<String, String>; 2] {
    [told(heard(event.clone())), told(watched(event.clone()))]
}

fn told<T: std::fmt::Debug>(parsed: anyhow::Result<T>) -> Result<String, String> {
    parsed
        .map(|parsed| format!("{parsed:?}"))
        .map_err(|error| format!("{error:#}"))
}

/// The errors that do not name the event's kind although it has one.
pub(crate) fn nameless(event: &Value) -> Vec<String> {
    let kind = format!("\"{}\"", event["detail-type"].as_str().unwrap_or_default());
    let errors = understood(event).into_iter().filter_map(Result::err);
    errors
        .filter(|error| !error.contains(&kind) && !error.starts_with("not an EventBridge event: "))
        .collect()
}

/// The members that each kind of event must have, by leaving out each member of each recorded event in turn.
#[test]
fn the_members_without_which_an_event_is_refused() {
    let mut needed = BTreeMap::<String, String>::new();
    for (name, event) in RECORDED.iter() {
        let kind = event["detail-type"].as_str().expect(name);
        let whole = understood(event);
        for pointer in members(event) {
            for (whole, found) in whole
                .iter()
                .zip(understood(&without(event.clone(), &pointer)))
            {
                if let (Ok(_), Err(message)) = (whole, found) {
                    needed.insert(format!("{kind} {pointer}"), message);
                }
            }
        }
    }
    let mut expected = BTreeMap::new();
    let mut need = |kind: &str, pointer: &str, message: String| {
        expected.insert(format!("{kind} {pointer}"), message);
    };
    let details: [(&str, &[&str]); 8] = [
        (
            "ECR Image Action",
            &["action-type", "repository-name", "result"],
        ),
        ("ECR Image Scan", &["image-digest", "repository-name"]),
        (
            "ECR Replication Action",
            &["action-type", "repository-name", "result"],
        ),
        (
            "ECS Deployment State Change",
            &["deploymentId", "eventName"],
        ),
        ("ECS Service Action", &["eventName", "eventType"]),
        (
            "ECS Task State Change",
            &[
                "clusterArn",
                "containers/0/name",
                "containers/1/name",
                "lastStatus",
            ],
        ),
        ("Rollout Requested", &["action", "by", "target"]),
        ("Scheduled Event", &[]),
    ];
    for (kind, fields) in details {
        for field in ["detail", "detail-type", "source"] {
            let message = format!("not an EventBridge event: missing field `{field}`");
            need(kind, &format!("/{field}"), message);
        }
        for path in fields {
            // A list's element is named by its place.
            let (place, field) = match path.split('/').collect::<Vec<_>>()[..] {
                [list, number, field] => (format!("{list}[{number}]: "), field),
                _ => (String::new(), *path),
            };
            let message = format!("malformed \"{kind}\" event: {place}missing field `{field}`");
            need(kind, &format!("/detail/{path}"), message);
        }
    }
    for kind in ["ECS Deployment State Change", "ECS Service Action"] {
        need(
            kind,
            "/resources",
            format!("a \"{kind}\" event names no service"),
        );
    }
    need(
        "Scheduled Event",
        "/time",
        "a \"Scheduled Event\" has no time".into(),
    );
    need(
        "Rollout Requested",
        "/id",
        "a \"Rollout Requested\" event has no id".into(),
    );
    let [needed, expected] = [needed, expected].map(|it| json!(it));
    assert_eq!(differences(&expected, &needed), [""; 0], "{needed:#}");
}

/// JSON of many writers has a null where there is nothing.
#[test]
fn a_null_is_as_good_as_nothing() {
    for (name, event) in RECORDED.iter() {
        for pointer in members(event) {
            let absent = understood(&without(event.clone(), &pointer));
            let null = with(event.clone(), &pointer, Value::Null);
            for (absent, null) in absent.iter().zip(understood(&null)) {
                match absent {
                    Ok(_) => assert_eq!(*absent, null, "{pointer} of {name}"),
                    // Nothing is read of the detail of a schedule's event.
                    Err(_) => assert!(null.is_err() || pointer == "/detail", "{pointer} of {name}"),
                }
            }
            assert_eq!(nameless(&null), [""; 0], "{pointer} of {name}");
        }
    }
}
