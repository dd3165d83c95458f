//! A claimed rollout's way to ECS.

use anyhow::{Context, Result, bail};
use chrono::Utc;
use ledger::table::Raced;
use ledger::transition::Deployment;
use ledger::{DeploymentId, RevisionArn, Rollout, Target};
use serde_json::{Value, json};
use tracing::info;

use crate::ecs::Service;
use crate::place::{self, Rightful};
use crate::rollout::{Clients, TRIES, ignored};

/// Brings a claimed rollout to ECS. What it began there is noted under the condition that the rollout is still open.
pub(crate) async fn drive(
    clients: &Clients,
    target: &Target,
    rollout: Rollout,
    service: Service,
) -> Result<Value> {
    let revision = rollout.revision.as_ref();
    let revision = revision.with_context(|| format!("{} has no task definition", rollout.id))?;
    let (deployment, rolls_back_to) = deploy(clients, target, revision, &service).await?;
    let noted = clients
        .ledger
        .deploying(&rollout, &deployment, rolls_back_to.as_ref(), Utc::now())
        .await?;
    if noted == Raced::Yes {
        return give_way(clients, target, &deployment).await;
    }
    info!(
        target.name = target.name,
        rollout.id = rollout.id.as_str(),
        release.tag = rollout.release.tag,
        image.digest = rollout.release.digest.as_str(),
        release.commit = rollout
            .release
            .commit
            .as_ref()
            .map(|commit| commit.as_str()),
        ecs.revision = revision.as_str(),
        ecs.deployment = deployment.as_str(),
        "rolling out {} to {}",
        rollout.release.label(),
        target.name
    );
    Ok(json!({ "rollout": rollout.id, "deployment": deployment }))
}

/// Updates the service, and says which deployment this began and which one ECS would go back to.
///
/// UpdateService takes no client token. What an earlier try began is found by its revision and adopted.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html>
async fn deploy(
    clients: &Clients,
    target: &Target,
    revision: &RevisionArn,
    service: &Service,
) -> Result<(DeploymentId, Option<DeploymentId>)> {
    // What Terraform made the service with: no release, with an image that does not even exist.
    let is_template = |deployment: &Deployment| deployment.is_of(&target.template);
    let current = service.primary();
    let updated = match current {
        Some(current) if current.definition == revision.as_str() => service.clone(),
        _ => {
            // A service that never had a release stands at 0; one that people have put to 0 stays there.
            let first = service.desired_count == 0 && current.is_some_and(is_template);
            let count = first.then_some(target.first_count as i32);
            clients.ecs.update(&target.key(), revision, count).await?
        }
    };
    // The answer to the update says it, for another deployment may have completed since the service was described.
    // The template's own deployment completed without a task: nothing that anybody wants back.
    let before = updated
        .before()
        .filter(|before| service.rolls_back && !is_template(before))
        .map(|before| before.id.clone());
    Ok((primary(&updated, target)?, before))
}

fn primary(service: &Service, target: &Target) -> Result<DeploymentId> {
    let primary = service
        .primary()
        .with_context(|| format!("ECS shows no primary deployment of {}", target.name))?;
    Ok(primary.id.clone())
}

/// The deployment `ours`, of a rollout that is overtaken, may have taken the place of what should run: that is put back.
/// Says what was.
pub(crate) async fn give_way(
    clients: &Clients,
    target: &Target,
    ours: &DeploymentId,
) -> Result<Value> {
    let key = target.key();
    let mut ours = ours.clone();
    for _ in 0..TRIES {
        let standing = clients.ledger.standing(&key).await?;
        let (newer, revision) = match place::rightful(&standing) {
            Rightful::Open(newer, revision) => (Some(newer), revision),
            Rightful::Live(revision) => (None, revision),
            Rightful::Nothing => return Ok(ignored(target, "", "nothing else has run here")),
        };
        let updated = clients.ecs.update(&key, &revision, None).await?;
        let deployment = primary(&updated, target)?;
        let raced = match &newer {
            Some(newer) => {
                let back = newer.rolls_back_to.as_ref();
                let noted = clients
                    .ledger
                    .deploying(newer, &deployment, back, Utc::now());
                noted.await? == Raced::Yes
            }
            None => clients.ledger.head(&key).await?.version != standing.head.version,
        };
        if !raced {
            info!(
                target.name = target.name,
                ecs.revision = revision.as_str(),
                ecs.deployment = deployment.as_str(),
                "put back {revision} in the place of {ours}"
            );
            return Ok(json!({ "target": target.name, "put_back": revision }));
        }
        // One that is newer still has come, and now it is this one that has taken its place.
        ours = deployment;
    }
    bail!("others came first on {} {TRIES} times", target.name)
}
