//! What is read from the ledger, and how it is arranged.

#[cfg(test)]
pub(crate) mod fixtures;
mod overview;
mod requests;

pub(crate) use overview::Overview;
pub(crate) use requests::Requests;

use anyhow::{Context, Result};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use chrono::{DateTime, Utc};
use ledger::table::{Head, Held, Outline, is_malformed};
use ledger::{Ledger, Release, Rollout, RolloutId, ServiceKey, Target, Verdict};
use serde::Serialize;
use tokio::task::JoinSet;
use wire::SdkConfig;

use crate::settings::Settings;

/// The way to the facts.
#[derive(Clone, Debug)]
pub(crate) struct Board {
    ledger: Ledger,
    rows: i32,
    requests: Requests,
}

/// Every target.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct States {
    /// Those that can be read, by environment and name.
    pub(crate) targets: Vec<State>,
    /// What is wrong with the others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) malformed: Vec<String>,
}

/// A target and where it stands.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct State {
    /// The target.
    #[serde(flatten)]
    pub(crate) target: Target,
    /// What runs.
    pub(crate) live: Option<Live>,
    /// The open rollout.
    pub(crate) in_flight: Option<Rollout>,
    /// Who has asked that pushes wait.
    pub(crate) held: Option<Held>,
    /// The newest rollouts, newest first.
    #[serde(skip)]
    pub(crate) history: Vec<Rollout>,
}

/// The release that runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Live {
    /// What runs.
    pub(crate) release: Release,
    /// The rollout that brought it.
    pub(crate) rollout: RolloutId,
    /// When that rollout succeeded.
    pub(crate) since: Option<DateTime<Utc>>,
}

impl Board {
    /// A board over the `table` behind `config`, with `rows` rollouts a page.
    pub(crate) fn new(config: Builder, table: &str, rows: usize) -> Self {
        let requests = Requests::default();
        let client = Client::from_conf(config.interceptor(requests.clone()).build());
        Board {
            ledger: Ledger::new(client, table),
            // No setting is so large.
            rows: i32::try_from(rows).unwrap_or(i32::MAX),
            requests,
        }
    }

    /// A board over the table that the settings name.
    pub(crate) fn connect(config: &SdkConfig, settings: &Settings) -> Self {
        Board::new(Builder::from(config), &settings.table, settings.rows)
    }

    /// How often the ledger was asked.
    pub(crate) fn requests(&self) -> &Requests {
        &self.requests
    }

    /// The ledger itself.
    #[cfg(test)]
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Every target and where it stands.
    pub(crate) async fn states(&self) -> Result<States> {
        let mut reads = JoinSet::new();
        let found = self.ledger.targets().await?;
        for target in found.readable {
            let board = self.clone();
            reads.spawn(async move { board.state(target).await });
        }
        let (mut targets, mut malformed) = (Vec::new(), found.malformed);
        while let Some(read) = reads.join_next().await {
            match read.context("a read of the ledger broke off")? {
                Ok(state) => targets.push(state),
                Err(error) if is_malformed(&error) => malformed.push(format!("{error:#}")),
                Err(error) => return Err(error),
            }
        }
        malformed.sort();
        targets.sort_by(|a: &State, b| order(&a.target).cmp(&order(&b.target)));
        Ok(States { targets, malformed })
    }

    /// One rollout. It is found also when its target is gone.
    pub(crate) async fn rollout(
        &self,
        key: &ServiceKey,
        id: &RolloutId,
    ) -> Result<Option<Rollout>> {
        self.ledger.rollout(key, id).await
    }

    /// Whether the request `id` was carried out, and the rollout that it has led to.
    pub(crate) async fn answer(
        &self,
        key: &ServiceKey,
        id: &str,
    ) -> Result<(bool, Option<Rollout>)> {
        let standing = self.ledger.standing_of(key, id).await?;
        let answered = standing.answered || standing.claimed.is_some();
        Ok((answered, standing.claimed))
    }

    /// What is in the task definition of `rollout`.
    pub(crate) async fn outline(&self, rollout: &Rollout) -> Result<Option<Outline>> {
        self.ledger.outline(&rollout.service, &rollout.id).await
    }

    /// The newest `limit` rollouts of `key`, newest first.
    pub(crate) async fn history(&self, key: &ServiceKey, limit: i32) -> Result<Vec<Rollout>> {
        self.ledger.history(key, limit).await
    }

    /// At most `limit` rollouts of `key` that are older than `before`, newest first, and whether there are more.
    pub(crate) async fn older(
        &self,
        key: &ServiceKey,
        before: Option<&RolloutId>,
        limit: usize,
    ) -> Result<(Vec<Rollout>, bool)> {
        self.ledger.older(key, before, limit).await
    }

    /// Two reads, and a third and fourth only when what runs or what is under way is older than the history.
    async fn state(&self, target: Target) -> Result<State> {
        let key = target.key();
        let (head, history) =
            tokio::try_join!(self.ledger.head(&key), self.ledger.history(&key, self.rows))?;
        let live = head.live.as_ref().map(|live| &live.rollout);
        let (live, in_flight) = tokio::try_join!(
            self.known_or_read(&key, &history, live),
            self.known_or_read(&key, &history, head.in_flight.as_ref()),
        )?;
        Ok(state(target, head, history, live, in_flight))
    }

    async fn known_or_read(
        &self,
        key: &ServiceKey,
        history: &[Rollout],
        id: Option<&RolloutId>,
    ) -> Result<Option<Rollout>> {
        let Some(id) = id else { return Ok(None) };
        match history.iter().find(|rollout| rollout.id == *id) {
            Some(known) => Ok(Some(known.clone())),
            None => self.ledger.rollout(key, id).await,
        }
    }
}

impl State {
    /// What was brought before `rollout` and ran, as far as the history goes back.
    pub(crate) fn live_before(&self, rollout: &Rollout) -> Option<&Rollout> {
        self.history
            .iter()
            .find(|it| it.id < rollout.id && it.verdict == Some(Verdict::Succeeded))
    }

    /// The newest rollout, if it is over and did not end as somebody wished.
    pub(crate) fn trouble(&self) -> Option<&Rollout> {
        self.history.first().filter(|rollout| {
            matches!(
                rollout.verdict,
                Some(Verdict::RolledBack | Verdict::Failed | Verdict::Stopped | Verdict::TimedOut)
            )
        })
    }
}

/// Where `target` stands, of reads that were not made at the same instant.
fn state(
    target: Target,
    head: Head,
    history: Vec<Rollout>,
    live: Option<Rollout>,
    in_flight: Option<Rollout>,
) -> State {
    State {
        target,
        live: head.live.map(|head| Live {
            release: head.release,
            rollout: head.rollout,
            since: live.and_then(|rollout| rollout.ended_at),
        }),
        in_flight: in_flight.filter(|rollout| rollout.verdict.is_none()),
        held: head.held,
        history,
    }
}

fn order(target: &Target) -> (&str, &str) {
    (&target.environment, &target.name)
}

#[cfg(test)]
mod tests {
    use super::fixtures::{after, ended, open, target};
    use super::*;

    #[test]
    fn a_rollout_that_ended_between_two_reads_is_not_under_way() {
        let web = target("web", "production");
        let done = ended(&web, 100, Verdict::Succeeded);
        let head = Head {
            in_flight: Some(done.id.clone()),
            ..Head::default()
        };
        let state = state(web, head, vec![done.clone()], None, Some(done));
        assert!(state.in_flight.is_none());
    }

    #[test]
    fn a_target_is_in_trouble_while_its_newest_rollout_ended_badly() {
        let web = target("web", "production");
        let rows = [
            (vec![], false),
            (vec![ended(&web, 9, Verdict::RolledBack)], true),
            (
                vec![
                    ended(&web, 9, Verdict::TimedOut),
                    ended(&web, 5, Verdict::Succeeded),
                ],
                true,
            ),
            (
                vec![
                    ended(&web, 9, Verdict::Succeeded),
                    ended(&web, 5, Verdict::Failed),
                ],
                false,
            ),
            (vec![ended(&web, 9, Verdict::Superseded)], false),
            (vec![open(&web, 9), ended(&web, 5, Verdict::Failed)], false),
        ];
        for (history, expected) in rows {
            assert_eq!(
                after(&web, history.clone()).trouble().is_some(),
                expected,
                "{history:?}"
            );
        }
    }
}
