//! The board for scripts.

use std::sync::Arc;

use ledger::Rollout;
use poem::handler;
use poem::web::{Data, Json, Path};
use serde::Serialize;

use crate::app::Service;
use crate::board::States;
use crate::failure::Failure;
use crate::find;

#[derive(Serialize)]
struct Rollouts {
    rollouts: Vec<Rollout>,
}

/// Every target: what runs, and what is under way.
#[handler]
pub(crate) async fn targets(service: Data<&Arc<Service>>) -> Result<Json<States>, Failure> {
    let seen = service.watch.seen().await?;
    Ok(Json(seen.states.clone()))
}

/// The newest rollouts of a target, newest first.
#[handler]
pub(crate) async fn rollouts(
    service: Data<&Arc<Service>>,
    Path(name): Path<String>,
) -> Result<Json<Rollouts>, Failure> {
    let seen = service.watch.seen().await?;
    let rollouts = find::target(&seen, &name)?.history.clone();
    Ok(Json(Rollouts { rollouts }))
}

/// One rollout.
#[handler]
pub(crate) async fn rollout(
    service: Data<&Arc<Service>>,
    Path(path): Path<[String; 3]>,
) -> Result<Json<Rollout>, Failure> {
    let (rollout, _) = find::rollout(&service.watch, &path).await?;
    Ok(Json(rollout))
}
