//! One change of a rollout is brought to GitHub.

use anyhow::Result;
use chrono::Utc;
use ledger::table::Raced;
use ledger::{Commit, Rollout, Told};
use serde_json::json;
use tracing::{info, warn};

use crate::github::{Deployment, Repository};
use crate::report::Clients;
use crate::retire::retire;
use crate::telling::{News, Said, Step, Telling, to_commit, to_deployment};
use crate::trace;

/// Tells GitHub what it does not yet show: a record that is delivered twice is told once, and a delivery that
/// broke off is completed.
pub(crate) async fn tell(
    clients: &Clients,
    rollout: &Rollout,
    commit: &Commit,
    telling: &Telling,
) -> Result<()> {
    let repository = &clients.github.repository(&rollout.github_repository);
    let page = clients.page(rollout);
    let deployment = repository.deployment(commit, rollout).await?;
    let shown = repository.deployment_statuses(deployment.id).await?;
    let statuses = shown.iter().map(|status| {
        let description = status.description.as_deref().unwrap_or_default();
        (status.state.as_str(), description)
    });
    match to_deployment(telling.step, statuses) {
        News::Late => {
            info!(
                rollout.id = rollout.id.as_str(),
                "ignored: GitHub shows a later state"
            );
            return Ok(());
        }
        News::Shown => {}
        News::Yes => {
            let mut body = json!({
                "state": telling.deployment.state,
                "description": telling.deployment.description,
                "environment": rollout.environment,
                "log_url": page,
                // GitHub would retire the deployments of other targets as well: see `retire`.
                "auto_inactive": false,
            });
            if let Some(url) = &rollout.environment_url {
                body["environment_url"] = json!(url);
            }
            repository
                .add_deployment_status(deployment.id, &body)
                .await?;
        }
    }
    if telling.deployment.state == "success" {
        retire(repository, rollout, deployment.id).await?;
    }
    if let Some(said) = &telling.commit {
        tell_commit(repository, rollout, commit, telling.step, said, &page).await?;
    }
    info!(
        target.name = rollout.target,
        rollout.id = rollout.id.as_str(),
        github.repository = rollout.github_repository,
        github.deployment = deployment.id,
        github.state = telling.deployment.state,
        release.commit = commit.as_str(),
        "told GitHub: {}",
        telling.deployment.description
    );
    note(clients, rollout, &deployment, telling, &page).await
}

async fn tell_commit(
    repository: &Repository<'_>,
    rollout: &Rollout,
    commit: &Commit,
    step: Step,
    said: &Said,
    page: &str,
) -> Result<()> {
    let context = format!("couplet/{}", rollout.target);
    let shown = repository.commit_statuses(commit).await?;
    let newest = shown
        .iter()
        .find(|status| status.context.as_deref() == Some(&context));
    let newest = newest.map(|status| {
        let page = status.target_url.as_deref().unwrap_or_default();
        (status.state.as_str(), page)
    });
    if to_commit(step, &rollout.id, newest) != News::Yes {
        return Ok(());
    }
    let body = json!({
        "state": said.state,
        "description": said.description,
        "context": context,
        "target_url": page,
    });
    repository.add_commit_status(commit, &body).await
}

/// Notes in the ledger what GitHub was told and, once that is the verdict, sends the rollout's trace. What the record shows
/// as noted needs no write, and the ledger takes a second note for none: the time stays that of the first.
async fn note(
    clients: &Clients,
    rollout: &Rollout,
    deployment: &Deployment,
    telling: &Telling,
    page: &str,
) -> Result<()> {
    let tracer = clients.tracer.filter(|_| telling.step == Step::Ended);
    let told = Told {
        deployment: deployment.id,
        state: telling.deployment.state.to_owned(),
        at: Utc::now(),
        trace: tracer.map(|_| trace::id(rollout)),
    };
    let noted = rollout.told.as_ref().map(|told| &told.state);
    if noted == Some(&told.state) || clients.ledger.told(rollout, &told).await? == Raced::Yes {
        return Ok(());
    }
    if let Some(tracer) = tracer
        // GitHub has been told, which is what this record is for: no trace is worth a second time.
        && let Err(error) = tracer.send(rollout, &told, page).await
    {
        warn!(rollout.id = rollout.id.as_str(), "{error:#}");
    }
    Ok(())
}
