//! One attempt to bring a release to a target, and how it ended.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{DeploymentId, Release, RevisionArn, RolloutId, ServiceKey, Target};

/// One attempt to bring a release to a target.
///
/// It repeats what `report` and the board need of its target, so that neither reads a second item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// Its id: unique in its target, sorting by the time of the claim.
    pub id: RolloutId,
    /// The target's name.
    pub target: String,
    /// The target's cluster and service.
    pub service: ServiceKey,
    /// The target's environment.
    pub environment: String,
    /// `owner/name` of the repository whose commit is told.
    pub github_repository: String,
    /// Where the running release can be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_url: Option<String>,
    /// What is brought.
    pub release: Release,
    /// Who or what asked for it.
    pub cause: Cause,
    /// The id of the event that asked for it, if it was a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// How far it has come.
    pub stage: Stage,
    /// The task definition that was registered for it; absent if it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<RevisionArn>,
    /// The deployment that UpdateService answered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentId>,
    /// The deployment that ECS goes back to if this one fails; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolls_back_to: Option<DeploymentId>,
    /// What goes or went wrong, in ECS's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How it ended; absent while it is open. Written once and never changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// When the event that led to it was taken up; like the times below, absent as long as it has not happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<DateTime<Utc>>,
    /// When its claim was decided. It is written a moment later, with the task definition that was registered meanwhile.
    pub claimed_at: DateTime<Utc>,
    /// When its task definition was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_at: Option<DateTime<Utc>>,
    /// When UpdateService was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed_at: Option<DateTime<Utc>>,
    /// When its first task was seen to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_task_at: Option<DateTime<Utc>>,
    /// How many of its tasks were last seen to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Tasks>,
    /// When ECS had given it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_at: Option<DateTime<Utc>>,
    /// When it got its verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// When it is given up.
    pub deadline: DateTime<Utc>,
    /// What GitHub was last told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
}

/// How many tasks of a deployment run, and how many shall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tasks {
    /// `RUNNING`, which says nothing about their health yet.
    pub running: u32,
    /// So many are wanted.
    pub desired: u32,
}

/// That GitHub was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The number of GitHub's deployment.
    pub deployment: u64,
    /// The state that it was given.
    pub state: String,
    /// When.
    pub at: DateTime<Utc>,
    /// The id of the rollout's trace in X-Ray, if there is one: it is written with the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

impl Rollout {
    /// A rollout at its beginning: `release` is to be brought to `target`, claimed at `now`.
    pub fn claimed(target: &Target, release: Release, cause: Cause, now: DateTime<Utc>) -> Rollout {
        Rollout {
            id: RolloutId::new(now, &release.digest),
            target: target.name.clone(),
            service: target.key(),
            environment: target.environment.clone(),
            github_repository: target.github_repository.clone(),
            environment_url: target.environment_url.clone(),
            release,
            cause,
            request: None,
            stage: Stage::Claimed,
            revision: None,
            deployment: None,
            rolls_back_to: None,
            reason: None,
            verdict: None,
            heard_at: None,
            claimed_at: now,
            registered_at: None,
            deployed_at: None,
            first_task_at: None,
            tasks: None,
            failing_at: None,
            ended_at: None,
            deadline: now + TimeDelta::seconds(target.deadline_seconds.into()),
            told: None,
        }
    }

    /// The same, ended as it was claimed: nothing is ever brought, for a reason that its release had from the beginning.
    pub fn refused(self, reason: String) -> Rollout {
        Rollout {
            stage: Stage::Ended,
            verdict: Some(Verdict::Failed),
            reason: Some(reason),
            ended_at: Some(self.claimed_at),
            ..self
        }
    }
}

/// Who or what asked for a rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Cause {
    /// An image came, by push or by replication.
    Push,
    /// A person or a program asked.
    Request {
        /// What was asked: `rollback`, `redeploy` or `promote`.
        action: String,
        /// Who asked.
        by: String,
        /// Why, if they said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
}

/// How far an open rollout has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Its task definition is registered; the service does not run it.
    Claimed,
    /// ECS works on it.
    Deploying,
    /// ECS has given it up and goes back to the deployment before.
    Failing,
    /// It has its verdict.
    Ended,
}

/// How a rollout ended. Exactly one, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The release runs.
    Succeeded,
    /// It failed and ECS brought the release before back.
    RolledBack,
    /// It failed and there was nothing to go back to.
    Failed,
    /// A newer release took its place.
    Superseded,
    /// Somebody else changed or removed the service.
    Stopped,
    /// Its deadline passed.
    TimedOut,
}

impl Verdict {
    /// The word that stands in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Succeeded => "succeeded",
            Verdict::RolledBack => "rolled_back",
            Verdict::Failed => "failed",
            Verdict::Superseded => "superseded",
            Verdict::Stopped => "stopped",
            Verdict::TimedOut => "timed_out",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Push => f.write_str("push"),
            Cause::Request { action, by, .. } => write!(f, "{action} by {by}"),
        }
    }
}
