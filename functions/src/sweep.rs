//! `rollout`'s sweep: what events have lost is found by asking, and then decided as the events are.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use chrono::{DateTime, Utc};
use ledger::{Release, Rollout, Target};
use serde_json::Value;
use tracing::info;

use crate::decide::{self, Action, TaggedImage};
use crate::rollout::{Clients, give_way, push_to_target, resume};

/// How far back the sweep looks for a rollout that has taken the place of the open one.
const HISTORY: i32 = 20;

/// Looks at every target: is its open rollout left alone, and is there a newer release than it has heard of? Answers
/// what it had to repair. A repository is listed once however many targets follow it, and a target costs two reads
/// when there is nothing to do. `at` is when the clock struck.
pub(crate) async fn sweep(clients: &Clients, at: DateTime<Utc>) -> Result<Vec<Value>> {
    let mut listed = HashMap::new();
    let mut repaired = Vec::new();
    let mut errors = Vec::new();
    for target in clients.ledger.targets().await? {
        match sweep_target(clients, &target, &mut listed, at).await {
            Ok(outcomes) => repaired.extend(outcomes),
            Err(error) => errors.push(format!("target {}: {error:#}", target.name)),
        }
    }
    ensure!(errors.is_empty(), "{}", errors.join("; "));
    Ok(repaired)
}

async fn sweep_target(
    clients: &Clients,
    target: &Target,
    listed: &mut HashMap<String, Vec<(String, TaggedImage)>>,
    at: DateTime<Utc>,
) -> Result<Vec<Value>> {
    let mut outcomes = Vec::new();
    let key = target.key();
    let head = clients.ledger.head(&key).await?;
    if let Some(id) = &head.in_flight
        && let Some(open) = clients.ledger.rollout(&key, id).await?
    {
        outcomes.extend(open_rollout(clients, target, &open, at).await?);
    }
    if head.held.is_none() {
        let images = match listed.get(&target.repository) {
            Some(images) => images,
            None => {
                let images = clients.ecr.images(&target.repository).await?;
                listed.entry(target.repository.clone()).or_insert(images)
            }
        };
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

/// The open rollout, if whoever carried it out has died, or an overtaken one has taken its place.
async fn open_rollout(
    clients: &Clients,
    target: &Target,
    open: &Rollout,
    at: DateTime<Utc>,
) -> Result<Option<Value>> {
    let key = target.key();
    let (service, history) = tokio::try_join!(
        clients.ecs.service(&key),
        clients.ledger.history(&key, HISTORY),
    )?;
    let primary = service.as_ref().and_then(|service| service.primary());
    let runs = primary.map(|deployment| deployment.definition.as_str());
    let outcome = match decide::on_sweep(open, runs, &history, at) {
        Action::Resume(rollout) => resume(clients, target, *rollout).await?,
        Action::GiveWay(rollout) => give_way(clients, target, &rollout).await?,
        Action::RollOut(_) | Action::Ignore { .. } => return Ok(None),
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
        Some(pushed) => push_to_target(clients, target, &pushed).await.map(done),
        None => Ok(None),
    }
}

/// What was done, and nothing for what was left alone.
fn done(outcome: Value) -> Option<Value> {
    outcome.get("ignored").is_none().then_some(outcome)
}
