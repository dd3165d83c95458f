//! What AWS's clients share here.

use std::time::Duration;

use anyhow::Result;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::provider_config::ProviderConfig;
use aws_sdk_dynamodb::config::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use wire::{SdkConfig, settings};

/// With retries: a page that takes longer is better told as a failure.
const LIMIT: Duration = Duration::from_secs(5);

/// Settings from the environment. `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>` are honoured:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
pub(crate) fn config() -> Result<SdkConfig> {
    let config = settings::settings(settings::variable)?.build();
    let limits = config
        .timeout_config()
        .map_or_else(TimeoutConfig::builder, |limits| limits.to_builder());
    let credentials = SharedCredentialsProvider::new(credentials(&config));
    let config = config.into_builder().credentials_provider(credentials);
    let limits = limits.operation_timeout(LIMIT).build();
    Ok(config.timeout_config(limits).build())
}

/// The environment's credentials, or those that ECS gives to a task. Nobody else is asked: a machine of EC2 or a profile
/// would cost a start some files and a second of waiting.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html>
fn credentials(config: &SdkConfig) -> CredentialsProviderChain {
    let mut provider = ProviderConfig::without_region();
    if let Some(client) = config.http_client() {
        provider = provider.with_http_client(client);
    }
    let task = EcsCredentialsProvider::builder()
        .configure(&provider)
        .build();
    CredentialsProviderChain::first_try(
        "environment",
        EnvironmentVariableCredentialsProvider::new(),
    )
    .or_else("task", task)
}
