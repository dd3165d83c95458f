//! Values and strategies that several properties begin with.

use chrono::{DateTime, Utc};
use ledger::{
    Cause, Commit, DeploymentId, Digest, Release, Rollout, TagPolicy, Target, Tasks, Verdict,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence::Direct;
use serde_json::{Map, Value, json};

/// proptest's settings, with the file in which failing cases are kept.
pub(crate) fn config(regressions: &'static str) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(Direct(regressions))),
        ..ProptestConfig::default()
    }
}

/// Text: plain, of any script, of 4-byte characters, with control characters, and very long.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ -~]{0,40}",
        4 => ".{0,20}",
        2 => "[😀-🙏𝔸-𝕫]{0,20}",
        1 => "[\u{0}-\u{1f}a-z]{0,20}",
        1 => ("[a-zé漢💥]", 100..4_000_usize).prop_map(|(letter, times)| letter.repeat(times)),
    ]
}

/// Any JSON.
pub(crate) fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            object(text(), inner),
        ]
    })
}

/// A JSON object.
pub(crate) fn object(
    names: impl Strategy<Value = String>,
    values: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Value> {
    btree_map(names, values, 0..5).prop_map(|members| Value::Object(Map::from_iter(members)))
}

/// A second of some day.
pub(crate) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).expect("time")
}

/// The digest that ends with this number.
pub(crate) fn digest(number: u32) -> Digest {
    Digest::parse(&format!("sha256:{number:064x}")).expect("digest")
}

/// The commit that ends with this number.
pub(crate) fn commit(number: u32) -> Commit {
    Commit::parse(&format!("{number:040x}")).expect("commit")
}

/// A target that follows `main-*` of `team/web`.
pub(crate) fn target() -> Target {
    Target {
        name: "web".into(),
        environment: "production".into(),
        repository: "team/web".into(),
        cluster: "main".into(),
        service: "web".into(),
        container: "web".into(),
        template: "web-template".into(),
        family: "web".into(),
        tag_policy: TagPolicy::Glob("main-*".into()),
        github_repository: "owner/web".into(),
        deadline_seconds: 900,
        max_severity: None,
        first_count: 1,
        environment_url: None,
    }
}

/// A release with this tag, pushed at this second.
pub(crate) fn release(tag: &str, second: i64) -> Release {
    Release {
        repository: "team/web".into(),
        digest: digest(1),
        tag: tag.into(),
        commit: None,
        pushed_at: at(second),
    }
}

/// Any rollout of `target()`: with and without a commit, at ECS or not yet, with tasks, open and ended.
pub(crate) fn rollout() -> impl Strategy<Value = Rollout> {
    let verdicts = [
        Verdict::Succeeded,
        Verdict::RolledBack,
        Verdict::Failed,
        Verdict::Superseded,
        Verdict::Stopped,
        Verdict::TimedOut,
    ];
    (
        any::<u32>(),
        option::of(any::<u32>()),
        text(),
        option::of(text()),
        option::of(proptest::sample::select(verdicts.to_vec())),
        option::of(-100_000..100_000_i64),
        option::of(option::of((any::<u32>(), any::<u32>()))),
    )
        .prop_map(
            |(number, commit_number, name, reason, verdict, ended_after, at_ecs)| {
                let release = Release {
                    digest: digest(number),
                    commit: commit_number.map(commit),
                    ..release("main-1", 0)
                };
                let mut rollout = Rollout::claimed(&target(), release, Cause::Push, at(0));
                rollout.target = name;
                rollout.reason = reason;
                rollout.verdict = verdict;
                rollout.deployment = at_ecs.and_then(|_| DeploymentId::parse("ecs-svc/1").ok());
                let tasks = at_ecs.flatten();
                rollout.tasks = tasks.map(|(running, desired)| Tasks { running, desired });
                rollout.ended_at =
                    ended_after.map(|after| at(0) + chrono::TimeDelta::milliseconds(after));
                rollout
            },
        )
}

/// Every path in a document that leads to a member of an object, as a JSON pointer.
pub(crate) fn members(document: &Value) -> Vec<String> {
    fn collect(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
                    collect(value, &path, found);
                    found.push(path);
                }
            }
            Value::Array(list) => {
                for (index, value) in list.iter().enumerate() {
                    collect(value, &format!("{path}/{index}"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(document, "", &mut found);
    found
}

/// The document without the member at `pointer`.
pub(crate) fn without(mut document: Value, pointer: &str) -> Value {
    let (object, name) = pointer.rsplit_once('/').expect("a pointer to a member");
    let name = name.replace("~1", "/").replace("~0", "~");
    let object = document.pointer_mut(object).and_then(Value::as_object_mut);
    object.expect(pointer).shift_remove(&name).expect(pointer);
    document
}

/// The document with another value at `pointer`.
pub(crate) fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    *document.pointer_mut(pointer).expect(pointer) = value;
    document
}

/// Where two documents differ: `-` only in the first, `+` only in the second, `≠` not the same.
pub(crate) fn differences(first: &Value, second: &Value) -> Vec<String> {
    fn collect(first: &Value, second: &Value, path: &str, found: &mut Vec<String>) {
        match (first, second) {
            (Value::Object(first), Value::Object(second)) => {
                for (name, value) in first {
                    let path = format!("{path}.{name}");
                    match second.get(name) {
                        Some(other) => collect(value, other, &path, found),
                        None => found.push(format!("- {path}")),
                    }
                }
                let new = second.keys().filter(|name| !first.contains_key(*name));
                found.extend(new.map(|name| format!("+ {path}.{name}")));
            }
            (Value::Array(first), Value::Array(second)) => {
                for (index, value) in first.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    match second.get(index) {
                        Some(other) => collect(value, other, &path, found),
                        None => found.push(format!("- {path}")),
                    }
                }
                let new = first.len()..second.len();
                found.extend(new.map(|index| format!("+ {path}[{index}]")));
            }
            _ if first == second => {}
            _ => found.push(format!("≠ {path}")),
        }
    }
    let mut found = Vec::new();
    collect(first, second, "", &mut found);
    found
}

#[test]
fn a_difference_is_named_by_its_path() {
    let first = json!({ "a": { "b": [1, { "c": null }] }, "d": 1 });
    let second = json!({ "a": { "b": [2, {}, 3] }, "d": 1, "e": null });
    assert_eq!(
        differences(&first, &second),
        ["≠ .a.b[0]", "- .a.b[1].c", "+ .a.b[2]", "+ .e"]
    );
    assert!(differences(&first, &first).is_empty());
}
