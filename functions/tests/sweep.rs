//! `rollout`'s sweep and its retries: what is lost, an event or a function in the middle, is made good.
#![expect(
    clippy::unwrap_used,
    reason = "a part of several tests, which clippy does not take for one"
)]

mod outside;

use chrono::{TimeDelta, Utc};
use functions::rollout::handle;
use outside::{LIVES, Outside, a_minute_old, key, request, schedule};
use serde_json::{Value, json};

/// The schedule's event, some seconds from now.
fn later(seconds: i64) -> Value {
    let mut event = schedule();
    let time = Utc::now() + TimeDelta::seconds(seconds);
    event["time"] = json!(time.to_rfc3339());
    event
}

#[tokio::test]
async fn a_push_of_which_no_event_came_is_found() {
    let mut outside = Outside::start().await;
    outside.push('a', LIVES).await;
    outside.push('b', LIVES).await;

    let told = outside.rollout(later(30)).await;
    assert!(told.starts_with("answers []"), "its event may come: {told}");
    assert!(Outside::writes(&told).is_empty(), "{told}");

    insta::assert_snapshot!(outside.rollout(later(90)).await);
    assert_eq!(outside.history().await, ["bbbbbbb Deploying"]);
    let completed = outside.completed().await;
    outside.verdict(completed).await;
    assert_eq!(outside.history().await, ["bbbbbbb succeeded"]);
}

#[tokio::test]
async fn with_nothing_lost_the_sweep_only_reads() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    insta::assert_snapshot!(outside.rollout(later(90)).await);
}

#[tokio::test]
async fn an_event_and_the_sweep_are_one_rollout() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside.rollout(later(90)).await;
    let told = outside.rollout(pushed).await;
    let expected = r#"answers [{"target":"web","ignored":"this release is on its way"}]"#;
    assert_eq!(told.lines().next(), Some(expected));
    assert_eq!(outside.history().await, ["aaaaaaa Deploying"]);
}

#[tokio::test]
async fn a_rollout_that_nobody_carries_out_is_carried_on() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside.recorder.lose_answer_of("ECS.UpdateService");
    outside.rollout(pushed).await;
    assert_eq!(outside.history().await, ["aaaaaaa Claimed"]);

    outside.rollout(later(30)).await;
    assert_eq!(outside.history().await, ["aaaaaaa Claimed"]);
    let told = outside.rollout(later(60)).await;
    assert!(told.contains(r#""deployment""#), "{told}");
    assert_eq!(outside.history().await, ["aaaaaaa Deploying"]);
}

#[tokio::test]
async fn a_revision_that_was_registered_in_vain_is_used() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside
        .recorder
        .lose_answer_of("ECS.RegisterTaskDefinition");
    let told = outside.rollout(pushed.clone()).await;
    let expected = "fails: target web: cannot register web: ";
    assert!(told.starts_with(expected), "{told}");
    assert!(
        outside.history().await.is_empty(),
        "what is not known to be registered is not claimed"
    );

    let told = outside.rollout(a_minute_old(&pushed)).await;
    let writes = Outside::writes(&told);
    assert!(!writes.contains(&"ECS.RegisterTaskDefinition"), "{told}");
    assert_eq!(outside.history().await, ["aaaaaaa Deploying"]);
    let rollout = outside.in_flight().await;
    let family = json!({ "taskDefinition": "web", "include": ["TAGS"] });
    let described = outside.ecs("DescribeTaskDefinition", family).await;
    let tag = json!({ "key": "couplet:rollout", "value": rollout.id });
    let tags = described["tags"].as_array().unwrap();
    assert!(tags.contains(&tag), "{described}");
    assert_eq!(described["taskDefinition"]["revision"], 1);
}

#[tokio::test]
async fn a_revision_is_not_used_under_another_template_or_behind_another_rollout() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    let lose = "ECS.RegisterTaskDefinition";
    outside.recorder.lose_answer_of(lose);
    outside.rollout(pushed.clone()).await;
    let family = json!({ "taskDefinition": "web-template" });
    let described = outside.ecs("DescribeTaskDefinition", family).await;
    let mut template = described["taskDefinition"].clone();
    template["containerDefinitions"][0]["environment"][0]["value"] = json!("debug");
    outside.ecs("RegisterTaskDefinition", template).await;
    let told = outside.rollout(a_minute_old(&pushed)).await;
    assert!(Outside::writes(&told).contains(&lose), "{told}");

    // The next one's is the newest, but a rollout was claimed after it.
    let next = outside.push('b', LIVES).await;
    outside.recorder.lose_answer_of(lose);
    outside.rollout(next.clone()).await;
    outside
        .rollout(request(
            "a-redeploy",
            json!({ "action": "redeploy", "target": "web", "by": "ada" }),
        ))
        .await;
    let told = outside.rollout(a_minute_old(&next)).await;
    assert!(Outside::writes(&told).contains(&lose), "{told}");
    let history = outside.ledger.history(&key(), 9).await.unwrap();
    assert!(
        history.is_sorted_by(|one, other| one.id > other.id),
        "{history:?}"
    );
}

/// An older rollout updates the service after a newer one has, and dies before it sees that.
async fn usurped() -> (Outside, Value) {
    usurped_after(false).await
}

/// The newer one may have succeeded by then.
async fn usurped_after(success: bool) -> (Outside, Value) {
    let mut outside = Outside::start().await;
    let older = outside.push('a', LIVES).await;
    let newer = outside.push('b', LIVES).await;
    let held = outside.recorder.hold("ECS.UpdateService");
    let (clients, event) = (outside.rollout.clone(), older.clone());
    let late = tokio::spawn(async move { handle(&clients, event).await });
    held.arrived.await.unwrap();
    outside.rollout(newer).await;
    if success {
        let completed = outside.completed().await;
        outside.verdict(completed).await;
    }
    let note = "DynamoDB.TransactWriteItems";
    outside.recorder.lose_answer_of(note);
    held.let_go.send(()).unwrap();
    late.await.unwrap().unwrap_err();
    assert!(outside.running_image().await.ends_with("@<image a>"));
    (outside, older)
}

#[tokio::test]
async fn who_dies_in_the_place_of_a_newer_one_is_found_by_the_sweep() {
    let (mut outside, older) = usurped().await;
    let told = outside.rollout(older).await;
    assert!(told.contains("this release was overtaken before"), "{told}");
    assert!(Outside::writes(&told).is_empty(), "{told}");

    let told = outside.rollout(later(30)).await;
    assert!(told.contains(r#""put_back""#), "{told}");
    assert!(outside.running_image().await.ends_with("@<image b>"));
    let completed = outside.completed().await;
    outside.verdict(completed).await;
    assert_eq!(
        outside.history().await,
        ["bbbbbbb succeeded", "aaaaaaa superseded"]
    );
}

#[tokio::test]
async fn who_dies_in_the_place_of_what_is_live_is_found_by_the_sweep() {
    let (mut outside, older) = usurped_after(true).await;
    outside.rollout(older).await;
    assert!(outside.running_image().await.ends_with("@<image a>"));
    let told = outside.rollout(later(30)).await;
    assert!(told.contains(r#""put_back""#), "{told}");
    assert!(outside.running_image().await.ends_with("@<image b>"));

    let told = outside.rollout(later(31)).await;
    assert!(Outside::writes(&told).is_empty(), "{told}");
    assert_eq!(
        outside.history().await,
        ["bbbbbbb succeeded", "aaaaaaa superseded"]
    );
}
