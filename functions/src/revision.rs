//! The task definition of a rollout that is about to be claimed. It is registered first, so that a claim says what is to
//! run, and what ECS does not take is never claimed to be on its way.

use anyhow::Result;
use chrono::Utc;
use ledger::table::Outline;
use ledger::{Digest, Rollout, RolloutId, Target};
use serde_json::Value;

use crate::asked::Asked;
use crate::ecs::Registered;
use crate::outline::outline;
use crate::rollout::Clients;
use crate::task_definition;

/// What a revision is made of, beside the rollout.
#[derive(Debug)]
pub(crate) struct Parts {
    template: Value,
    architectures: Vec<String>,
    /// The newest of the target's revisions, where one may have been registered in vain.
    newest: Option<Value>,
}

/// What came of a rollout.
#[derive(Debug)]
pub(crate) enum Made {
    /// It has a revision, with this in it.
    Ready(Box<Rollout>, Outline),
    /// It can have none, for this reason: to try again would change nothing.
    Refused(Box<Rollout>, String),
}

/// The parts of a revision of `target` that runs the image `digest`, read at the same time.
pub(crate) async fn parts(
    clients: &Clients,
    target: &Target,
    digest: &Digest,
    asked: &Asked,
) -> Result<Parts> {
    let (template, architectures, newest) = tokio::try_join!(
        clients.ecs.template(&target.template),
        clients.ecr.architectures(asked, &target.repository, digest),
        newest(clients, target, asked),
    )?;
    Ok(Parts {
        template,
        architectures,
        newest,
    })
}

async fn newest(clients: &Clients, target: &Target, asked: &Asked) -> Result<Option<Value>> {
    match asked.may_have_been_tried {
        true => clients.ecs.newest(&target.family).await,
        false => Ok(None),
    }
}

/// Registers the revision of `rollout`. One that was registered for the same before anybody died takes its place, and gives
/// the rollout its id.
pub(crate) async fn make(
    clients: &Clients,
    target: &Target,
    mut rollout: Rollout,
    parts: &Parts,
) -> Result<Made> {
    let runs = task_definition::runs(&parts.template, &parts.architectures);
    let body = runs.and_then(|()| task_definition::revision(&parts.template, target, &rollout));
    let body = match body {
        Ok(body) => body,
        Err(refusal) => return Ok(Made::Refused(Box::new(rollout), format!("{refusal:#}"))),
    };
    let in_vain = parts.newest.as_ref();
    let in_vain = in_vain.and_then(|newest| task_definition::same(newest, &body));
    let revision = match in_vain {
        // Ids are in the order of the claims.
        Some((id, revision)) if is_after_all(clients, target, &id).await? => {
            rollout.id = id;
            revision
        }
        _ => match clients.ecs.register(&body).await? {
            Registered::As(revision) => revision,
            Registered::Refused(words) => return Ok(Made::Refused(Box::new(rollout), words)),
        },
    };
    rollout.revision = Some(revision);
    rollout.registered_at = Some(Utc::now());
    Ok(Made::Ready(Box::new(rollout), outline(&body)))
}

async fn is_after_all(clients: &Clients, target: &Target, id: &RolloutId) -> Result<bool> {
    let last = clients.ledger.history(&target.key(), 1).await?;
    Ok(last.first().is_none_or(|last| last.id < *id))
}
