//! Whether what runs is what should. A function may die between UpdateService and its look at the ledger, and so an
//! older rollout can take the place of a newer one with nobody left who knows. Values in, values out.

use chrono::{DateTime, Utc};
use ledger::table::Standing;
use ledger::transition::{Deployment, Progress};
use ledger::{DeploymentId, RevisionArn, Rollout, Stage, Target, Verdict};

use crate::decide::{self, Action};
use crate::ecs::Service;

/// A service's PRIMARY deployment that is neither of the open rollout nor of the live one, though it is of the target's
/// family, and what else is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stranger {
    /// The deployment.
    pub deployment: Deployment,
    /// While a rollout is open of which nothing else says so: its revision, if ECS's history says that it was given up.
    pub gave_up: Option<RevisionArn>,
    /// While none is open: whose revision it is.
    pub rollout: Option<Rollout>,
}

/// What `rollout`'s sweep does about a target, its images aside.
#[derive(Clone, Debug, PartialEq)]
pub enum Repair {
    /// Carry on with the open rollout, which was left half-done.
    Resume(Box<Rollout>),
    /// Put back what should run in the place of this deployment.
    PutBack(DeploymentId),
    /// Nothing.
    Nothing,
}

/// What should run in the place of a deployment.
#[derive(Clone, Debug, PartialEq)]
pub enum Rightful {
    /// The open rollout, under this revision.
    Open(Box<Rollout>, RevisionArn),
    /// What was live before.
    Live(RevisionArn),
    /// Nothing: nothing else has run here.
    Nothing,
}

/// The PRIMARY deployment, if the ledger does not expect it.
pub fn unexpected<'a>(
    target: &Target,
    standing: &Standing,
    service: &'a Service,
) -> Option<&'a Deployment> {
    let expected = match (&standing.in_flight, &standing.head.live) {
        (Some(open), _) => open.revision.as_ref(),
        (None, live) => live.as_ref().and_then(|live| live.revision.as_ref()),
    };
    service
        .primary()
        .filter(|primary| primary.is_of(&target.family))
        .filter(|primary| expected.is_none_or(|it| it.as_str() != primary.definition))
}

/// What the sweep does, given what runs unexpectedly. `rolls_back` says whether ECS is to go back by itself: if it is
/// not, what has failed stays for people to see.
pub fn repair(
    standing: &Standing,
    stranger: Option<&Stranger>,
    rolls_back: bool,
    now: DateTime<Utc>,
) -> Repair {
    if let Some(open) = &standing.in_flight
        && let Action::Resume(rollout) = decide::on_claimed(open, now)
    {
        return Repair::Resume(rollout);
    }
    let Some(stranger) = stranger else {
        return Repair::Nothing;
    };
    let deployment = &stranger.deployment;
    let is_stuck = rolls_back && deployment.progress == Progress::Failed;
    let is_wrong = match (&standing.in_flight, &standing.head.live) {
        (Some(open), _) => match open.stage {
            Stage::Deploying => is_stuck || stranger.gave_up.is_none(),
            Stage::Failing => is_stuck,
            Stage::Claimed | Stage::Ended => false,
        },
        (None, Some(live)) => {
            let is_overtaken = stranger.rollout.as_ref().is_some_and(|it| {
                it.verdict == Some(Verdict::Superseded) && it.id.as_str() < live.rollout.as_str()
            });
            is_stuck || is_overtaken
        }
        (None, None) => false,
    };
    match is_wrong {
        true => Repair::PutBack(deployment.id.clone()),
        false => Repair::Nothing,
    }
}

/// What is to be put in the place of a deployment that may have taken it.
pub fn rightful(standing: &Standing) -> Rightful {
    // What ECS has given up is not tried again, and then what was live before is what it goes back to.
    let coming = standing
        .in_flight
        .as_ref()
        .filter(|open| open.stage != Stage::Failing);
    let live = standing.head.live.as_ref();
    let revision = match coming {
        Some(open) => open.revision.as_ref(),
        None => live.and_then(|live| live.revision.as_ref()),
    };
    match (coming, revision) {
        (Some(open), Some(revision)) => Rightful::Open(Box::new(open.clone()), revision.clone()),
        (None, Some(revision)) => Rightful::Live(revision.clone()),
        (_, None) => Rightful::Nothing,
    }
}

/// The rollout that runs though the ledger says otherwise: ECS has completed it after its verdict, when its deadline had
/// passed or a newer one was claimed that failed. Nothing, while what runs is older than what was live: somebody has
/// gone back by hand.
pub fn follows<'a>(standing: &Standing, stranger: &'a Stranger) -> Option<&'a Rollout> {
    let live = standing.head.live.as_ref();
    stranger
        .rollout
        .as_ref()
        .filter(|_| standing.in_flight.is_none())
        .filter(|_| stranger.deployment.progress == Progress::Completed)
        .filter(|it| live.is_none_or(|live| it.id.as_str() > live.rollout.as_str()))
}

/// What a rollout that is claimed now notes as what ECS would go back to, until UpdateService says it: the release
/// before may have drained already, and then ECS does not list its deployment any more.
pub fn goes_back_to(standing: &Standing) -> Option<DeploymentId> {
    match &standing.in_flight {
        Some(superseded) => superseded.rolls_back_to.clone(),
        None => standing.head.live.as_ref()?.deployment.clone(),
    }
}

#[cfg(test)]
mod tests;
