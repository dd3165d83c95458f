//! Listens, and drains when told to stop.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use poem::Server;
use poem::listener::TcpAcceptor;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use wire::SdkConfig;

use crate::app::{self, Service};
use crate::board::Board;
use crate::settings::Settings;
use crate::watch::{FRESH, Watch};

/// ECS kills a task so many seconds after SIGTERM as its definition says: ten, by `terraform/modules/service`.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>
const DRAIN_LIMIT: Duration = Duration::from_secs(8);

/// Serves until SIGTERM or Ctrl-C, then finishes what is under way.
pub(crate) async fn serve(settings: &Settings, config: &SdkConfig) -> Result<()> {
    // Before anything else: a container's first process gets no signal that it does not handle.
    let stop = Stop::new().context("cannot listen for signals")?;
    let listener = TcpListener::bind(settings.address)
        .await
        .with_context(|| format!("cannot listen on {}", settings.address))?;
    let address = listener
        .local_addr()
        .context("the listener has no address")?;
    let commit = settings.identity.commit.as_deref().unwrap_or("unknown");
    tracing::info!(%address, version.commit = commit, "listening");

    let board = Board::connect(config, settings);
    let watch = Arc::new(Watch::new(board, FRESH));
    let polled = watch.clone();
    let poll = tokio::spawn(async move { polled.poll().await });
    let app = app::app(Service::new(settings, config, watch.clone())?);
    let told = async {
        stop.wait().await;
        // An open stream would keep its connection, and with it the whole service, until the limit.
        watch.close();
    };
    Server::new_with_acceptor(TcpAcceptor::from_tokio(listener)?)
        .run_with_graceful_shutdown(app, told, Some(DRAIN_LIMIT))
        .await
        .context("the server broke off")?;
    poll.abort();
    tracing::info!("drained");
    Ok(())
}

/// What tells us to stop: SIGTERM from ECS, SIGINT from a terminal.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> std::io::Result<Self> {
        Ok(Stop {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn wait(mut self) {
        let name = tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, limit_s = DRAIN_LIMIT.as_secs(), "draining");
    }
}
