//! How far a deployment has come, in tasks: what people look at while they wait for the verdict.

use anyhow::Result;
use chrono::Utc;
use ledger::table::Raced;
use ledger::{DeploymentId, Rollout, ServiceKey, Tasks, transition};
use serde_json::{Value, json};
use tracing::info;

use crate::verdict::Clients;

/// A task of `deployment` runs: if that is the open rollout's, ECS is asked how many do.
pub(crate) async fn started(
    clients: &Clients,
    service: &ServiceKey,
    deployment: &DeploymentId,
) -> Result<Value> {
    let open = clients.ledger.in_flight(service).await?;
    let Some(rollout) = open.filter(|open| open.deployment.as_ref() == Some(deployment)) else {
        return Ok(ignored(service, "this task belongs to no open rollout"));
    };
    let described = clients.ecs.service(service).await?;
    let deployments = described.map(|service| service.deployments);
    match transition::count(&rollout, &deployments.unwrap_or_default()) {
        Some(tasks) => count(clients, &rollout, tasks).await,
        None => Ok(ignored(service, "as many tasks run as the ledger says")),
    }
}

/// Notes how many tasks of `rollout` run.
pub(crate) async fn count(clients: &Clients, rollout: &Rollout, tasks: Tasks) -> Result<Value> {
    let counted = clients.ledger.counted(rollout, tasks, Utc::now()).await?;
    if counted == Raced::Yes {
        return Ok(ignored(&rollout.service, "the rollout has its verdict"));
    }
    let Tasks { running, desired } = tasks;
    info!(
        target.name = rollout.target,
        rollout.id = rollout.id.as_str(),
        tasks.running = running,
        tasks.desired = desired,
        "{running} of {desired} tasks run"
    );
    Ok(json!({ "rollout": rollout.id, "tasks": tasks }))
}

fn ignored(service: &ServiceKey, why: &str) -> Value {
    info!(ecs.service = service.as_str(), "ignored: {why}");
    json!({ "ignored": why })
}
