//! The whole of `report`: records of the ledger's stream in, and every call that it makes.

mod outside;

use std::time::{Duration, Instant};

use functions::github::Api;
use functions::limit::Patience;
use functions::trace::Tracer;
use local::github::{Deployment, Failure};
use outside::{LIVES, Outside, REPOSITORY, key, request, sha, token};
use serde_json::{Value, json};
use tokio::net::UdpSocket;

/// What GitHub shows in the end of a rollout that succeeded: its deployment's states and its commit's.
const ALL_TOLD: [&[&str]; 2] = [
    &["queued", "in_progress", "success"],
    &["pending", "success"],
];

#[tokio::test]
async fn a_deployment_is_queued_when_it_is_claimed_then_in_progress_and_a_verdict_its_end() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside.rollout(pushed).await;
    let claimed = outside.records().await;
    insta::assert_snapshot!("claimed", outside.report(&claimed).await);

    let completed = outside.completed().await;
    outside.verdict(completed).await;
    let ended = outside.records().await;
    insta::assert_snapshot!("ended", outside.report(&ended).await);
    assert_eq!(
        outside.github.combined_status(REPOSITORY, &sha('a')),
        "success"
    );
}

#[tokio::test]
async fn a_record_that_comes_twice_is_told_once() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let records = outside.records().await;
    let (insert, verdict) = (&records[..1], &records[records.len() - 1..]);
    outside.report(insert).await;
    let again = outside.report(insert).await;
    assert_eq!(posts(&again), 0, "{again}");
    outside.report(verdict).await;
    insta::assert_snapshot!(outside.report(verdict).await);
}

#[tokio::test]
async fn a_beginning_that_comes_after_the_end_is_not_told() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let records = outside.records().await;
    outside.report(&records).await;
    insta::assert_snapshot!(outside.report(&records[..1]).await);
    assert_eq!(
        outside.github.combined_status(REPOSITORY, &sha('a')),
        "success"
    );
}

#[tokio::test]
async fn what_broke_off_is_completed() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside.rollout(pushed).await;
    let records = outside.records().await;
    // The deployment is made, but nobody hears of it.
    let made = format!("POST /repos/{REPOSITORY}/deployments");
    outside.github_recorder.lose_answer_of(&made);
    let told = outside.report(&records).await;
    assert!(told.starts_with("fails: "), "{told}");
    assert_eq!(outside.github.deployments(REPOSITORY).len(), 1);

    outside.report(&records).await;
    assert_eq!(outside.github.deployments(REPOSITORY).len(), 1);
    let told: [&[&str]; 2] = [&["queued", "in_progress"], &["pending"]];
    assert_eq!(states(&outside), told);
}

#[tokio::test]
async fn a_github_that_fails_at_the_first_record_is_an_error() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside.rollout(pushed).await;
    let records = outside.records().await;
    outside.github.fail_next(Failure::ServerError(500), 1);
    insta::assert_snapshot!(outside.report(&records).await);
}

#[tokio::test]
async fn a_github_that_fails_later_is_asked_again_from_that_record_on() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let records = outside.records().await;
    let [claimed, deploying, verdict] = &records[..] else {
        panic!("{} records", records.len());
    };
    outside.report(&[claimed.clone(), deploying.clone()]).await;
    // What changes nothing is no news to GitHub; the verdict is.
    let mut noted = deploying.clone();
    noted["dynamodb"]["OldImage"] = noted["dynamodb"]["NewImage"].clone();
    let rest = &[noted, verdict.clone()];
    outside.github.fail_next(Failure::ServerError(500), 1);
    let told = outside.report(rest).await;
    let sequence = &rest.last().unwrap()["dynamodb"]["SequenceNumber"];
    let expected = json!({ "batchItemFailures": [{ "itemIdentifier": sequence }] });
    assert_eq!(
        told.lines().next(),
        Some(format!("answers {expected}").as_str())
    );
    assert_eq!(
        outside.github.combined_status(REPOSITORY, &sha('a')),
        "pending"
    );

    outside.report(&rest[rest.len() - 1..]).await;
    assert_eq!(
        outside.github.combined_status(REPOSITORY, &sha('a')),
        "success"
    );
}

#[tokio::test]
async fn a_commit_that_github_does_not_know_is_set_aside_once_and_the_next_is_told() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let known = outside.records().await;
    let mut records = known.clone();
    for record in &mut records {
        record["dynamodb"]["NewImage"]["release"]["M"]["commit"]["S"] = json!(sha('f'));
    }
    records.push(known[0].clone());
    let told = outside.report(&records).await;
    let expected = json!({ "batchItemFailures": [] });
    assert_eq!(
        told.lines().next(),
        Some(format!("answers {expected}").as_str())
    );
    assert_eq!(
        outside.github.combined_status(REPOSITORY, &sha('a')),
        "pending"
    );
    let failures = outside.failures().await;
    assert_eq!(failures.len(), 1, "{failures:?}");
    let words = failures[0]["error"].as_str().unwrap();
    assert!(
        words.contains("422") && words.contains(&sha('f')),
        "{words}"
    );
    let verdict = &failures[0]["record"]["dynamodb"]["NewImage"]["verdict"];
    assert_eq!(verdict, &json!({ "S": "succeeded" }));
}

#[tokio::test]
async fn tasks_are_told_as_they_come_and_the_commit_is_not_told_again() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside.rollout(pushed).await;
    let started = outside.task_is("RUNNING").await;
    outside.verdict(started).await;
    let completed = outside.completed().await;
    outside.verdict(completed).await;
    let records = outside.records().await;
    // One at a time, and each of them once more when all that came before it was told.
    for last in 1..=records.len() {
        outside.report(&records[..last]).await;
    }
    let deployment = &outside.github.deployments(REPOSITORY)[0];
    let told = deployment.statuses.iter();
    let told: Vec<_> = told
        .map(|it| (it.state.to_string(), &*it.description))
        .collect();
    let [queued, in_progress, running, success] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(queued.1, "About to roll out to web");
    assert_eq!(in_progress.1, "Rolling out to web");
    assert_eq!(
        (&*running.0, running.1),
        ("in_progress", "1 of 1 tasks run")
    );
    assert!(success.1.starts_with("Live in "), "{success:?}");
    assert_eq!(states(&outside)[1], ALL_TOLD[1]);
}

#[tokio::test]
async fn what_github_was_told_is_noted_once_and_the_note_is_nothing_to_tell() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let records = outside.records().await;
    let mut noted = Vec::new();
    for last in [1, records.len(), records.len()] {
        outside.report(&records[..last]).await;
        let rollout = outside.ledger.history(&key(), 1).await.unwrap().remove(0);
        noted.push(rollout.told.expect("a note"));
    }
    let states: Vec<&str> = noted.iter().map(|told| told.state.as_str()).collect();
    assert_eq!(states, ["queued", "success", "success"]);
    assert_eq!(noted[1], noted[2]);
    let deployment = outside.github.deployments(REPOSITORY)[0].id;
    assert!(noted.iter().all(|told| told.deployment == deployment));

    // The filter lets through what was noted of an open rollout.
    let pushed = outside.push('b', LIVES).await;
    outside.rollout(pushed).await;
    let begun = outside.records().await;
    outside.report(&begun).await;
    let notes = outside.records().await;
    assert_eq!(notes.len(), 2);
    let told = outside.report(&notes).await;
    assert_eq!(told, "answers {\"batchItemFailures\":[]}\n");
    assert_eq!(outside.records().await.len(), 0);
}

#[tokio::test]
async fn a_verdict_that_was_told_leaves_a_trace_and_nothing_else_does() {
    let mut outside = Outside::start().await;
    let daemon = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    outside.report.tracer = Some(Tracer::to(daemon.local_addr().unwrap()));
    outside.live('a').await;
    let records = outside.records().await;
    for _ in 0..2 {
        outside.report(&records).await;
    }
    let rollout = outside.ledger.history(&key(), 1).await.unwrap().remove(0);
    let mut buffer = [0; 65536];
    let length = daemon.try_recv(&mut buffer).unwrap();
    let document = std::str::from_utf8(&buffer[..length]).unwrap();
    let (_, document) = document.split_once('\n').unwrap();
    let document: Value = serde_json::from_str(document).unwrap();
    assert_eq!(document["annotations"]["rollout_id"], json!(rollout.id));
    let told_at = rollout.told.unwrap().at.timestamp_millis() as f64 / 1000.0;
    assert_eq!(document["end_time"], json!(told_at));
    daemon.try_recv(&mut buffer).expect_err("a second trace");
}

#[tokio::test]
async fn who_asked_finds_the_deployment_by_the_id_of_the_request() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let redeploy = json!({ "action": "redeploy", "target": "web", "by": "ada" });
    outside.rollout(request("an-ask", redeploy)).await;
    let records = outside.records().await;
    outside.report(&records).await;
    let deployments = outside.github.deployments(REPOSITORY);
    let asked: Vec<_> = deployments
        .iter()
        .map(|it| &it.payload["request"])
        .collect();
    assert_eq!(asked, [&Value::Null, &json!("an-ask")]);
}

#[tokio::test]
async fn github_is_left_alone_for_as_long_as_it_asks() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let records = outside.records().await;
    let enough = Failure::SecondaryLimit { retry_after: 1 };
    outside.github.fail_next(enough, 1);
    for calls in [1, 0, 0] {
        let told = outside.report(&records).await;
        let expected = "GitHub asks to be left alone until <time>\n";
        assert!(
            told.lines().next().unwrap().ends_with(expected.trim()),
            "{told}"
        );
        let asked = told.lines().filter(|it| it.starts_with("GET")).count();
        assert_eq!(asked, calls, "{told}");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    outside.report(&records).await;
    assert_eq!(states(&outside), ALL_TOLD);
}

#[tokio::test]
async fn what_one_instance_was_told_the_other_knows() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let records = outside.records().await;
    let enough = Failure::SecondaryLimit { retry_after: 2 };
    outside.github.fail_next(enough, 1);
    outside.report(&records).await;
    assert_eq!(outside.github.requests().len(), 1);
    outside.report_as(token(), "").await;
    let told = outside.report(&records).await;
    let expected = "GitHub asks to be left alone until <time>";
    assert!(told.lines().next().unwrap().ends_with(expected), "{told}");
    assert_eq!(outside.github.requests().len(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    outside.report(&records).await;
    assert_eq!(states(&outside), ALL_TOLD);
}

#[tokio::test]
async fn a_short_limit_is_waited_for() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let records = outside.records().await;
    let patience = Patience::new(outside.ledger.clone(), Duration::from_secs(3));
    let http = wire::Http::default();
    outside.report.github.api = Api::new(http, outside.github_url(), patience);
    let enough = Failure::SecondaryLimit { retry_after: 1 };
    outside.github.fail_next(enough, 1);
    let begun = Instant::now();
    let told = outside.report(&records).await;
    assert!(told.starts_with("answers "), "{told}");
    assert!(
        begun.elapsed() > Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(states(&outside), ALL_TOLD);
}

/// Lambda takes a batch up again from the record that failed, and GitHub fails at any call, before or after it has
/// carried it out.
#[tokio::test]
async fn after_an_outage_everything_is_told_once_and_in_order() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let mut records = outside.records().await;
    for minute in 0..60 {
        let fault = match minute % 20 {
            0 => Failure::SecondaryLimit { retry_after: 0 },
            even if even % 2 == 0 => Failure::ServerError(503),
            _ => Failure::LostAnswer,
        };
        outside.github.fail_next(fault, 1);
    }
    let mut invocations = 0;
    loop {
        invocations += 1;
        assert!(invocations < 200, "it goes on for ever");
        let told = outside.report(&records).await;
        let Some(answer) = told.lines().next().unwrap().strip_prefix("answers ") else {
            continue;
        };
        let answer: Value = serde_json::from_str(answer).unwrap();
        let Some(failed) = answer["batchItemFailures"].get(0) else {
            break;
        };
        let sequence = &failed["itemIdentifier"];
        let done = records
            .iter()
            .position(|record| record["dynamodb"]["SequenceNumber"] == *sequence);
        records.drain(..done.unwrap());
    }
    assert!(invocations > 30, "{invocations} invocations");
    assert_eq!(states(&outside), ALL_TOLD);
    assert_eq!(outside.github.deployments(REPOSITORY).len(), 1);
    assert_eq!(outside.failures().await, [json!(null); 0]);
}

#[tokio::test]
async fn what_was_live_before_is_inactive_and_another_targets_is_not() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let mut records = outside.records().await;
    outside.report(&records).await;
    for record in &mut records {
        for image in ["OldImage", "NewImage"] {
            let image = &mut record["dynamodb"][image];
            if image.is_object() {
                image["target"] = json!({ "S": "other" });
                image["id"]["S"] = json!("20261124T000000000Z-aaaaaaaaaaaa");
            }
        }
    }
    outside.report(&records).await;
    outside.live('b').await;
    let newer = outside.records().await;
    outside.report(&newer).await;
    outside.report(&newer).await;
    let told: Vec<_> = outside
        .github
        .deployments(REPOSITORY)
        .iter()
        .map(states_of)
        .collect();
    let ended = ALL_TOLD[0].to_vec();
    let retired = [&ended[..], &["inactive"]].concat();
    assert_eq!(told, [retired, ended.clone(), ended]);
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside.rollout(pushed).await;
    let records = outside.records().await;
    outside.github.fail_next(Failure::MissingPermission, 1);
    let told = outside.report(&records).await;
    let expected = r#"the token needs the permission "deployments=read""#;
    assert!(told.lines().next().unwrap().ends_with(expected), "{told}");
}

/// The states of the only deployment and of its commit, in the order in which they were told.
fn states(outside: &Outside) -> [Vec<String>; 2] {
    let deployment = &outside.github.deployments(REPOSITORY)[0];
    let statuses = outside.github.statuses(REPOSITORY, &sha('a'));
    [
        states_of(deployment),
        statuses.iter().map(|it| it.state.to_string()).collect(),
    ]
}

fn states_of(deployment: &Deployment) -> Vec<String> {
    let told = deployment.statuses.iter();
    told.map(|it| it.state.to_string()).collect()
}

#[tokio::test]
async fn a_release_that_names_no_commit_is_not_told() {
    let mut outside = Outside::start().await;
    let pushed = outside.push_as("main-17", 'x', LIVES).await;
    outside.rollout(pushed).await;
    let records = outside.records().await;
    assert!(records.len() > 1);
    let told = outside.report(&records).await;
    assert!(told.starts_with("answers {\"batchItemFailures\":[]}\n"));
    assert_eq!(outside.github.requests(), []);
}

#[tokio::test]
async fn a_malformed_record_is_set_aside_and_a_malformed_event_is_an_error() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside.rollout(pushed).await;
    let mut records = outside.records().await;
    records[0]["dynamodb"]["NewImage"]["stage"] = json!({ "S": "lost" });
    let told = outside.report(&records[..1]).await;
    assert_eq!(posts(&told), 0, "{told}");
    let failures = outside.failures().await;
    let words = failures[0]["error"].as_str().unwrap();
    let expected = "a rollout in the stream is malformed: unknown variant `lost`";
    assert!(words.starts_with(expected), "{words}");

    let told = outside.report_event(json!({ "records": [] })).await;
    let expected = "fails: not an event of a DynamoDB stream: missing field `Records`\n";
    assert_eq!(told, expected);
}

fn posts(told: &str) -> usize {
    told.lines().filter(|it| it.starts_with("POST")).count()
}
