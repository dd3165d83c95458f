//! An hour in which GitHub is not well, about ten minutes a second: it is away, then it does what it is asked to and every
//! few of its answers are lost, then it asks to be left alone. Two shards of the stream have an instance of `report` each.

use std::time::Duration;

use chrono::TimeDelta;
use functions::report;
use local::github::Failure;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::world::SLEEPS;
use crate::outside::{Outside, REPOSITORY, reporter, sdk_config, sha, token};

/// As Terraform has it.
const BATCH: usize = 5;
/// Lambda waits before it tries a batch again, and for longer than this.
const BACKOFF: Duration = Duration::from_millis(20);

#[tokio::test]
async fn after_an_hour_of_trouble_every_status_is_there_once_and_in_order() {
    let mut outside = Box::pin(Outside::start()).await;
    for commit in ['a', 'b'] {
        let pushed = outside.push(commit, SLEEPS).await;
        outside.rollout(pushed).await;
        let started = outside.task_is("RUNNING").await;
        outside.verdict(started).await;
        let completed = outside.completed().await;
        outside.verdict(completed).await;
    }
    let records = outside.records().await;
    let shards = [records.clone(), of_another_target(records)];
    outside.ecs.stop().await;

    let github = outside.github.clone();
    let asked = || github.requests().len();
    github.fail_for(Failure::ServerError(503), TimeDelta::seconds(2));
    let mut delivered = Vec::new();
    for shard in shards {
        let config = sdk_config(&outside.recorder.url);
        let instance = reporter(&config, &outside.table, outside.github_url(), token());
        delivered.push(tokio::spawn(deliver(instance, shard)));
    }
    sleep(Duration::from_millis(1800)).await;
    assert!(asked() > 4, "nobody has tried again");
    assert_eq!(github.deployments(REPOSITORY), []);
    while github.deployments(REPOSITORY).len() < 3 {
        github.fail_next(Failure::LostAnswer, 1);
        sleep(Duration::from_millis(30)).await;
    }
    let enough = Failure::SecondaryLimit { retry_after: 1 };
    github.fail_for(enough, TimeDelta::seconds(3));
    let before = asked();
    sleep(Duration::from_secs(3)).await;
    // One question a second, and one more of who has not heard of it yet.
    let meanwhile = asked() - before;
    assert!((1..=8).contains(&meanwhile), "{meanwhile} questions");
    for shard in delivered {
        shard.await.unwrap();
    }
    let tries = asked();

    let deployments = github.deployments(REPOSITORY);
    assert_eq!(deployments.len(), 4);
    for deployment in &deployments {
        let told = deployment.statuses.iter();
        let told: Vec<String> = told.map(|it| it.state.to_string()).collect();
        let mut expected = vec!["queued", "in_progress", "in_progress", "success"];
        // What was live is retired by what came next.
        if deployment.sha == sha('a') {
            expected.push("inactive");
        }
        assert_eq!(told, expected, "{deployment:#?}");
    }
    for commit in ['a', 'b'] {
        for target in ["web", "other"] {
            let statuses = github.statuses(REPOSITORY, &sha(commit));
            let ours = statuses
                .iter()
                .filter(|it| it.context == format!("couplet/{target}"));
            let told: Vec<String> = ours.map(|it| it.state.to_string()).collect();
            assert_eq!(told, ["pending", "success"], "{commit} {target}");
        }
    }
    assert_eq!(outside.failures().await, [Value::Null; 0]);
    println!(
        "an hour of trouble: {tries} requests, {meanwhile} of them while GitHub asked to be left alone"
    );
}

/// The same, as it is for a target whose records are in another shard.
fn of_another_target(mut records: Vec<Value>) -> Vec<Value> {
    for record in &mut records {
        let record = &mut record["dynamodb"];
        for image in ["OldImage", "NewImage"] {
            if !record[image].is_object() {
                continue;
            }
            let id = record[image]["id"]["S"]
                .as_str()
                .unwrap()
                .replace("Z-", "1Z-");
            record[image]["id"] = json!({ "S": id });
            record[image]["target"] = json!({ "S": "other" });
            record[image]["service"] = json!({ "S": "production/other" });
        }
    }
    records
}

/// Lambda's side of a shard: a batch comes again from the record that failed, until all are through.
async fn deliver(instance: report::Clients, mut records: Vec<Value>) {
    while !records.is_empty() {
        let batch = &records[..records.len().min(BATCH)];
        let event = json!({ "Records": batch });
        let done = match Box::pin(report::handle(&instance, event)).await {
            Err(_) => 0,
            Ok(answer) => match answer["batchItemFailures"].get(0) {
                None => batch.len(),
                Some(failed) => {
                    let sequence = &failed["itemIdentifier"];
                    let is_it = |it: &Value| it["dynamodb"]["SequenceNumber"] == *sequence;
                    batch.iter().position(is_it).unwrap()
                }
            },
        };
        records.drain(..done);
        sleep(BACKOFF).await;
    }
}
