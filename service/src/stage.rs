//! A ledger for tests: a real one, or one that nobody answers for.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Builder, Credentials, SharedCredentialsProvider};
use ledger::table::{Claim, Raced};
use ledger::{Ledger, Rollout, Target};
use local::ministack::Ministack;
use serde_json::json;

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
    Service::new(settings, &config, watch).expect("service")
}

/// What clients of the AWS at `endpoint` share; an operation of theirs may take as long as `limit`.
pub(crate) fn config(endpoint: &str, limit: Duration) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
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
    let head = ledger.head(&rollout.service).await.expect("head");
    let claim = Claim {
        by: rollout.id.as_str(),
        rollout,
        head: &head,
        supersedes: None,
    };
    let raced = ledger.claim(&claim).await;
    assert_eq!(raced.expect("claim"), Raced::No);
}
