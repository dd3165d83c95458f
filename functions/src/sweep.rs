//! `rollout`'s sweep: what events have lost is found by asking, and then decided as the events are.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use chrono::{DateTime, Utc};
use ledger::table::Standing;
use ledger::{Release, Target};
use serde_json::Value;
use tokio::sync::OnceCell;
use tracing::info;

use crate::asked::Asked;
use crate::decide::{self, TaggedImage};
use crate::drive;
use crate::each::{Work, each};
use crate::place::{self, Repair};
use crate::rollout::{Clients, push_to_target, resume};
use crate::stranger::stranger;

/// The images of a repository, listed when the first target asks for them.
type Listed = OnceCell<Vec<(String, TaggedImage)>>;

/// Looks at every target: does what should run there, and is there a newer release than it has heard of? Answers what it
/// had to repair. A repository is listed once however many targets follow it, and a target costs one read of the ledger and
/// one of ECS when there is nothing to do. `at` is when the clock struck.
pub(crate) async fn sweep(clients: &Clients, at: DateTime<Utc>) -> Result<Vec<Value>> {
    let targets = clients.ledger.targets().await?;
    let repositories = targets.readable.iter().map(|target| &target.repository);
    let listed: HashMap<&String, Listed> = repositories
        .map(|repository| (repository, Listed::default()))
        .collect();
    let work = targets.readable.iter();
    let work =
        work.map(|target| Box::pin(sweep_target(clients, target, &listed, at)) as Work<'_, _>);
    let (repaired, errors) = each(&targets.readable, work.collect()).await;
    let errors = [targets.malformed, errors].concat();
    ensure!(errors.is_empty(), "{}", errors.join("; "));
    Ok(repaired.concat())
}

async fn sweep_target(
    clients: &Clients,
    target: &Target,
    listed: &HashMap<&String, Listed>,
    at: DateTime<Utc>,
) -> Result<Vec<Value>> {
    let mut outcomes = Vec::new();
    let key = target.key();
    let standing = clients.ledger.standing(&key).await?;
    outcomes.extend(repair(clients, target, &standing, at).await?);
    let head = standing.head;
    if head.held.is_none() {
        let list = || clients.ecr.images(&target.repository);
        let images = listed[&target.repository].get_or_try_init(list).await?;
        let heard = head.newest.as_ref();
        outcomes.extend(unheard(clients, target, images, heard, at).await?);
    }
    for outcome in &outcomes {
        // An alarm counts these lines: an event was lost, or a function died.
        info!(
            target.name = target.name,
            rollout.found_by = "sweep",
            "repaired: {outcome}"
        );
    }
    Ok(outcomes)
}

/// Puts right what a function that died has left: a rollout half-done, or one in the place of another.
async fn repair(
    clients: &Clients,
    target: &Target,
    standing: &Standing,
    at: DateTime<Utc>,
) -> Result<Option<Value>> {
    let (ledger, ecs) = (&clients.ledger, &clients.ecs);
    let service = ecs.service(&target.key()).await?;
    let service = service.as_ref().filter(|service| service.active);
    let stranger = stranger(ledger, ecs, target, standing, service).await?;
    let rolls_back = service.is_some_and(|service| service.rolls_back);
    let outcome = match place::repair(standing, stranger.as_ref(), rolls_back, at) {
        Repair::Resume(rollout) => resume(clients, target, *rollout).await?,
        Repair::PutBack(deployment) => drive::give_way(clients, target, &deployment).await?,
        Repair::Nothing => return Ok(None),
    };
    Ok(done(outcome))
}

/// A push that nobody has heard of, decided as if its event came now.
pub(crate) async fn unheard_push(
    clients: &Clients,
    target: &Target,
    heard: Option<&Release>,
    at: DateTime<Utc>,
) -> Result<Option<Value>> {
    let images = clients.ecr.images(&target.repository).await?;
    unheard(clients, target, &images, heard, at).await
}

async fn unheard(
    clients: &Clients,
    target: &Target,
    images: &[(String, TaggedImage)],
    heard: Option<&Release>,
    at: DateTime<Utc>,
) -> Result<Option<Value>> {
    match decide::unheard(target, images, heard, at) {
        Some(pushed) => {
            let asked = Asked::new(true);
            let outcome = push_to_target(clients, target, &pushed, &asked).await?;
            Ok(done(outcome))
        }
        None => Ok(None),
    }
}

/// What was done, and nothing for what was left alone.
fn done(outcome: Value) -> Option<Value> {
    outcome.get("ignored").is_none().then_some(outcome)
}
