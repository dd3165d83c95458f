//! `verdict`: hears what happens to services, and the schedule; writes the ledger.

use anyhow::{Result, ensure};
use chrono::Utc;
use ledger::table::{Raced, Standing};
use ledger::transition::{Next, Seen, count, next};
use ledger::{Ledger, Rollout, ServiceKey, Target};
use serde_json::{Value, json};
use tracing::info;
use wire::SdkConfig;

use crate::each::{Work, each};
use crate::ecs::Ecs;
use crate::event::{self, Watched};
use crate::place;
use crate::stranger::stranger;
use crate::tasks;

/// How often a rollout is read again because something else was written to its target.
const TRIES: usize = 5;

/// All that this function can reach.
#[derive(Clone, Debug)]
pub struct Clients {
    /// The ledger.
    pub ledger: Ledger,
    /// The services, to be asked and never to be changed.
    pub ecs: Ecs,
}

impl Clients {
    /// Clients with the settings of `config`.
    pub fn new(config: &SdkConfig, ledger: Ledger) -> Self {
        Clients {
            ledger,
            ecs: Ecs::new(config),
        }
    }
}

/// One event. The answer says what became of each rollout that it was about.
pub async fn handle(clients: &Clients, event: Value) -> Result<Value> {
    match event::watched(event)? {
        Watched::Service(service, seen) => {
            let (outcome, next) = judge(clients, &service, &seen, "event").await?;
            match next {
                Some(Next::Fail { .. }) => gone_back(clients, &service, outcome).await,
                _ => Ok(outcome),
            }
        }
        Watched::Started(service, deployment) => {
            tasks::started(clients, &service, &deployment).await
        }
        Watched::Sweep => sweep(clients).await,
        Watched::Nothing { why } => {
            info!("ignored: {why}");
            Ok(json!({ "ignored": why }))
        }
    }
}

/// ECS may be back at the deployment before already, and its event of that may have come before the failure's, when it
/// said nothing: so ECS is asked, once.
async fn gone_back(clients: &Clients, service: &ServiceKey, failing: Value) -> Result<Value> {
    let targets = clients.ledger.targets().await?.readable;
    let Some(target) = targets.iter().find(|target| target.key() == *service) else {
        return Ok(failing);
    };
    let standing = clients.ledger.standing(service).await?;
    let asked = ask_ecs(clients, target, &standing, "event").await?;
    Ok(json!([failing, asked]))
}

/// Asks ECS for the truth about every open rollout: what events would have said had they all come.
async fn sweep(clients: &Clients) -> Result<Value> {
    let targets = clients.ledger.targets().await?;
    let work = targets.readable.iter();
    let work = work.map(|target| Box::pin(sweep_target(clients, target)) as Work<'_, _>);
    let (outcomes, errors) = each(&targets.readable, work.collect()).await;
    let errors = [targets.malformed, errors].concat();
    ensure!(errors.is_empty(), "{}", errors.join("; "));
    Ok(Value::Array(outcomes.into_iter().flatten().collect()))
}

async fn sweep_target(clients: &Clients, target: &Target) -> Result<Option<Value>> {
    let standing = clients.ledger.standing(&target.key()).await?;
    match standing.in_flight {
        Some(_) => ask_ecs(clients, target, &standing, "sweep").await.map(Some),
        None => follow(clients, target, &standing).await,
    }
}

async fn ask_ecs(
    clients: &Clients,
    target: &Target,
    standing: &Standing,
    found_by: &str,
) -> Result<Value> {
    let service = target.key();
    let described = clients.ecs.service(&service).await?;
    let described = described.filter(|service| service.active);
    let (ledger, ecs) = (&clients.ledger, &clients.ecs);
    let stranger = stranger(ledger, ecs, target, standing, described.as_ref()).await?;
    let deployments = described.map(|service| {
        let mut deployments = service.deployments;
        deployments.retain(|deployment| !deployment.is_of(&target.template));
        deployments
    });
    let tasks = standing.in_flight.as_ref().zip(deployments.as_deref());
    let tasks = tasks.and_then(|(rollout, deployments)| count(rollout, deployments));
    let seen = Seen::Service {
        deployments,
        gave_up: stranger.and_then(|stranger| stranger.gave_up),
        at: Utc::now(),
    };
    let (outcome, next) = judge(clients, &service, &seen, found_by).await?;
    match (&standing.in_flight, next, tasks) {
        (Some(rollout), Some(Next::Stay { .. }), Some(tasks)) => {
            tasks::count(clients, rollout, tasks).await
        }
        _ => Ok(outcome),
    }
}

/// No rollout is open: has ECS brought one to its end that the ledger had given up?
async fn follow(clients: &Clients, target: &Target, standing: &Standing) -> Result<Option<Value>> {
    let (ledger, ecs) = (&clients.ledger, &clients.ecs);
    let service = ecs.service(&target.key()).await?;
    let stranger = stranger(ledger, ecs, target, standing, service.as_ref()).await?;
    let Some(live) = stranger
        .as_ref()
        .and_then(|it| place::follows(standing, it))
    else {
        return Ok(None);
    };
    if clients.ledger.follow(&standing.head, live).await? == Raced::Yes {
        return Ok(None);
    }
    info!(
        target.name = target.name,
        rollout.id = live.id.as_str(),
        rollout.found_by = "sweep",
        "live after all: {}",
        live.release.label()
    );
    Ok(Some(json!({ "rollout": live.id, "live": true })))
}

/// Decides what becomes of a service's open rollout and writes it. `found_by` is what led here, for the log.
async fn judge(
    clients: &Clients,
    service: &ServiceKey,
    seen: &Seen,
    found_by: &str,
) -> Result<(Value, Option<Next>)> {
    for _ in 0..TRIES {
        let Some(rollout) = clients.ledger.in_flight(service).await? else {
            info!(
                ecs.service = service.as_str(),
                "ignored: no rollout is open here"
            );
            return Ok((json!({ "ignored": "no rollout is open here" }), None));
        };
        let next = next(&rollout, seen);
        if clients.ledger.apply(&rollout, &next, Utc::now()).await? == Raced::No {
            return Ok((tell(&rollout, &next, found_by), Some(next)));
        }
    }
    anyhow::bail!("other writes to {service} came first {TRIES} times")
}

fn tell(rollout: &Rollout, next: &Next, found_by: &str) -> Value {
    let (target, id) = (&rollout.target, rollout.id.as_str());
    match next {
        Next::Stay { why } => {
            info!(target.name = target, rollout.id = id, "ignored: {why}");
            json!({ "rollout": id, "ignored": why })
        }
        Next::Note { reason } => {
            info!(
                target.name = target,
                rollout.id = id,
                rollout.reason = reason,
                "trouble: {reason}"
            );
            json!({ "rollout": id, "trouble": reason })
        }
        Next::Fail { reason } => {
            info!(
                target.name = target,
                rollout.id = id,
                rollout.reason = reason,
                "failing: {reason}"
            );
            json!({ "rollout": id, "failing": reason })
        }
        Next::End { verdict, reason } => {
            // An alarm counts what only the sweep has found: the events of it were lost.
            info!(
                target.name = target,
                rollout.id = id,
                rollout.verdict = verdict.as_str(),
                rollout.reason = reason,
                rollout.found_by = found_by,
                "verdict: {verdict}"
            );
            json!({ "rollout": id, "verdict": verdict, "reason": reason })
        }
    }
}
