//! What the three binaries share: settings, logs, and Lambda's loop.

use std::env;

use anyhow::{Context, Result};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use ledger::Ledger;
use serde_json::Value;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use wire::{SdkConfig, settings};

/// Sets up logs: one JSON object a line, `info` unless `RUST_LOG` says otherwise.
pub fn log() {
    let wanted = settings::variable("RUST_LOG").and_then(|wanted| wanted.parse().ok());
    let wanted = wanted.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false);
    tracing_subscriber::registry()
        .with(lines)
        .with(wanted)
        .init();
}

/// The SDK's settings from Lambda's environment: see [`wire::settings`].
pub fn aws() -> Result<SdkConfig> {
    settings::lambda(settings::variable)
}

/// The ledger that `COUPLET_LEDGER_TABLE` names.
pub fn ledger(config: &SdkConfig) -> Result<Ledger> {
    let client = aws_sdk_dynamodb::Client::new(config);
    Ok(Ledger::new(client, setting("COUPLET_LEDGER_TABLE")?))
}

/// The ledgers of other installations, in `tables`, whose names are separated by commas.
pub fn other_ledgers(ours: &Ledger, tables: &str) -> Vec<Ledger> {
    let tables = tables.split(',').filter(|table| !table.is_empty());
    tables.map(|table| ours.other(table)).collect()
}

/// A setting that must be there; the error names the variable.
pub fn setting(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("the environment variable {name} is not set"))
}

/// Runs Lambda's loop with `handle`. An error goes back to Lambda, which retries the event and then puts it
/// into the failure queue; it is logged here, once, with everything that led to it.
pub async fn serve<H>(handle: H) -> Result<(), Error>
where
    H: AsyncFn(Value) -> Result<Value>,
{
    let handle = &handle;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        // Boxed, because the nested futures of the SDK exceed the compiler's limit on a type's depth.
        Box::pin(handle(event.payload)).await.map_err(|error| {
            tracing::error!(aws.request_id = event.context.request_id, "{error:#}");
            Diagnostic {
                error_type: "couplet".to_owned(),
                error_message: format!("{error:#}"),
            }
        })
    }))
    .await
}
