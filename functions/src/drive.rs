//! A claimed rollout's way to ECS.

use anyhow::{Context, Error, Result, bail};
use chrono::Utc;
use ledger::table::Raced;
use ledger::transition::{Deployment, Next};
use ledger::{DeploymentId, Digest, RevisionArn, Rollout, Target, Verdict};
use serde_json::{Value, json};
use tracing::info;

use crate::asked::Asked;
use crate::ecs::Service;
use crate::outline::outline;
use crate::place::{self, Rightful};
use crate::rollout::{Clients, TRIES, ignored};
use crate::task_definition;

/// What a revision is made of, beside the rollout.
#[derive(Debug)]
pub(crate) struct Parts {
    template: Value,
    architectures: Vec<String>,
}

/// The parts of a revision of `target` that runs the image `digest`.
pub(crate) async fn parts(
    clients: &Clients,
    target: &Target,
    digest: &Digest,
    asked: &Asked,
) -> Result<Parts> {
    let (template, architectures) = tokio::try_join!(
        clients.ecs.template(&target.template),
        clients.ecr.architectures(asked, &target.repository, digest),
    )?;
    Ok(Parts {
        template,
        architectures,
    })
}

/// Brings a claimed rollout to ECS. Each step is noted under the condition that the rollout is still open.
pub(crate) async fn drive(
    clients: &Clients,
    target: &Target,
    rollout: Rollout,
    service: Service,
    parts: Option<Parts>,
) -> Result<Value> {
    let (revision, outline) = match rollout.revision.clone() {
        Some(revision) => (revision, None),
        None => match body(clients, target, &rollout, parts).await? {
            Ok(body) => (clients.ecs.register(&body).await?, Some(outline(&body))),
            Err(refusal) => return refuse(clients, target, &rollout, &refusal).await,
        },
    };
    let registered = clients
        .ledger
        .registered(&rollout, &revision, outline.as_ref(), Utc::now());
    if registered.await? == Raced::Yes {
        return Ok(ignored(
            target,
            &rollout.release.tag,
            "superseded before it was deployed",
        ));
    }
    let (deployment, rolls_back_to) = deploy(clients, target, &revision, &service).await?;
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

/// What is to be registered, or why this release cannot run under this template.
async fn body(
    clients: &Clients,
    target: &Target,
    rollout: &Rollout,
    parts: Option<Parts>,
) -> Result<Result<Value>> {
    let parts = match parts {
        Some(parts) => parts,
        None => {
            let digest = &rollout.release.digest;
            self::parts(clients, target, digest, &Asked::default()).await?
        }
    };
    let runs = task_definition::runs(&parts.template, &parts.architectures);
    Ok(runs.and_then(|()| task_definition::revision(&parts.template, target, rollout)))
}

/// Ends a rollout that ECS could only fail at, before ECS is touched: to try again would change nothing.
async fn refuse(
    clients: &Clients,
    target: &Target,
    rollout: &Rollout,
    refusal: &Error,
) -> Result<Value> {
    let reason = format!("{refusal:#}");
    let end = Next::End {
        verdict: Verdict::Failed,
        reason: Some(reason.clone()),
    };
    if clients.ledger.apply(rollout, &end, Utc::now()).await? == Raced::Yes {
        bail!(
            "the rollout {} was overtaken when it was refused",
            rollout.id
        );
    }
    Ok(refused(target, &rollout.clone().refused(reason)))
}

/// Says that a release is not rolled out.
pub(crate) fn refused(target: &Target, rollout: &Rollout) -> Value {
    let reason = rollout.reason.as_deref().unwrap_or_default();
    info!(
        target.name = target.name,
        rollout.id = rollout.id.as_str(),
        rollout.verdict = Verdict::Failed.as_str(),
        rollout.reason = reason,
        "refused: {reason}"
    );
    json!({ "rollout": rollout.id, "refused": reason })
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
            Rightful::Nothing { why } => return Ok(ignored(target, "", why)),
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
