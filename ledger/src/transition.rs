//! The rollout's state machine: what a rollout becomes when something was seen of it.
//!
//! ECS does not say "rollout X was rolled back". It says that a deployment failed, then that *another,
//! older* one is in progress, then that the older one completed. What was seen of one deployment is
//! therefore never taken for another's.
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html>

use chrono::{DateTime, TimeDelta, Utc};

use crate::{DeploymentId, RevisionArn, Rollout, Stage, Tasks, Verdict};

/// For so long after a change, ECS may still show the service as it was: seen of ListServiceDeployments, and taken
/// to be possible of DescribeServices, which promises no more.
/// Source: <https://github.com/kayac/ecspresso/pull/929>
const SETTLING: TimeDelta = TimeDelta::seconds(60);

/// Something seen of a service, by an event or by asking ECS.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// A deployment is under way; a rollback names the deployment that it goes back to.
    InProgress(DeploymentId),
    /// A deployment reached steady state.
    Completed(DeploymentId),
    /// The circuit breaker or an alarm gave a deployment up.
    Failed {
        /// The deployment that was given up.
        deployment: DeploymentId,
        /// ECS's words.
        reason: String,
    },
    /// A task of a deployment stopped although nobody wanted it to, or could not be started.
    Trouble {
        /// The deployment, where ECS names it; a service action names none.
        deployment: Option<DeploymentId>,
        /// What happened, for people.
        reason: String,
    },
    /// What DescribeServices says, and when it was asked.
    Service {
        /// The service's deployments of releases, without the one that Terraform made the service with; `None` if the
        /// service is gone or inactive.
        deployments: Option<Vec<Deployment>>,
        /// The revision that ECS has given up, if its history was asked and says so.
        gave_up: Option<RevisionArn>,
        /// When ECS was asked.
        at: DateTime<Utc>,
    },
}

/// One deployment as DescribeServices shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// The ARN of the task definition that it runs.
    pub definition: String,
    /// Whether it is the service's PRIMARY one.
    pub primary: bool,
    /// How far it is.
    pub progress: Progress,
    /// ECS's words about it.
    pub reason: String,
    /// Its tasks.
    pub tasks: Tasks,
}

impl Deployment {
    /// Whether it runs a revision of `family`.
    pub fn is_of(&self, family: &str) -> bool {
        let revision = self.definition.rsplit('/').next().unwrap_or_default();
        revision
            .rsplit_once(':')
            .is_some_and(|(own, _)| own == family)
    }

    /// Whether it runs the task definition of `rollout`.
    pub fn runs(&self, rollout: &Rollout) -> bool {
        let revision = rollout.revision.as_ref();
        revision.is_some_and(|revision| revision.as_str() == self.definition)
    }
}

/// ECS's `rolloutState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// `IN_PROGRESS`, and anything that we do not know.
    InProgress,
    /// `COMPLETED`.
    Completed,
    /// `FAILED`.
    Failed,
}

/// What becomes of a rollout.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Nothing.
    Stay {
        /// Why nothing, for the log.
        why: &'static str,
    },
    /// It goes on, and this goes wrong with it.
    Note {
        /// What goes wrong.
        reason: String,
    },
    /// ECS has given it up; the verdict waits for the rollback to complete.
    Fail {
        /// Why it was given up.
        reason: String,
    },
    /// It ends.
    End {
        /// How.
        verdict: Verdict,
        /// Why, unless it succeeded.
        reason: Option<String>,
    },
}

/// What becomes of `rollout` after `seen`.
pub fn next(rollout: &Rollout, seen: &Seen) -> Next {
    if rollout.verdict.is_some() {
        return stay("the rollout has its verdict");
    }
    if let Seen::Service {
        deployments,
        gave_up,
        at,
    } = seen
    {
        return by_service(rollout, deployments.as_deref(), gave_up.as_ref(), *at);
    }
    let Some(ours) = &rollout.deployment else {
        return stay("the rollout has no deployment yet");
    };
    match seen {
        Seen::Completed(id) if id == ours => end(Verdict::Succeeded, None),
        Seen::Completed(id)
            if rollout.stage == Stage::Failing && rollout.rolls_back_to.as_ref() == Some(id) =>
        {
            end(Verdict::RolledBack, rollout.reason.clone())
        }
        Seen::Completed(_) => stay("another deployment completed"),
        Seen::Failed { deployment, reason } if deployment == ours => give_up(rollout, reason),
        Seen::Failed { .. } => stay("another deployment failed"),
        Seen::Trouble { deployment, .. } if deployment.as_ref().is_some_and(|id| id != ours) => {
            stay("a task of another deployment stopped")
        }
        Seen::Trouble { reason, .. } if rollout.reason.as_ref() == Some(reason) => {
            stay("the reason is known")
        }
        Seen::Trouble { deployment, .. } if deployment.is_none() && rollout.reason.is_some() => {
            stay("a closer reason is known")
        }
        Seen::Trouble { reason, .. } => Next::Note {
            reason: reason.clone(),
        },
        Seen::InProgress(_) | Seen::Service { .. } => stay("a deployment is in progress"),
    }
}

/// What is new about how many tasks of an open rollout run; `None` if nothing is, or nothing is known.
pub fn count(rollout: &Rollout, deployments: &[Deployment]) -> Option<Tasks> {
    let mut deployments = deployments.iter();
    let own = deployments.find(|it| rollout.deployment.as_ref() == Some(&it.id))?;
    let is_new = own.tasks
        != rollout.tasks.unwrap_or(Tasks {
            running: 0,
            ..own.tasks
        });
    (rollout.stage == Stage::Deploying && is_new).then_some(own.tasks)
}

/// ECS's own word, for the sweep: what events would have said had they all come.
fn by_service(
    rollout: &Rollout,
    service: Option<&[Deployment]>,
    gave_up: Option<&RevisionArn>,
    at: DateTime<Utc>,
) -> Next {
    let late = at > rollout.deadline;
    let Some(deployments) = service else {
        return end(Verdict::Stopped, Some("the service is gone".into()));
    };
    let (Some(id), Some(deployed_at)) = (&rollout.deployment, rollout.deployed_at) else {
        return late_or(rollout, late, "the rollout has no deployment yet");
    };
    // A change of the service itself, by Terraform for one, begins another deployment of the same revision.
    let is_own = |it: &&Deployment| it.id == *id || it.primary && it.runs(rollout);
    let own = deployments.iter().find(is_own);
    let (revision, is_failing) = (rollout.revision.as_ref(), rollout.stage == Stage::Failing);
    match (own, deployments.iter().find(|it| it.primary)) {
        (Some(own), _) if own.primary && own.progress == Progress::Completed => {
            end(Verdict::Succeeded, None)
        }
        (Some(own), _) if own.progress == Progress::Failed && !is_failing => {
            give_up(rollout, &own.reason)
        }
        (Some(own), _) if own.primary && own.progress == Progress::Failed => {
            match rollout.failing_at {
                Some(since) if at - since < SETTLING => stay("ECS may be about to go back"),
                _ => end(Verdict::Failed, Some(why(rollout, NOTHING_BEFORE))),
            }
        }
        (Some(own), _) if own.primary => late_or(rollout, late, "the deployment is in progress"),
        (None, _) if !is_failing && at - deployed_at < SETTLING => {
            stay("ECS may not show the deployment yet")
        }
        // That the deployment of before runs again is not enough: ECS may have gone back to it from an overtaken rollout's,
        // which had taken the place of this one.
        (_, Some(primary)) if is_failing || gave_up.is_some() && gave_up == revision => {
            match primary.progress {
                Progress::Completed => end(Verdict::RolledBack, Some(why(rollout, WENT_BACK))),
                _ => late_or(rollout, late, "ECS is going back to the deployment before"),
            }
        }
        (_, Some(primary)) if of_our_family(rollout, primary) => late_or(
            rollout,
            late,
            "another rollout has taken its place and is to give way",
        ),
        (_, Some(primary)) => end(
            Verdict::Stopped,
            Some(format!("{} took its place, not by Couplet", primary.id)),
        ),
        // The release that was to be the first is gone, and there is none before it.
        (_, None) if rollout.rolls_back_to.is_none() => {
            end(Verdict::Failed, Some(why(rollout, NOTHING_BEFORE)))
        }
        (_, None) => late_or(rollout, late, "ECS is going back to the deployment before"),
    }
}

const NOTHING_BEFORE: &str = "ECS gave it up and had nothing to go back to";
const WENT_BACK: &str = "ECS went back to the deployment before";

/// Whether a deployment runs a revision of the family that only `rollout` writes.
fn of_our_family(rollout: &Rollout, deployment: &Deployment) -> bool {
    let own = rollout.revision.as_ref().map(|revision| revision.as_str());
    let family = own.and_then(|own| own.rsplit('/').next()?.rsplit_once(':'));
    family.is_some_and(|(family, _)| deployment.is_of(family))
}

/// A deployment that has nothing to go back to is over when it fails; otherwise ECS goes back first.
fn give_up(rollout: &Rollout, reason: &str) -> Next {
    let reason = why(rollout, reason);
    match rollout.rolls_back_to {
        Some(_) => Next::Fail { reason },
        None => end(Verdict::Failed, Some(reason)),
    }
}

/// Nothing, before the deadline.
fn late_or(rollout: &Rollout, late: bool, why: &'static str) -> Next {
    match late {
        true => time_out(rollout),
        false => stay(why),
    }
}

fn time_out(rollout: &Rollout) -> Next {
    let words = match rollout.stage {
        Stage::Claimed => "the service was not updated before the deadline",
        _ => "no steady state before the deadline",
    };
    end(Verdict::TimedOut, Some(why(rollout, words)))
}

/// A stopped task says more than the breaker's "tasks failed to start".
fn why(rollout: &Rollout, otherwise: &str) -> String {
    rollout
        .reason
        .clone()
        .unwrap_or_else(|| otherwise.to_owned())
}

fn stay(why: &'static str) -> Next {
    Next::Stay { why }
}

fn end(verdict: Verdict, reason: Option<String>) -> Next {
    Next::End { verdict, reason }
}

#[cfg(test)]
mod tests;
