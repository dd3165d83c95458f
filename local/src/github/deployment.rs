//! A deployment and how it stands.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The intent to bring a commit to an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// Larger than every id before it.
    pub id: u64,
    /// The commit that `ref` stood for.
    pub sha: String,
    /// What was asked for: a commit or the default branch.
    #[serde(rename = "ref")]
    pub reference: String,
    /// `deploy` unless said otherwise.
    pub task: String,
    /// Whatever its creator sent along.
    pub payload: Value,
    /// Where to, as first asked for.
    pub original_environment: String,
    /// Where to, as its newest status says.
    pub environment: String,
    /// The line beside it.
    pub description: Option<String>,
    /// The environment goes away some day.
    pub transient_environment: bool,
    /// People use this environment.
    pub production_environment: bool,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When its newest status came.
    pub updated_at: DateTime<Utc>,
    /// Oldest first.
    pub statuses: Vec<DeploymentStatus>,
}

/// How a deployment stood at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeploymentStatus {
    /// Larger than every id before it.
    pub id: u64,
    /// How it stood.
    pub state: DeploymentState,
    /// The line beside it.
    pub description: String,
    /// Where to.
    pub environment: String,
    /// Where the output can be read; empty if nowhere.
    pub log_url: String,
    /// Where the environment can be seen; empty if nowhere.
    pub environment_url: String,
    /// When it was posted.
    pub created_at: DateTime<Utc>,
}

/// The seven words of a deployment status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "GitHub's own words")]
pub enum DeploymentState {
    Error,
    Failure,
    Inactive,
    InProgress,
    Queued,
    Pending,
    Success,
}

impl fmt::Display for DeploymentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl Deployment {
    /// How it stands; nothing before its first status.
    pub fn state(&self) -> Option<DeploymentState> {
        self.statuses.last().map(|it| it.state)
    }

    /// A later success in the same environment makes it inactive, but never where the environment is transient or
    /// production. Source: <https://docs.github.com/rest/deployments/deployments#inactive-deployments>
    pub(super) fn gives_way_in(&self, environment: &str) -> bool {
        self.environment == environment
            && !self.transient_environment
            && !self.production_environment
            && self.state() == Some(DeploymentState::Success)
    }

    /// Adds the status that GitHub itself posts when a later deployment takes over.
    pub(super) fn retire(&mut self, id: u64, now: DateTime<Utc>) {
        self.updated_at = now;
        self.statuses.push(DeploymentStatus {
            id,
            state: DeploymentState::Inactive,
            description: String::new(),
            environment: self.environment.clone(),
            log_url: String::new(),
            environment_url: String::new(),
            created_at: now,
        });
    }
}
