//! What there is to know of a deployment that the ledger does not expect: the facts for `place`.

use anyhow::Result;
use ledger::table::Standing;
use ledger::transition::Deployment;
use ledger::{Ledger, Stage, Target};

use crate::ecs::{Ecs, Service};
use crate::place::{self, Stranger};

/// How far back a deployment is looked for, in rollouts.
const HISTORY: i32 = 100;

/// The service's PRIMARY deployment with all that is known of it, if the ledger does not expect it. Costs nothing while
/// all is as it should be.
pub(crate) async fn stranger(
    ledger: &Ledger,
    ecs: &Ecs,
    target: &Target,
    standing: &Standing,
    service: Option<&Service>,
) -> Result<Option<Stranger>> {
    let unexpected = service.and_then(|service| place::unexpected(target, standing, service));
    match unexpected {
        Some(deployment) => explain(ledger, ecs, target, standing, deployment)
            .await
            .map(Some),
        None => Ok(None),
    }
}

async fn explain(
    ledger: &Ledger,
    ecs: &Ecs,
    target: &Target,
    standing: &Standing,
    deployment: &Deployment,
) -> Result<Stranger> {
    let key = target.key();
    let mut stranger = Stranger {
        deployment: deployment.clone(),
        gave_up: None,
        rollout: None,
    };
    match &standing.in_flight {
        Some(open) => {
            if open.stage == Stage::Deploying
                && let Some(revision) = &open.revision
                && ecs.gave_up(&key, revision).await?
            {
                stranger.gave_up = Some(revision.clone());
            }
        }
        None => {
            let mut history = ledger.history(&key, HISTORY).await?.into_iter();
            stranger.rollout = history.find(|rollout| deployment.runs(rollout));
        }
    }
    Ok(stranger)
}
