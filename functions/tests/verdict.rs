//! The whole of `verdict`: an event in, and every call that it makes.

mod outside;

use std::time::Duration;

use chrono::Utc;
use ledger::table::Raced;
use ledger::transition::Next;
use ledger::{Stage, Tasks, Verdict};
use outside::{CRASHES, LIVES, Outside, key, schedule};
use serde_json::json;

#[tokio::test]
async fn a_completed_deployment_is_a_success_and_live() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside.rollout(pushed).await;
    let completed = outside.completed().await;
    insta::assert_snapshot!(outside.verdict(completed.clone()).await);

    let head = outside.ledger.head(&key()).await.unwrap();
    assert_eq!(head.live.unwrap().release.label(), "aaaaaaa");
    assert_eq!(head.in_flight, None);

    let again = outside.verdict(completed).await;
    assert!(again.starts_with(r#"answers {"ignored":"no rollout is open here"}"#));
    assert!(Outside::writes(&again).is_empty(), "{again}");
}

#[tokio::test]
async fn a_task_that_runs_is_counted_and_moves_no_verdict() {
    let mut outside = Outside::start_with(|beginning| {
        // The deployment is not to be over before the task was counted.
        beginning.pace.health_interval = Duration::from_secs(2);
    })
    .await;
    let pushed = outside.push('a', LIVES).await;
    outside.rollout(pushed).await;
    let runs = outside.task_is("RUNNING").await;
    let told = outside.verdict(runs.clone()).await;
    let again = outside.verdict(runs.clone()).await;
    assert!(
        again.contains("as many tasks run as the ledger says"),
        "{again}"
    );
    assert!(Outside::writes(&again).is_empty(), "{again}");

    let rollout = outside.in_flight().await;
    assert_eq!((rollout.stage, rollout.verdict), (Stage::Deploying, None));
    assert_eq!(
        rollout.tasks,
        Some(Tasks {
            running: 1,
            desired: 1
        })
    );
    assert!(rollout.first_task_at > rollout.deployed_at);
    assert!(rollout.registered_at < rollout.deployed_at);
    assert!(rollout.heard_at <= Some(rollout.claimed_at));
    insta::assert_snapshot!(told);

    // What the event would have said, the sweep finds too.
    let steady = outside.completed().await;
    outside.verdict(steady).await;
    let late = outside.verdict(runs).await;
    assert!(
        late.contains("this task belongs to no open rollout"),
        "{late}"
    );
}

#[tokio::test]
async fn a_failed_deployment_is_rolled_back_when_the_old_one_has_completed() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let pushed = outside.push('b', CRASHES).await;
    outside.rollout(pushed).await;

    let stopped = outside.task_is("STOPPED").await;
    let mut told = format!("a task stops: {}", outside.verdict(stopped).await);
    let failed = outside.deployment_event("FAILED").await;
    let completed = outside.deployment_event("COMPLETED").await;
    let back = outside.in_flight().await.rolls_back_to.unwrap();
    assert_eq!(completed["detail"]["deploymentId"], back.as_str());
    // ECS is back already when the failure is heard.
    told += &format!("\nit has failed: {}", outside.verdict(failed).await);
    let history = ["bbbbbbb rolled_back", "aaaaaaa succeeded"];
    assert_eq!(outside.history().await, history);
    told += &format!(
        "\nthe old one completes: {}",
        outside.verdict(completed).await
    );

    insta::assert_snapshot!(told);
    let history = outside.ledger.history(&key(), 1).await.unwrap();
    let reason = history[0].reason.as_deref().unwrap();
    assert_eq!(
        reason,
        "container web exited 3: Essential container in task exited"
    );
    let head = outside.ledger.head(&key()).await.unwrap();
    assert_eq!(head.live.unwrap().release.label(), "aaaaaaa");
}

#[tokio::test]
async fn a_failing_rollout_waits_until_the_old_one_completes() {
    let mut outside = Outside::start_with(|beginning| {
        // ECS is to be still at it when the failure is heard.
        beginning.pace.health_interval = Duration::from_secs(2);
    })
    .await;
    outside.live('a').await;
    let pushed = outside.push('b', LIVES).await;
    outside.rollout(pushed).await;
    let rollout = outside.in_flight().await;
    let (ours, old) = (rollout.deployment.unwrap(), rollout.rolls_back_to.unwrap());

    let failed = outside.deployment_said("FAILED", &ours);
    outside.verdict(failed).await;
    let rollout = outside.in_flight().await;
    assert_eq!((rollout.stage, rollout.verdict), (Stage::Failing, None));
    let completed = outside.deployment_said("COMPLETED", &old);
    outside.verdict(completed).await;
    assert_eq!(outside.history().await[0], "bbbbbbb rolled_back");
}

#[tokio::test]
async fn a_failure_that_is_heard_after_the_rollback_ends_it_too() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let pushed = outside.push('b', CRASHES).await;
    outside.rollout(pushed).await;
    let failed = outside.deployment_event("FAILED").await;
    let completed = outside.deployment_event("COMPLETED").await;

    let told = outside.verdict(completed).await;
    assert!(told.contains("another deployment completed"), "{told}");
    outside.verdict(failed).await;
    let history = ["bbbbbbb rolled_back", "aaaaaaa succeeded"];
    assert_eq!(outside.history().await, history);
}

#[tokio::test]
async fn a_failed_deployment_with_nothing_to_go_back_to_is_a_failure_at_once() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', CRASHES).await;
    outside.rollout(pushed).await;
    let failed = outside.deployment_event("FAILED").await;
    insta::assert_snapshot!(outside.verdict(failed).await);
}

#[tokio::test]
async fn a_completed_deployment_of_before_says_nothing_about_the_one_in_flight() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside.rollout(pushed).await;
    let of_before = outside.completed().await;
    outside.verdict(of_before.clone()).await;

    let pushed = outside.push('b', LIVES).await;
    outside.rollout(pushed).await;
    insta::assert_snapshot!(outside.verdict(of_before).await);
    let history = ["bbbbbbb Deploying", "aaaaaaa succeeded"];
    assert_eq!(outside.history().await, history);
}

#[tokio::test]
async fn the_sweep_finds_the_success_that_no_event_told_of() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside.rollout(pushed).await;
    outside.completed().await;
    insta::assert_snapshot!(outside.verdict(schedule()).await);
    assert_eq!(outside.history().await, ["aaaaaaa succeeded"]);
}

#[tokio::test]
async fn the_sweep_finds_the_rollback_that_no_event_told_of() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let pushed = outside.push('b', CRASHES).await;
    outside.rollout(pushed).await;
    outside.deployment_event("FAILED").await;
    outside.deployment_event("COMPLETED").await;

    let told = outside.verdict(schedule()).await;
    let expected = "ECS may not show the deployment yet";
    assert!(told.lines().next().unwrap().contains(expected), "{told}");
    assert!(Outside::writes(&told).is_empty(), "{told}");

    outside.set_back("deployed_at").await;
    insta::assert_snapshot!(outside.verdict(schedule()).await);
    let history = ["bbbbbbb rolled_back", "aaaaaaa succeeded"];
    assert_eq!(outside.history().await, history);
}

#[tokio::test]
async fn the_sweep_gives_up_at_the_deadline() {
    let mut outside = Outside::start_with(|beginning| {
        beginning.target["deadline_seconds"] = json!({ "N": "0" });
        // Without the breaker ECS tries for ever.
        beginning.service["deploymentConfiguration"] = json!({});
    })
    .await;
    let pushed = outside.push('a', CRASHES).await;
    outside.rollout(pushed).await;
    outside.task_is("STOPPED").await;
    insta::assert_snapshot!(outside.verdict(schedule()).await);
    assert_eq!(outside.history().await, ["aaaaaaa timed_out"]);
}

#[tokio::test]
async fn what_completes_after_its_verdict_is_live_all_the_same() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside.rollout(pushed).await;
    let late = Next::End {
        verdict: Verdict::TimedOut,
        reason: None,
    };
    let open = outside.in_flight().await;
    let given = outside.ledger.apply(&open, &late, Utc::now()).await;
    assert_eq!(given.unwrap(), Raced::No);
    outside.deployment_event("COMPLETED").await;

    insta::assert_snapshot!(outside.verdict(schedule()).await);
    let live = outside.ledger.head(&key()).await.unwrap().live;
    assert_eq!(live.unwrap().rollout, open.id);
    assert_eq!(outside.history().await, ["aaaaaaa timed_out"]);
}

#[tokio::test]
async fn a_sweep_over_nothing_in_flight_only_reads() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    insta::assert_snapshot!(outside.verdict(schedule()).await);
}

#[tokio::test]
async fn a_malformed_event_is_an_error_and_no_call() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside.rollout(pushed).await;
    let completed = outside.completed().await;

    let mut nameless = completed.clone();
    nameless["resources"] = json!([]);
    let told = outside.verdict(nameless).await;
    let expected = "fails: a \"ECS Deployment State Change\" event names no service\n";
    assert_eq!(told, expected);

    let mut malformed = completed;
    malformed["detail"]["deploymentId"] = json!(7);
    let told = outside.verdict(malformed).await;
    let expected = "fails: malformed \"ECS Deployment State Change\" event: \
                    deploymentId: invalid type: integer `7`, expected a string\n";
    assert_eq!(told, expected);
    assert_eq!(outside.history().await, ["aaaaaaa Deploying"]);
}
