//! What is written to the ledger: claims, steps and verdicts.

use anyhow::{Context, Result};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value;

use super::{
    GITHUB, HEAD, Head, Held, LIMIT, Ledger, Live, Outline, ROLLOUT, item, keys, outline_key,
    partition, text,
};
use crate::transition::Next;
use crate::{Cause, DeploymentId, Rollout, RolloutId, ServiceKey, Stage, Tasks, Told, Verdict};

/// A rollout that exists and has no verdict.
const OPEN: &str = "attribute_exists(pk) AND attribute_not_exists(verdict)";

/// A rollout about to be claimed, and what was known when it was decided.
#[derive(Debug)]
pub struct Claim<'a> {
    /// What claims it: the digest of a push, or a request's id. It can do so once.
    pub by: &'a str,
    /// The new rollout.
    pub rollout: &'a Rollout,
    /// The head as it was read.
    pub head: &'a Head,
    /// The open rollout that it takes the place of.
    pub supersedes: Option<&'a Rollout>,
    /// What is in its task definition; a refused rollout has none.
    pub outline: Option<&'a Outline>,
}

/// Whether a conditional write came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Raced {
    /// It was written.
    No,
    /// Something else was written in between: read and decide again.
    Yes,
}

#[derive(Serialize)]
struct ClaimItem<'a> {
    rollout: &'a RolloutId,
}

#[derive(Serialize)]
struct OutlineItem<'a> {
    lines: &'a Outline,
}

/// The claim of a request that needs no rollout.
#[derive(Serialize)]
struct AnswerItem {
    held: bool,
    at: DateTime<Utc>,
}

impl Ledger {
    /// Claims a rollout, and in the same transaction ends the one that it supersedes.
    pub async fn claim(&self, claim: &Claim<'_>) -> Result<Raced> {
        let rollout = claim.rollout;
        let mut writes = self.claimed(claim, Some(rollout.id.clone()))?;
        if let Some(old) = claim.supersedes {
            let reason = format!("by {}", rollout.release.label());
            let at = rollout.registered_at.unwrap_or(rollout.claimed_at);
            writes.push(self.end(old, Verdict::Superseded, Some(&reason), at)?);
        }
        if let Some(outline) = claim.outline {
            let (pk, sk) = (partition(&rollout.service), outline_key(&rollout.id));
            let lines = OutlineItem { lines: outline };
            writes.push(self.put_new(item(&pk, &sk, lines)?)?);
        }
        transact(&self.client, writes)
            .await
            .with_context(|| format!("cannot claim rollout {} of {}", rollout.id, rollout.target))
    }

    /// Writes a rollout that ended as it was claimed ([`Rollout::refused`]). What is in flight goes on.
    pub async fn refuse(&self, claim: &Claim<'_>) -> Result<Raced> {
        let rollout = claim.rollout;
        let writes = self.claimed(claim, claim.head.in_flight.clone())?;
        transact(&self.client, writes)
            .await
            .with_context(|| format!("cannot refuse rollout {} of {}", rollout.id, rollout.target))
    }

    /// Holds a target, or releases it with `None`, as the request `by` asks, once; raced if its head was written since it
    /// was read, or if the request was carried out before.
    pub async fn hold(
        &self,
        key: &ServiceKey,
        head: &Head,
        held: Option<Held>,
        by: &str,
        at: DateTime<Utc>,
    ) -> Result<Raced> {
        let answer = AnswerItem {
            held: held.is_some(),
            at,
        };
        let head = Head {
            version: head.version + 1,
            held,
            ..head.clone()
        };
        let claim = item(&partition(key), &format!("claim#{by}"), answer)?;
        let writes = vec![self.put_new(claim)?, self.put_head(key, &head)?];
        transact(&self.client, writes)
            .await
            .with_context(|| format!("cannot hold or release {key}"))
    }

    /// Writes what runs, found out after its rollout had ended; raced if the head was written since it was read.
    pub async fn follow(&self, head: &Head, live: &Rollout) -> Result<Raced> {
        let head = Head {
            version: head.version + 1,
            live: Some(Live::of(live)),
            ..head.clone()
        };
        transact(&self.client, vec![self.put_head(&live.service, &head)?])
            .await
            .with_context(|| format!("cannot write that rollout {} is live", live.id))
    }

    /// Notes ECS's deployment; raced if the rollout was given a verdict meanwhile.
    pub async fn deploying(
        &self,
        rollout: &Rollout,
        deployment: &DeploymentId,
        rolls_back_to: Option<&DeploymentId>,
        at: DateTime<Utc>,
    ) -> Result<Raced> {
        let mut sets = "SET stage = :stage, deployment = :deployment, deployed_at = :at".to_owned();
        if rolls_back_to.is_some() {
            sets.push_str(", rolls_back_to = :back");
        }
        let mut update = self
            .open_step(rollout, &sets, Stage::Deploying)?
            .expression_attribute_values(":deployment", text(deployment.as_str()))
            .expression_attribute_values(":at", attribute(at)?);
        if let Some(back) = rolls_back_to {
            update = update.expression_attribute_values(":back", text(back.as_str()));
        }
        self.write(update.build()?, rollout, "deploying").await
    }

    /// Notes how many of the rollout's tasks run; raced if it was given a verdict meanwhile.
    pub async fn counted(
        &self,
        rollout: &Rollout,
        tasks: Tasks,
        at: DateTime<Utc>,
    ) -> Result<Raced> {
        let mut sets = "SET tasks = :tasks".to_owned();
        if tasks.running > 0 {
            sets.push_str(", first_task_at = if_not_exists(first_task_at, :at)");
        }
        let mut update = self
            .step(rollout, &sets)
            .condition_expression(OPEN)
            .expression_attribute_values(":tasks", attribute(tasks)?);
        if tasks.running > 0 {
            update = update.expression_attribute_values(":at", attribute(at)?);
        }
        self.write(update.build()?, rollout, "counted").await
    }

    /// Notes what GitHub was told, of an open rollout or of one that has ended; raced if that is noted already, with the
    /// time at which it was told first.
    pub async fn told(&self, rollout: &Rollout, told: &Told) -> Result<Raced> {
        let is_new =
            "attribute_exists(pk) AND (attribute_not_exists(told) OR told.#state <> :state)";
        let update = self
            .step(rollout, "SET told = :told")
            .condition_expression(is_new)
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", text(&told.state))
            .expression_attribute_values(":told", attribute(told)?);
        self.write(update.build()?, rollout, "told").await
    }

    /// Notes that GitHub is not to be called before `until`, unless somebody has noted a later time.
    pub async fn leave_github_alone(&self, until: DateTime<Utc>) -> Result<()> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys(GITHUB, LIMIT)))
            .update_expression("SET #until = :until")
            .condition_expression("attribute_not_exists(#until) OR #until < :until")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":until", attribute(until.timestamp_millis())?)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error))
                if error.err().is_conditional_check_failed_exception() =>
            {
                Ok(())
            }
            Err(error) => Err(error).context("cannot note that GitHub asks to be left alone"),
        }
    }

    /// Writes what has become of the rollout.
    pub async fn apply(&self, rollout: &Rollout, next: &Next, at: DateTime<Utc>) -> Result<Raced> {
        let update = match next {
            Next::Stay { .. } => return Ok(Raced::No),
            // The stage stays as it is now, whatever it was when the rollout was read.
            Next::Note { reason } => self
                .step(rollout, "SET reason = :reason")
                .condition_expression(OPEN)
                .expression_attribute_values(":reason", text(reason)),
            // A reason that was noted meanwhile is closer to what happened.
            Next::Fail { reason } => {
                let sets =
                    "SET stage = :stage, reason = if_not_exists(reason, :reason), failing_at = :at";
                self.open_step(rollout, sets, Stage::Failing)?
                    .expression_attribute_values(":reason", text(reason))
                    .expression_attribute_values(":at", attribute(at)?)
            }
            Next::End { verdict, reason } => {
                return self.give(rollout, *verdict, reason.as_deref(), at).await;
            }
        };
        self.write(update.build()?, rollout, "noted").await
    }

    /// Gives the verdict, and moves the head with it if it still points to this rollout.
    async fn give(
        &self,
        rollout: &Rollout,
        verdict: Verdict,
        reason: Option<&str>,
        at: DateTime<Utc>,
    ) -> Result<Raced> {
        let mut head = self.head(&rollout.service).await?;
        let mut writes = vec![self.end(rollout, verdict, reason, at)?];
        if head.in_flight.as_ref() == Some(&rollout.id) {
            head.version += 1;
            head.in_flight = None;
            if verdict == Verdict::Succeeded {
                head.live = Some(Live::of(rollout));
            }
            writes.push(self.put_head(&rollout.service, &head)?);
        }
        transact(&self.client, writes)
            .await
            .with_context(|| format!("cannot give rollout {} its verdict {verdict}", rollout.id))
    }

    /// The claim, its rollout, and the head, of which only a push moves the newest release.
    fn claimed(
        &self,
        claim: &Claim<'_>,
        in_flight: Option<RolloutId>,
    ) -> Result<Vec<TransactWriteItem>> {
        let rollout = claim.rollout;
        let pk = partition(&rollout.service);
        let mut head = Head {
            version: claim.head.version + 1,
            in_flight,
            ..claim.head.clone()
        };
        if rollout.cause == Cause::Push {
            head.newest = Some(rollout.release.clone());
        }
        let mark = ClaimItem {
            rollout: &rollout.id,
        };
        Ok(vec![
            self.put_new(item(&pk, &format!("claim#{}", claim.by), mark)?)?,
            self.put_new(item(&pk, &format!("{ROLLOUT}{}", rollout.id), rollout)?)?,
            self.put_head(&rollout.service, &head)?,
        ])
    }

    fn put_new(&self, item: super::Item) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Writes a head under the condition that nobody has written it since it was read.
    fn put_head(&self, key: &ServiceKey, head: &Head) -> Result<TransactWriteItem> {
        let put = Put::builder().table_name(&self.table).set_item(Some(item(
            &partition(key),
            HEAD,
            head,
        )?));
        let put = match head.version {
            1 => put.condition_expression("attribute_not_exists(pk)"),
            version => put
                .condition_expression("version = :seen")
                .expression_attribute_values(":seen", attribute(version - 1)?),
        };
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }

    fn end(
        &self,
        rollout: &Rollout,
        verdict: Verdict,
        reason: Option<&str>,
        at: DateTime<Utc>,
    ) -> Result<TransactWriteItem> {
        let mut sets = "SET stage = :stage, verdict = :verdict, ended_at = :at".to_owned();
        if reason.is_some() {
            sets.push_str(", reason = :reason");
        }
        let mut update = self
            .open_step(rollout, &sets, Stage::Ended)?
            .expression_attribute_values(":verdict", text(verdict.as_str()))
            .expression_attribute_values(":at", attribute(at)?);
        if let Some(reason) = reason {
            update = update.expression_attribute_values(":reason", text(reason));
        }
        Ok(transactional(update.build()?))
    }

    /// A step to `stage` that only an open rollout takes.
    fn open_step(
        &self,
        rollout: &Rollout,
        sets: &str,
        stage: Stage,
    ) -> Result<aws_sdk_dynamodb::types::builders::UpdateBuilder> {
        Ok(self
            .step(rollout, sets)
            .condition_expression(OPEN)
            .expression_attribute_values(":stage", attribute(stage)?))
    }

    fn step(
        &self,
        rollout: &Rollout,
        sets: &str,
    ) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        Update::builder()
            .table_name(&self.table)
            .set_key(Some(keys(
                &partition(&rollout.service),
                &format!("{ROLLOUT}{}", rollout.id),
            )))
            .update_expression(sets)
    }

    async fn write(&self, update: Update, rollout: &Rollout, what: &str) -> Result<Raced> {
        transact(&self.client, vec![transactional(update)])
            .await
            .with_context(|| format!("cannot note rollout {} as {what}", rollout.id))
    }
}

/// Writes all or nothing. A condition that does not hold, or another transaction under way on the same
/// items, is a race and no error.
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
async fn transact(client: &Client, writes: Vec<TransactWriteItem>) -> Result<Raced> {
    let sent = client
        .transact_write_items()
        .set_transact_items(Some(writes))
        .send()
        .await;
    match sent {
        Ok(_) => Ok(Raced::No),
        Err(SdkError::ServiceError(error)) if is_race(error.err()) => Ok(Raced::Yes),
        Err(error) => Err(error.into()),
    }
}

fn transactional(update: Update) -> TransactWriteItem {
    TransactWriteItem::builder().update(update).build()
}

fn is_race(error: &TransactWriteItemsError) -> bool {
    let TransactWriteItemsError::TransactionCanceledException(canceled) = error else {
        return false;
    };
    canceled.cancellation_reasons().iter().any(|reason| {
        matches!(
            reason.code(),
            Some("ConditionalCheckFailed" | "TransactionConflict")
        )
    })
}

fn attribute(value: impl Serialize) -> Result<AttributeValue> {
    to_attribute_value(value).context("cannot write a value as an attribute")
}
