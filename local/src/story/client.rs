//! A client that asks the board for its version over and over, as users do all day.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Client;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::aws::http;

const PAUSE: Duration = Duration::from_millis(20);
/// Users give up at some point.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A client at work.
pub(super) struct Polling {
    stop: oneshot::Sender<()>,
    work: JoinHandle<Polled>,
}

/// What a client has seen.
#[derive(Debug, Default)]
pub(super) struct Polled {
    /// The commits that answered, in this order, each with how many requests in a row.
    pub(super) answered: Vec<(String, usize)>,
    /// What went wrong with the others.
    pub(super) failed: Vec<String>,
}

impl Polled {
    /// How many requests there were.
    pub(super) fn asked(&self) -> usize {
        let answered: usize = self.answered.iter().map(|(_, times)| times).sum();
        answered + self.failed.len()
    }

    fn answers(&mut self, commit: String) {
        match self.answered.last_mut() {
            Some((last, times)) if *last == commit => *times += 1,
            _ => self.answered.push((commit, 1)),
        }
    }
}

impl Polling {
    /// Asks from now on.
    pub(super) fn start(board: &str) -> Polling {
        let (stop, mut stopped) = oneshot::channel();
        let board = board.to_owned();
        let work = tokio::spawn(async move {
            let http = http();
            let mut polled = Polled::default();
            while stopped.try_recv().is_err() {
                match version(&http, &board).await {
                    Ok(commit) => polled.answers(commit),
                    Err(error) => polled.failed.push(format!("{error:#}")),
                }
                sleep(PAUSE).await;
            }
            polled
        });
        Polling { stop, work }
    }

    /// Stops asking.
    pub(super) async fn stop(self) -> Result<Polled> {
        // If the receiver is gone, the work has ended by itself, and joining it says how.
        let _ = self.stop.send(());
        self.work.await.context("the polling client broke down")
    }
}

/// The commit that answers at `board`.
pub(super) async fn version(http: &Client, board: &str) -> Result<String> {
    let request = http.get(format!("{board}/version")).timeout(TIMEOUT);
    let answer = request.send().await?;
    let version: Value = answer.error_for_status()?.json().await?;
    Ok(version["commit"].as_str().unwrap_or_default().to_owned())
}
