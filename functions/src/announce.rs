//! What others than GitHub hear of a rollout: an event on the bus, for whoever has a rule for it.
//!
//! GitHub comes first. A record on which GitHub fails comes again until it does not, and what had been put before would be
//! put again every time, hundreds of times in an outage. So an outage delays these events as it delays statuses; what
//! GitHub refuses, and what it is not told at all, is put like all else. And an event that the bus does not take soon goes to
//! the failure queue and keeps no status waiting.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_eventbridge::config::timeout::TimeoutConfig;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use chrono::{DateTime, Utc};
use ledger::{Cause, Release, Rollout, ServiceKey, Stage, Tasks, Verdict};
use serde::Serialize;
use wire::SdkConfig;

const SOURCE: &str = "couplet";
const DETAIL_TYPE: &str = "Couplet Rollout State Change";

/// All tries together: a batch of five must get through while the bus is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// The account's default bus.
#[derive(Clone, Debug)]
pub struct Bus(aws_sdk_eventbridge::Client);

/// What there is to say of a rollout: `docs/rollout-state-change.schema.json` describes it.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Announcement<'a> {
    rollout: &'a str,
    target: &'a str,
    environment: &'a str,
    service: &'a ServiceKey,
    release: &'a Release,
    github_repository: &'a str,
    cause: &'a Cause,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a str>,
    stage: Stage,
    #[serde(skip_serializing_if = "Option::is_none")]
    tasks: Option<Tasks>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    claimed_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment_url: Option<&'a str>,
    page: &'a str,
}

/// What to announce when a rollout's item changed from `old` to `new`; `None` if nothing that is announced did.
pub(crate) fn announcement<'a>(
    old: Option<&'a Rollout>,
    new: &'a Rollout,
    page: &'a str,
) -> Option<Announcement<'a>> {
    let now = of(new, page);
    (old.map(|old| of(old, page)).as_ref() != Some(&now)).then_some(now)
}

fn of<'a>(rollout: &'a Rollout, page: &'a str) -> Announcement<'a> {
    Announcement {
        rollout: rollout.id.as_str(),
        target: &rollout.target,
        environment: &rollout.environment,
        service: &rollout.service,
        release: &rollout.release,
        github_repository: &rollout.github_repository,
        cause: &rollout.cause,
        request: rollout.request.as_deref(),
        stage: rollout.stage,
        tasks: rollout.tasks,
        verdict: rollout.verdict,
        reason: rollout.reason.as_deref(),
        claimed_at: rollout.claimed_at,
        ended_at: rollout.ended_at,
        environment_url: rollout.environment_url.as_deref(),
        page,
    }
}

impl Bus {
    /// The bus that `config` leads to.
    pub fn new(config: &SdkConfig) -> Self {
        let patience = TimeoutConfig::builder().operation_timeout(PATIENCE).build();
        let config = aws_sdk_eventbridge::config::Builder::from(config).timeout_config(patience);
        Bus(aws_sdk_eventbridge::Client::from_conf(config.build()))
    }

    /// Puts the event.
    /// Source: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>
    pub(crate) async fn announce(&self, announcement: &Announcement<'_>) -> Result<()> {
        let what = || format!("cannot put an event about rollout {}", announcement.rollout);
        let entry = PutEventsRequestEntry::builder()
            .source(SOURCE)
            .detail_type(DETAIL_TYPE)
            .detail(serde_json::to_string(announcement).with_context(what)?)
            .build();
        let answer = self.0.put_events().entries(entry).send().await;
        let answer = answer.with_context(what)?;
        // An entry that is not taken is no error of the call.
        let refused = answer.entries().iter().find_map(|entry| entry.error_code());
        match refused {
            Some(code) => bail!("{}: {code}", what()),
            None => Ok(()),
        }
    }
}
