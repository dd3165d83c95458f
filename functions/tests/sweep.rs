//! `rollout`'s sweep and its retries: what is lost, an event or a function in the middle, is made good.
#![expect(
    clippy::unwrap_used,
    reason = "a part of several tests, which clippy does not take for one"
)]

mod outside;

use chrono::{TimeDelta, Utc};
use functions::rollout::handle;
use outside::{LIVES, Outside, schedule};
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
    assert_eq!(outside.history().await, ["aaaaaaa Registered"]);

    outside.rollout(later(30)).await;
    assert_eq!(outside.history().await, ["aaaaaaa Registered"]);
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
    let told = outside.rollout(pushed).await;
    assert!(told.starts_with("fails: "), "{told}");
    assert_eq!(outside.history().await, ["aaaaaaa Claimed"]);

    outside.rollout(later(60)).await;
    assert_eq!(outside.history().await, ["aaaaaaa Deploying"]);
    let family = json!({ "familyPrefix": "web", "status": "ACTIVE" });
    let revisions = outside.ecs("ListTaskDefinitions", family).await;
    let arns = revisions["taskDefinitionArns"].as_array().unwrap();
    let own = arns.iter().filter(|arn| {
        let arn = arn.as_str().unwrap();
        arn.contains("task-definition/web:")
    });
    assert_eq!(own.count(), 1, "{revisions}");
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
