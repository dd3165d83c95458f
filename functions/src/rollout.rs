//! `rollout`: hears pushes and requests; writes the ledger, then ECS.

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Utc};
use ledger::table::{Claim, Raced, Standing};
use ledger::{Cause, Ledger, Release, Rollout, Target, Verdict};
use serde_json::{Value, json};
use tracing::info;
use wire::SdkConfig;

use crate::asked::Asked;
use crate::decide::{self, Action, Pushed};
use crate::each::{Work, each};
use crate::ecr::Ecr;
use crate::ecs::{Ecs, Service};
use crate::event::{self, Heard};
use crate::revision::{self, Made};
use crate::scan::Scan;
use crate::{drive, place, policy, request, sweep};

/// How often a decision is made again because another claim came first.
pub(crate) const TRIES: usize = 8;

/// All that this function can reach.
#[derive(Clone, Debug)]
pub struct Clients {
    /// The ledger.
    pub ledger: Ledger,
    /// Those of other installations, to be read when one of their releases is to be promoted.
    pub other_ledgers: Vec<Ledger>,
    /// The images.
    pub ecr: Ecr,
    /// The services.
    pub ecs: Ecs,
}

impl Clients {
    /// Clients with the settings of `config`.
    pub fn new(config: &SdkConfig, ledger: Ledger, other_ledgers: Vec<Ledger>) -> Self {
        Clients {
            ledger,
            other_ledgers,
            ecr: Ecr::new(config),
            ecs: Ecs::new(config),
        }
    }
}

/// One event. The answer says, target by target, what was done and why.
pub async fn handle(clients: &Clients, event: Value) -> Result<Value> {
    let may_have_been_tried = decide::may_have_been_tried(event::sent(&event), Utc::now());
    let asked = || Asked::new(may_have_been_tried);
    let outcomes = match event::heard(event)? {
        Heard::Image(action) => match decide::pushed(action.clone()) {
            Ok(pushed) => on_push(clients, &pushed, &asked()).await?,
            Err(why) => {
                info!(
                    ecr.repository = action.repository_name,
                    image.digest = action.image_digest.as_ref().map(|digest| digest.as_str()),
                    "ignored: {why}"
                );
                vec![json!({ "ignored": why })]
            }
        },
        Heard::Scanned(scanned) => {
            let mut outcomes = Vec::new();
            for pushed in decide::scanned(scanned) {
                outcomes.extend(on_push(clients, &pushed, &asked()).await?);
            }
            outcomes
        }
        Heard::Request(request) => vec![request::on_request(clients, &request, &asked()).await?],
        Heard::Sweep { at } => sweep::sweep(clients, at).await?,
    };
    Ok(Value::Array(outcomes))
}

/// Every target that follows the repository is served; the error of one does not keep the others back.
async fn on_push(clients: &Clients, pushed: &Pushed, asked: &Asked) -> Result<Vec<Value>> {
    let targets = clients.ledger.followers(&pushed.repository).await?;
    let work = targets.readable.iter();
    let work =
        work.map(|target| Box::pin(push_to_target(clients, target, pushed, asked)) as Work<'_, _>);
    let (outcomes, errors) = each(&targets.readable, work.collect()).await;
    let errors = [targets.malformed, errors].concat();
    ensure!(errors.is_empty(), "{}", errors.join("; "));
    if outcomes.is_empty() {
        info!(
            ecr.repository = pushed.repository,
            "ignored: no target follows this repository"
        );
    }
    Ok(outcomes)
}

pub(crate) async fn push_to_target(
    clients: &Clients,
    target: &Target,
    pushed: &Pushed,
    asked: &Asked,
) -> Result<Value> {
    let Some(followed) = policy::follow(&target.tag_policy, &pushed.tag)? else {
        return Ok(ignored(
            target,
            &pushed.tag,
            "the tag policy does not follow this tag",
        ));
    };
    let key = target.key();
    let mut again = None;
    for _ in 0..TRIES {
        let (asked, now) = (again.as_ref().unwrap_or(asked), Utc::now());
        let (mut image, standing) = tokio::try_join!(
            asked.tagged(&clients.ecr, pushed),
            clients.ledger.standing_of(&key, pushed.digest.as_str()),
        )?;
        if let Some(image) = &mut image
            && target.max_severity.is_some()
            && !matches!(image.scan, Scan::Done(_))
        {
            let (ecr, repository) = (&clients.ecr, &pushed.repository);
            let within = ecr.scan_within(asked, repository, &image.digest).await?;
            image.scan = within.unwrap_or_else(|| image.scan.clone());
        }
        let decided = decide::on_push(target, pushed, image.as_ref(), &standing, now);
        let (mut release, refusal) = match decided {
            Action::Ignore { why } => return Ok(ignored(target, &pushed.tag, why)),
            Action::Resume(rollout) => return resume(clients, target, *rollout).await,
            Action::RollOut(release) => (release, None),
            Action::Refuse(release, reason) => (release, Some(reason)),
        };
        release.commit = match &followed.commit {
            Some(commit) => Some(commit.clone()),
            None => {
                clients
                    .ecr
                    .commit(asked, &release.repository, &release.digest)
                    .await?
            }
        };
        let claim = Claiming {
            by: pushed.digest.as_str(),
            cause: Cause::Push,
            heard_at: now,
            standing: &standing,
            asked,
        };
        let outcome = match refusal {
            None => claim.roll_out(clients, target, release).await?,
            Some(reason) => {
                let rollout = claim.rollout(target, release);
                claim.refuse(clients, target, rollout, reason).await?
            }
        };
        if let Some(outcome) = outcome {
            return Ok(outcome);
        }
        again = Some(asked.again());
    }
    bail!("other claims on {} came first {TRIES} times", target.name)
}

/// Who claims a rollout, and on what knowledge.
pub(crate) struct Claiming<'a> {
    pub(crate) by: &'a str,
    pub(crate) cause: Cause,
    pub(crate) heard_at: DateTime<Utc>,
    pub(crate) standing: &'a Standing,
    pub(crate) asked: &'a Asked,
}

impl Claiming<'_> {
    /// Claims a rollout and carries it out; `None` if another claim came first. All that is needed for it is read before,
    /// at the same time, and its task definition registered: what cannot be read is no rollout yet, and what cannot run is
    /// refused.
    pub(crate) async fn roll_out(
        self,
        clients: &Clients,
        target: &Target,
        release: Release,
    ) -> Result<Option<Value>> {
        let (service, parts) = tokio::join!(
            service(clients, target),
            revision::parts(clients, target, &release.digest, self.asked),
        );
        let (service, parts) = (service?, parts?);
        let mut rollout = self.rollout(target, release);
        rollout.rolls_back_to = place::goes_back_to(self.standing).filter(|_| service.rolls_back);
        let (rollout, outline) = match revision::make(clients, target, rollout, &parts).await? {
            Made::Ready(rollout, outline) => (*rollout, outline),
            Made::Refused(rollout, reason) => {
                return self.refuse(clients, target, *rollout, reason).await;
            }
        };
        let claim = Claim {
            by: self.by,
            rollout: &rollout,
            head: &self.standing.head,
            supersedes: self.standing.in_flight.as_ref(),
            outline: Some(&outline),
        };
        match clients.ledger.claim(&claim).await? {
            Raced::Yes => Ok(None),
            Raced::No => drive::drive(clients, target, rollout, service)
                .await
                .map(Some),
        }
    }

    /// Writes down that a release is not rolled out; `None` if another claim came first.
    async fn refuse(
        &self,
        clients: &Clients,
        target: &Target,
        rollout: Rollout,
        reason: String,
    ) -> Result<Option<Value>> {
        let rollout = rollout.refused(reason);
        let claim = Claim {
            by: self.by,
            rollout: &rollout,
            head: &self.standing.head,
            supersedes: None,
            outline: None,
        };
        match clients.ledger.refuse(&claim).await? {
            Raced::Yes => Ok(None),
            Raced::No => Ok(Some(refused(target, &rollout))),
        }
    }

    fn rollout(&self, target: &Target, release: Release) -> Rollout {
        let request = matches!(self.cause, Cause::Request { .. }).then(|| self.by.to_owned());
        Rollout {
            heard_at: Some(self.heard_at),
            request,
            ..Rollout::claimed(target, release, self.cause.clone(), Utc::now())
        }
    }
}

/// Carries on with what another invocation left half-done. That several may do so at the same time does no harm: all of
/// them ask ECS for the same revision.
pub(crate) async fn resume(clients: &Clients, target: &Target, rollout: Rollout) -> Result<Value> {
    let service = service(clients, target).await?;
    drive::drive(clients, target, rollout, service).await
}

/// The service, refused here, before anything is claimed, if it is not one that we can roll.
pub(crate) async fn service(clients: &Clients, target: &Target) -> Result<Service> {
    let key = target.key();
    let service = clients.ecs.service(&key).await?;
    let service = service.with_context(|| format!("ECS knows no service {key}"))?;
    ensure!(service.active, "the service {key} is not active");
    ensure!(
        service.deployed_by == "ECS",
        "the service {key} is deployed by {}; couplet only does rolling updates",
        service.deployed_by
    );
    Ok(service)
}

pub(crate) fn ignored(target: &Target, tag: &str, why: &str) -> Value {
    info!(
        target.name = target.name,
        release.tag = tag,
        "ignored: {why}"
    );
    json!({ "target": target.name, "ignored": why })
}

/// Says that a release is not rolled out.
fn refused(target: &Target, rollout: &Rollout) -> Value {
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
