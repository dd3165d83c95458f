//! A ledger for tests: a real one, or one that nobody answers for.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use chrono::TimeDelta;
use ledger::table::{Claim, Outline, Raced};
use ledger::transition::Next;
use ledger::{Ledger, Rollout, Target, Verdict};
use local::aws::environment;
use local::ministack::Ministack;
use serde_json::json;
use wire::SdkConfig;

use crate::app::Service;
use crate::board::Board;
use crate::settings::Settings;
use crate::watch::Watch;

/// Where nobody listens.
pub(crate) const NOBODY: &str = "http://127.0.0.1:1";

/// A table of its own in ministack.
pub(crate) async fn table(name: &'static str) -> (&'static Ministack, Board) {
    let ministack = Ministack::shared_for_tests().await;
    ministack.create_ledger_table(name).await.expect("table");
    (ministack, board(ministack.url(), name))
}

/// A board over the table called `name` at `endpoint`.
pub(crate) fn board(endpoint: &str, name: &str) -> Board {
    let config = config(endpoint, Duration::from_secs(5));
    Board::new(Builder::from(&config), name, 20)
}

/// The service with `settings` over what `watch` sees, in the AWS at `endpoint`.
pub(crate) fn service(settings: &Settings, endpoint: &str, watch: Arc<Watch>) -> Service {
    let config = config(endpoint, Duration::from_secs(5));
    Service::new(settings, &config, watch)
}

/// What clients of the AWS at `endpoint` share; an operation of theirs may take as long as `limit`.
pub(crate) fn config(endpoint: &str, limit: Duration) -> SdkConfig {
    let config = wire::settings::lambda(environment(endpoint)).expect("settings");
    config
        .into_builder()
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(limit).build())
        .build()
}

/// A target as Terraform writes it.
pub(crate) async fn write(ministack: &Ministack, table: &str, target: &Target) {
    let item = json!({
        "pk": {"S": "targets"},
        "sk": {"S": format!("{}#{}", target.repository, target.name)},
        "name": {"S": target.name},
        "environment": {"S": target.environment},
        "repository": {"S": target.repository},
        "cluster": {"S": target.cluster},
        "service": {"S": target.service},
        "container": {"S": target.container},
        "template": {"S": target.template},
        "family": {"S": target.family},
        "tag_policy": {"M": {"kind": {"S": "glob"}, "pattern": {"S": "main-*"}}},
        "github_repository": {"S": target.github_repository},
        "deadline_seconds": {"N": "900"},
        "first_count": {"N": "1"},
    });
    let request = json!({"TableName": table, "Item": item});
    let written = ministack
        .aws()
        .json("DynamoDB_20120810.PutItem", request)
        .await;
    written.expect("write a target");
}

/// `rollout` claimed as the function does it.
pub(crate) async fn claim(ledger: &Ledger, rollout: &Rollout) {
    claim_with(ledger, rollout, None).await;
}

/// `rollout` claimed, with `lines` in its task definition.
pub(crate) async fn register(ledger: &Ledger, rollout: &Rollout, lines: &[(&str, &str)]) {
    let lines = lines.iter();
    let outline: Outline = lines
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
        .collect();
    claim_with(ledger, rollout, Some(&outline)).await;
}

async fn claim_with(ledger: &Ledger, rollout: &Rollout, outline: Option<&Outline>) {
    let head = ledger.head(&rollout.service).await.expect("head");
    let claim = Claim {
        by: rollout.id.as_str(),
        rollout,
        head: &head,
        supersedes: None,
        outline,
    };
    let raced = ledger.claim(&claim).await;
    assert_eq!(raced.expect("claim"), Raced::No);
}

/// `rollout` with its verdict, 50 seconds after its claim.
pub(crate) async fn end(ledger: &Ledger, rollout: &Rollout, verdict: Verdict) {
    let reason = (verdict != Verdict::Succeeded).then(|| "it broke".to_owned());
    let next = Next::End { verdict, reason };
    let at = rollout.claimed_at + TimeDelta::seconds(50);
    let raced = ledger.apply(rollout, &next, at).await;
    assert_eq!(raced.expect("verdict"), Raced::No);
}
