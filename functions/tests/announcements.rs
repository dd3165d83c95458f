//! What others than GitHub hear: every change, whatever GitHub says, as `docs/rollout-state-change.schema.json` has it.
#![expect(
    clippy::unwrap_used,
    reason = "a part of several tests, which clippy does not take for one"
)]

mod outside;

use std::sync::LazyLock;

use jsonschema::Validator;
use local::github::Failure;
use outside::{CRASHES, LIVES, Outside, request, sha};
use serde_json::{Value, json};

/// The schema, without room for a field that it does not describe.
static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let text = include_str!("../../docs/rollout-state-change.schema.json");
    let mut schema: Value = serde_json::from_str(text).unwrap();
    for place in [
        "",
        "/properties/release",
        "/properties/cause",
        "/properties/tasks",
    ] {
        schema.pointer_mut(place).unwrap()["additionalProperties"] = json!(false);
    }
    let formats = jsonschema::options().should_validate_formats(true);
    formats.build(&schema).unwrap()
});

/// What was put on the bus since this was last asked: the details, each as the schema has it.
fn announced(outside: &mut Outside) -> Vec<Value> {
    let mut details = Vec::new();
    for event in outside.heard() {
        if event["detail-type"] != "Couplet Rollout State Change" {
            continue;
        }
        assert_eq!(event["source"], "couplet");
        let faults = SCHEMA.iter_errors(&event["detail"]);
        let faults: Vec<String> = faults.map(|it| it.to_string()).collect();
        assert_eq!(faults, [""; 0], "{event:#}");
        details.push(event["detail"].clone());
    }
    details
}

/// `stage`, and what is said beside it.
fn in_short(details: &[Value]) -> Vec<String> {
    let parts = ["stage", "tasks", "verdict", "reason"];
    let short = |detail: &Value| {
        let parts = parts.iter().filter_map(|part| detail.get(part));
        let parts = parts.map(|part| match part {
            Value::String(text) => text.clone(),
            Value::Object(tasks) => format!("{}/{}", tasks["running"], tasks["desired"]),
            other => other.to_string(),
        });
        parts.collect::<Vec<_>>().join(" ")
    };
    details.iter().map(short).collect()
}

#[tokio::test]
async fn every_step_of_a_rollout_is_announced_and_what_github_was_told_is_none() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside.rollout(pushed).await;
    let started = outside.task_is("RUNNING").await;
    outside.verdict(started).await;
    let completed = outside.completed().await;
    outside.verdict(completed).await;
    let records = outside.records().await;
    outside.report(&records).await;
    let details = announced(&mut outside);
    let steps = [
        "claimed",
        "deploying",
        "deploying 1/1",
        "ended 1/1 succeeded",
    ];
    assert_eq!(in_short(&details), steps);
    insta::assert_snapshot!("ended", outside.replace(&format!("{:#}", details[3])));

    let pushed = outside.push('b', LIVES).await;
    outside.rollout(pushed).await;
    let begun = outside.records().await;
    outside.report(&begun).await;
    assert_eq!(announced(&mut outside).len(), 2);
    let noted = outside.records().await;
    assert!(!noted.is_empty());
    outside.report(&noted).await;
    assert_eq!(announced(&mut outside), [json!(null); 0]);
}

#[tokio::test]
async fn a_release_without_a_commit_is_announced_with_what_went_wrong() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    outside.records().await;
    let pushed = outside.push_as("main-17", 'x', CRASHES).await;
    outside.rollout(pushed).await;
    let stopped = outside.task_is("STOPPED").await;
    outside.verdict(stopped).await;
    let failed = outside.deployment_event("FAILED").await;
    outside.verdict(failed).await;
    let records = outside.records().await;
    outside.report(&records).await;
    let details = announced(&mut outside);
    let words = in_short(&details).join("\n");
    assert!(
        words.contains("\ndeploying container web exited 3"),
        "{words}"
    );
    assert!(
        words.contains("\nfailing container web exited 3"),
        "{words}"
    );
    assert_eq!(details[0].pointer("/release/commit"), None);
    assert_eq!(outside.github.requests(), []);
}

#[tokio::test]
async fn who_asked_is_announced() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    outside.records().await;
    let redeploy = json!({ "action": "redeploy", "target": "web", "by": "ada", "why": "a wish" });
    outside.rollout(request("an-ask", redeploy)).await;
    let records = outside.records().await;
    outside.report(&records).await;
    let details = announced(&mut outside);
    let cause = json!({ "kind": "request", "action": "redeploy", "by": "ada", "why": "a wish" });
    assert_eq!(
        (&details[0]["cause"], &details[0]["request"]),
        (&cause, &json!("an-ask"))
    );
}

#[tokio::test]
async fn what_github_refuses_is_announced_and_an_outage_delays_it() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let records = outside.records().await;
    outside.github.fail_next(Failure::ServerError(502), 1);
    outside.report(&records).await;
    assert_eq!(announced(&mut outside), [json!(null); 0]);

    let mut unknown = records.clone();
    for record in &mut unknown {
        record["dynamodb"]["NewImage"]["release"]["M"]["commit"]["S"] = json!(sha('f'));
    }
    outside.report(&unknown).await;
    assert_eq!(announced(&mut outside).len(), 3);
    assert_eq!(outside.failures().await.len(), 1);
}

#[tokio::test]
async fn an_event_that_the_bus_does_not_take_keeps_no_status_waiting() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let records = outside.records().await;
    let full =
        json!({ "FailedEntryCount": 1, "Entries": [{ "ErrorCode": "ThrottlingException" }] });
    let denied = json!({ "__type": "AccessDeniedException", "message": "not you" });
    for (status, body) in [(200, full), (400, denied)] {
        outside.recorder.answer("AWSEvents.PutEvents", status, body);
    }
    let told = outside.report(&records).await;
    let expected = json!({ "batchItemFailures": [] });
    assert!(told.starts_with(&format!("answers {expected}\n")), "{told}");
    assert_eq!(
        outside
            .github
            .combined_status(outside::REPOSITORY, &sha('a')),
        "success"
    );
    let failures = outside.failures().await;
    assert_eq!(failures.len(), 2);
    let words = failures.iter().map(|it| it["error"].as_str().unwrap());
    for (words, why) in words.zip(["ThrottlingException", "not you"]) {
        let begin = "cannot put an event about rollout ";
        assert!(words.starts_with(begin) && words.contains(why), "{words}");
    }
    assert_eq!(announced(&mut outside).len(), 1);
}

#[tokio::test]
async fn a_bus_that_does_not_answer_is_not_waited_for() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside.rollout(pushed).await;
    let records = outside.records().await;
    let held = outside.recorder.hold("AWSEvents.PutEvents");
    let told = outside.report(&records[..1]).await;
    assert!(
        told.starts_with("answers {\"batchItemFailures\":[]}\n"),
        "{told}"
    );
    let failures = outside.failures().await;
    let words = failures[0]["error"].as_str().unwrap();
    assert!(words.contains("timeout"), "{words}");
    drop(held);
}
