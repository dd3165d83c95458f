//! What people and programs ask for: a rollback, a redeployment, a promotion, a hold and its end.

use anyhow::{Context, Error, Result, anyhow, bail};
use chrono::{DateTime, TimeDelta, Utc};
use ledger::table::{Head, Held, Raced, Targets};
use ledger::{Cause, Ledger, Release, Rollout, Target};
use serde_json::{Value, json};
use tracing::info;

use crate::asked::Asked;
use crate::decide::{self, Action, Wanted};
use crate::event::{Ask, AskedAction, Request};
use crate::rollout::{Claiming, Clients, TRIES, ignored, resume};
use crate::sweep;

/// How far back a request looks for a release, in rollouts.
const HISTORY: i32 = 100;

/// Carries out one request. A target that does not exist is an error, so that the failure queue has it.
pub(crate) async fn on_request(
    clients: &Clients,
    request: &Request,
    asked: &Asked,
) -> Result<Value> {
    let ask = &request.ask;
    let targets = clients.ledger.targets().await?;
    let target = named(&targets, ask, &ask.target)?;
    match (ask.action, &ask.from) {
        (AskedAction::Hold, _) => hold(clients, target, request).await,
        (AskedAction::Release, _) => release(clients, target, request).await,
        (AskedAction::Promote, Some(from)) => {
            let past = past(clients, &targets, ask, from).await?;
            roll_out(clients, target, Some(past), request, asked).await
        }
        _ => roll_out(clients, target, None, request, asked).await,
    }
}

fn found<'a>(targets: &'a Targets, name: &str) -> Option<&'a Target> {
    targets.readable.iter().find(|target| target.name == name)
}

fn named<'a>(targets: &'a Targets, ask: &Ask, name: &str) -> Result<&'a Target> {
    found(targets, name).ok_or_else(|| unknown(targets, ask, name))
}

/// What cannot be read may be what is asked for.
fn unknown(targets: &Targets, ask: &Ask, name: &str) -> Error {
    let mut problem = format!("{} asks for the unknown target {name}", ask.by);
    for malformed in &targets.malformed {
        problem.push_str(&format!("; {malformed}"));
    }
    anyhow!(problem)
}

/// Rolls out what is asked for; of a promotion, what has succeeded in the past of another target.
async fn roll_out(
    clients: &Clients,
    target: &Target,
    promoted: Option<(Head, Vec<Rollout>)>,
    request: &Request,
    asked: &Asked,
) -> Result<Value> {
    let (ask, key) = (&request.ask, target.key());
    let digest = ask.digest.as_ref();
    let wanted = match (&promoted, ask.action, digest) {
        (Some((from, history)), _, digest) => Wanted::Promote {
            digest,
            from,
            history,
        },
        (None, _, Some(digest)) => Wanted::Named(digest),
        (None, AskedAction::Rollback, None) => Wanted::Rollback,
        (None, _, None) => Wanted::Redeploy,
    };
    let mut again = None;
    for _ in 0..TRIES {
        let (asked, now) = (again.as_ref().unwrap_or(asked), Utc::now());
        let (standing, history) = tokio::try_join!(
            clients.ledger.standing_of(&key, &request.id),
            clients.ledger.history(&key, HISTORY),
        )?;
        let release = match decide::on_request(wanted, &standing, &history, now) {
            Action::Ignore { why } => return Ok(ignored(target, "", why)),
            Action::Resume(rollout) => return resume(clients, target, *rollout).await,
            Action::Refuse(release, reason) => return Ok(ignored(target, &release.tag, &reason)),
            Action::RollOut(release) => release,
        };
        // What was pushed long ago, or for another target, may not be there to be pulled.
        if !clients.ecr.has(&target.repository, &release.digest).await? {
            let why = "the image is no longer in the target's repository";
            return Ok(ignored(target, &release.tag, why));
        }
        let release = Release {
            repository: target.repository.clone(),
            ..release
        };
        let claiming = Claiming {
            by: &request.id,
            cause: Cause::Request {
                action: ask.action.as_str().to_owned(),
                by: ask.by.clone(),
                why: ask.why.clone(),
            },
            heard_at: now,
            standing: &standing,
            asked,
        };
        if let Some(outcome) = claiming.roll_out(clients, target, release).await? {
            return Ok(outcome);
        }
        again = Some(asked.again());
    }
    bail!("other claims on {} came first {TRIES} times", target.name)
}

/// Where the target `name` stands, and its rollouts. It may be another installation's, which remembers it in a ledger of its
/// own.
async fn past(
    clients: &Clients,
    ours: &Targets,
    ask: &Ask,
    name: &str,
) -> Result<(Head, Vec<Rollout>)> {
    if let Some(target) = found(ours, name) {
        return past_in(&clients.ledger, target).await;
    }
    for ledger in &clients.other_ledgers {
        let theirs = ledger.targets().await;
        let theirs = theirs.context("cannot read the ledger of another installation")?;
        if let Some(target) = found(&theirs, name) {
            return past_in(ledger, target).await;
        }
    }
    Err(unknown(ours, ask, name))
}

async fn past_in(ledger: &Ledger, target: &Target) -> Result<(Head, Vec<Rollout>)> {
    let key = target.key();
    tokio::try_join!(ledger.head(&key), ledger.history(&key, HISTORY))
}

/// From now on pushes are left alone. What is under way goes on, and what people ask for is carried out.
async fn hold(clients: &Clients, target: &Target, request: &Request) -> Result<Value> {
    let ask = &request.ask;
    let held = Held {
        by: ask.by.clone(),
        why: ask.why.clone(),
        at: Utc::now(),
    };
    if set(clients, target, Some(held), &request.id).await? == Answered::Before {
        return Ok(ignored(target, "", ANSWERED));
    }
    info!(target.name = target.name, "held by {}", ask.by);
    Ok(json!({ "target": target.name, "held": ask.by }))
}

/// Ends a hold, and offers the newest of what was pushed meanwhile.
async fn release(clients: &Clients, target: &Target, request: &Request) -> Result<Value> {
    let ask = &request.ask;
    if set(clients, target, None, &request.id).await? == Answered::Now {
        info!(target.name = target.name, "released by {}", ask.by);
    }
    // The events of these pushes were heard and left alone: nothing is to be waited for.
    let at: DateTime<Utc> = Utc::now() + TimeDelta::hours(1);
    let head = clients.ledger.head(&target.key()).await?;
    let newest = sweep::unheard_push(clients, target, head.newest.as_ref(), at).await?;
    Ok(json!({ "target": target.name, "released": ask.by, "rolled_out": newest }))
}

const ANSWERED: &str = "this request was carried out before";

#[derive(PartialEq)]
enum Answered {
    Now,
    Before,
}

/// Events come more than once, and a hold that comes again after its release must not hold again.
async fn set(
    clients: &Clients,
    target: &Target,
    held: Option<Held>,
    request: &str,
) -> Result<Answered> {
    let key = target.key();
    for _ in 0..TRIES {
        let standing = clients.ledger.standing_of(&key, request).await?;
        if standing.answered {
            return Ok(Answered::Before);
        }
        let (head, now) = (&standing.head, Utc::now());
        let written = clients
            .ledger
            .hold(&key, head, held.clone(), request, now)
            .await?;
        if written == Raced::No {
            return Ok(Answered::Now);
        }
    }
    bail!("other writes to {} came first {TRIES} times", target.name)
}
