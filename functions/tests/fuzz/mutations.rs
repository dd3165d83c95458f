//! Whatever comes as an event is understood or refused with its name: no panic, and no word lost.

use functions::event::{Heard, Watched, heard, watched};
use ledger::transition::Seen;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::events::{RECORDED, nameless, understood};
use super::given::{config, json, members, object, text, with, without};

const REGRESSIONS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fuzz/regressions/mutations.txt"
);

fn recorded(name: &str) -> Value {
    RECORDED[name].clone()
}

/// The kinds of events, and those that nobody listens to.
const KINDS: [(&str, &str); 9] = [
    ("aws.ecr", "ECR Image Action"),
    ("aws.ecr", "ECR Replication Action"),
    ("aws.ecr", "ECR Image Scan"),
    ("aws.ecs", "ECS Deployment State Change"),
    ("aws.ecs", "ECS Service Action"),
    ("aws.ecs", "ECS Task State Change"),
    ("aws.events", "Scheduled Event"),
    ("couplet", "Rollout Requested"),
    ("brand.new", "Brand New"),
];

/// Every member of a detail that is read.
const READ: [&str; 22] = [
    "action",
    "action-type",
    "by",
    "clusterArn",
    "containers",
    "deploymentId",
    "digest",
    "eventName",
    "eventType",
    "from",
    "group",
    "image-digest",
    "image-tag",
    "lastStatus",
    "reason",
    "repository-name",
    "result",
    "startedBy",
    "stopCode",
    "stoppedReason",
    "target",
    "why",
];

/// A word that a parser might do something about.
fn word() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => select(vec![
            "", "/", "PUSH", "SUCCESS", "ERROR", "STOPPED", "rollback", "promote",
            "SERVICE_DEPLOYMENT_FAILED", "EssentialContainerExited", "TaskFailedToStart",
            "Task failed ELB health checks", "service:web", "service:", "service:a/b",
            "ecs-svc/1", "ecs-svc/", "arn:aws:ecs:eu-west-1:1:cluster/main",
            "arn:aws:ecs:eu-west-1:1:service/main/web", "arn:aws:ecs:eu-west-1:1:service/web",
        ]).prop_map(Value::from),
        1 => json(),
        1 => vec(object("name|exitCode|reason", json()), 0..3).prop_map(Value::from),
    ]
}

/// One change of an event, at a member that the index picks.
#[derive(Clone, Debug)]
enum Change {
    Remove(Index),
    Set(Index, Value),
    Add(Index, String, Value),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<Index>().prop_map(Change::Remove),
        (
            any::<Index>(),
            prop_oneof![json(), word(), text().prop_map(Value::from)]
        )
            .prop_map(|(index, value)| Change::Set(index, value)),
        addition(),
    ]
}

fn addition() -> impl Strategy<Value = Change> {
    (any::<Index>(), text(), json())
        .prop_map(|(index, name, value)| Change::Add(index, format!("brandNew{name}"), value))
}

impl Change {
    fn made_to(&self, event: Value) -> Value {
        let members = members(&event);
        let pick = |index: &Index| index.get::<String>(&members).clone();
        match self {
            _ if members.is_empty() => event,
            Change::Remove(index) => without(event, &pick(index)),
            Change::Set(index, value) => with(event, &pick(index), value.clone()),
            Change::Add(index, name, value) => {
                let mut event = event;
                let member = pick(index);
                let parent = member.rsplit_once('/').map_or("", |(parent, _)| parent);
                // An object beside the picked member, or the member itself if it is one.
                let place = match event.pointer(&member) {
                    Some(Value::Object(_)) => member.as_str(),
                    _ => parent,
                };
                if let Some(Value::Object(object)) = event.pointer_mut(place) {
                    object.insert(name.clone(), value.clone());
                }
                event
            }
        }
    }
}

fn any_recorded() -> impl Strategy<Value = Value> {
    select(RECORDED.values().cloned().collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(config(REGRESSIONS))]

    #[test]
    fn any_json_is_understood_or_refused(event in json()) {
        for error in understood(&event).into_iter().filter_map(Result::err) {
            prop_assert!(error.starts_with("not an EventBridge event: "), "{error}");
        }
    }

    #[test]
    fn any_detail_is_understood_or_refused_with_the_kind_of_its_event(
        (source, kind) in select(KINDS.to_vec()),
        detail in prop_oneof![
            5 => object(select(READ.to_vec()).prop_map(str::to_owned), word()),
            1 => json(),
        ],
        resources in prop_oneof![vec(word(), 0..3).prop_map(Value::from), json()],
        id in prop_oneof![text().prop_map(Value::from), Just(Value::Null)],
    ) {
        let event = json!({
            "id": id, "source": source, "detail-type": kind,
            "resources": resources, "detail": detail,
        });
        prop_assert_eq!(nameless(&event), [""; 0]);
    }

    #[test]
    fn a_recorded_event_that_was_changed_is_understood_or_refused_with_its_kind(
        event in any_recorded(), changes in vec(change(), 1..5),
    ) {
        let changed = changes.iter().fold(event.clone(), |event, change| change.made_to(event));
        prop_assert_eq!(nameless(&changed), [""; 0]);
        let envelope = |event: &Value| {
            let mut envelope = event.clone();
            envelope["detail"] = json!(event.get("detail").is_some());
            envelope
        };
        if envelope(&event) == envelope(&changed) {
            for error in understood(&changed).into_iter().filter_map(Result::err) {
                prop_assert!(!error.starts_with("not an EventBridge event"), "{error}");
            }
        }
    }

    #[test]
    fn unknown_members_change_nothing(event in any_recorded(), additions in vec(addition(), 1..8)) {
        let more = additions.iter().fold(event.clone(), |event, change| change.made_to(event));
        prop_assert_eq!(understood(&event), understood(&more));
    }

    #[test]
    fn the_words_of_ecs_come_through_as_they_are(
        reason in text(), name in text(), code in 1..256_i64,
    ) {
        let mut event = recorded("deployment-failed.json");
        event["detail"]["reason"] = json!(reason);
        let Ok(Watched::Service(_, Seen::Failed { reason: heard, .. })) = watched(event) else {
            panic!("no failure");
        };
        prop_assert_eq!(&heard, &reason);

        let mut event = recorded("task-stopped-out-of-memory.json");
        event["detail"]["containers"][1] =
            json!({ "name": name, "exitCode": code, "reason": reason });
        let Ok(Watched::Service(_, Seen::Trouble { reason: heard, .. })) = watched(event) else {
            panic!("no trouble");
        };
        prop_assert_eq!(heard, format!("container {name} exited {code}: {reason}"));

        let mut event = recorded("service-cannot-place-tasks.json");
        event["detail"]["eventName"] = json!(name);
        event["detail"]["reason"] = json!(reason);
        let Ok(Watched::Service(_, Seen::Trouble { reason: heard, .. })) = watched(event) else {
            panic!("no trouble");
        };
        prop_assert_eq!(heard, format!("{name}: {reason}"));
    }

    #[test]
    fn what_a_request_says_comes_through_as_it_is(target in text(), by in text(), why in text()) {
        let mut event = recorded("rollback-requested.json");
        for (field, value) in [("target", &target), ("by", &by), ("why", &why)] {
            event["detail"][field] = json!(value);
        }
        let Ok(Heard::Request(request)) = heard(event) else { panic!("no request") };
        prop_assert_eq!(request.ask.target, target);
        prop_assert_eq!(request.ask.by, by);
        prop_assert_eq!(request.ask.why, Some(why));
    }
}
