//! The board: what runs where, since when, and what just happened.
//!
//! ```text
//! browsers, scripts ──► app ──► watch ──► board ──► ledger
//!                        ├──► page, api or live
//!                        └──► door ──► act ──► bus
//! ```
//!
//! # Layout
//! - [`settings`]: what the environment says
//! - [`aws`]: what its clients share
//! - [`serve`]: listen, and drain when told to stop
//! - [`app`]: the routes; [`answer`]: the one place where answers get their headers and their line in the log;
//!   [`origin`]: the ids of a request; [`gzip`]: smaller answers
//! - [`kept`]: answers that are made once for all who ask
//! - [`board`]: what is read from the ledger, and how it is arranged
//! - [`watch`]: one reader of it for all who look; [`live`]: the stream that says when something has changed
//! - [`difference`]: what differs between two task definitions, a pure function of their outlines
//! - [`delivery`]: how well a target is delivered to, a pure function of its history
//! - [`page`], [`api`]: the same for people and for scripts
//! - [`door`]: who may act; [`act`]: what they ask for; [`bus`]: where it goes; [`pace`]: how often anybody may ask
//! - [`find`]: what an address names
//! - [`failure`]: why a request is not answered, in both forms
//! - [`health`], [`metrics`], [`badge`], [`asset`], [`age`]: small parts

mod act;
mod age;
mod answer;
mod api;
mod app;
mod asset;
mod aws;
mod badge;
mod board;
mod bus;
mod delivery;
mod difference;
mod door;
mod failure;
mod find;
mod gzip;
mod health;
mod kept;
mod live;
mod metrics;
mod origin;
mod pace;
mod page;
mod serve;
mod settings;
#[cfg(test)]
mod stage;
mod watch;

use std::env;
use std::panic;
use std::process::ExitCode;

use settings::Settings;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    match arguments.first().map(|argument| argument.to_string_lossy()) {
        None => finish(run().await),
        Some(argument) if argument == "healthcheck" && arguments.len() == 1 => {
            plain(health::check(settings::from_environment).await)
        }
        Some(argument) => {
            eprintln!(
                "service: `{argument}` is not understood: there is `healthcheck`, or nothing"
            );
            ExitCode::from(2)
        }
    }
}

async fn run() -> anyhow::Result<()> {
    log();
    let settings = Settings::read(settings::from_environment)?;
    let config = aws::config()?;
    serve::serve(&settings, &config).await
}

/// One JSON object a line, `info` unless `RUST_LOG` says otherwise. Of its own starting and stopping poem
/// writes five lines at `info`; ours say the same with the commit.
fn log() {
    let wanted = settings::from_environment("RUST_LOG").and_then(|wanted| wanted.parse().ok());
    let wanted = wanted.unwrap_or_else(|| {
        let ours = Targets::new().with_default(LevelFilter::INFO);
        ours.with_target("poem", LevelFilter::WARN)
    });
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_target(false);
    tracing_subscriber::registry()
        .with(lines)
        .with(wanted)
        .init();
    // The standard hook writes several lines of plain text, which no log tool can read.
    panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        tracing::error!(
            at,
            "panicked: {}",
            panic.payload_as_str().unwrap_or("without words")
        );
    }));
}

fn finish(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn plain(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("service: {error:#}");
            ExitCode::FAILURE
        }
    }
}
