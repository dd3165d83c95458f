//! `report`: hears the ledger's stream; tells GitHub, and whoever else wants to know.

use std::time::Duration;

use anyhow::{Context, Result};
use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use ledger::table::ROLLOUT;
use ledger::{Commit, Ledger, Rollout};
use serde_dynamo::{AttributeValue, Item, from_item};
use serde_json::{Value, json};
use tracing::{error, info, warn};
use wire::{Http, Lazy, SdkConfig};

use crate::announce::{Bus, announcement};
use crate::github::{Api, Credentials, GitHub, Identity, Refusal};
use crate::limit::Patience;
use crate::run::{self, setting};
use crate::tell::tell;
use crate::telling::{Telling, telling};
use crate::trace::Tracer;

/// An invocation waits for GitHub no longer than this at a time: a third of what it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// All that this function can reach.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Where it is noted what GitHub was told.
    pub ledger: Ledger,
    /// GitHub.
    pub github: GitHub,
    /// Where events go, for whoever else wants to know.
    pub bus: Bus,
    /// Where a record goes that GitHub or the bus refuses for good.
    pub sqs: Lazy<aws_sdk_sqs::Client>,
    /// The address of the failure queue.
    pub failure_queue_url: String,
    /// The board's base address, for the links that GitHub shows.
    pub board_url: String,
    /// Where traces go; `None` if the function is not traced.
    pub tracer: Option<Tracer>,
}

impl Clients {
    /// Clients with the settings of `config` and of the environment.
    pub fn from_environment(config: &SdkConfig) -> Result<Self> {
        let ledger = run::ledger(config)?;
        let patience = Patience::new(ledger.clone(), PATIENCE);
        let ssm = aws_sdk_ssm::Client::new(config);
        Ok(Clients {
            ledger,
            github: GitHub {
                api: Api::new(
                    Http::default(),
                    &setting("COUPLET_GITHUB_API_URL")?,
                    patience,
                ),
                credentials: Credentials::new(ssm, Identity::from_environment()?),
            },
            bus: Bus::new(config),
            sqs: Lazy::new(config, aws_sdk_sqs::Client::new),
            failure_queue_url: setting("COUPLET_FAILURE_QUEUE_URL")?,
            board_url: setting("COUPLET_BOARD_URL")?,
            tracer: Tracer::from_environment()?,
        })
    }

    /// The board's page of a rollout. Its end is the rollout's id, by which statuses on GitHub are told apart.
    pub(crate) fn page(&self, rollout: &Rollout) -> String {
        let board = self.board_url.trim_end_matches('/');
        format!("{board}/rollouts/{}/{}", rollout.service, rollout.id)
    }
}

/// What became of a rollout, by a record of the stream.
#[derive(Debug, PartialEq)]
struct Change {
    old: Option<Rollout>,
    new: Rollout,
}

/// One batch of the stream, in order. The record that fails ends it: Lambda takes the batch up again from
/// there, so nothing overtakes. If not even the first went well, the whole batch is an error, and counted so.
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>
pub async fn handle(clients: &Clients, event: Value) -> Result<Value> {
    let event: Event =
        serde_json::from_value(event).context("not an event of a DynamoDB stream")?;
    for (done, record) in event.records.iter().enumerate() {
        if let Err(error) = on_record(clients, record).await {
            if done == 0 {
                return Err(error);
            }
            let sequence = record
                .change
                .sequence_number
                .as_ref()
                .context("a record of the stream has no sequence number")?;
            error!(stream.sequence_number = sequence, "{error:#}");
            return Ok(json!({ "batchItemFailures": [{ "itemIdentifier": sequence }] }));
        }
    }
    Ok(json!({ "batchItemFailures": [] }))
}

async fn on_record(clients: &Clients, record: &EventRecord) -> Result<()> {
    let Change { old, new } = match change(record) {
        Ok(Some(change)) => change,
        Ok(None) => {
            info!(stream.event_id = record.event_id, "ignored: not a rollout");
            return Ok(());
        }
        Err(malformed) => return set_aside(clients, record, &malformed).await,
    };
    match (telling(old.as_ref(), &new), &new.release.commit) {
        (Some(telling), Some(commit)) => {
            tell_github(clients, record, &new, commit, &telling).await?;
        }
        (None, _) => ignored(&new, "nothing that GitHub shows has changed"),
        (_, None) => ignored(&new, "the release names no commit"),
    }
    let page = clients.page(&new);
    if let Some(announcement) = announcement(old.as_ref(), &new, &page)
        && let Err(error) = clients.bus.announce(&announcement).await
    {
        return set_aside(clients, record, &error).await;
    }
    Ok(())
}

async fn tell_github(
    clients: &Clients,
    record: &EventRecord,
    rollout: &Rollout,
    commit: &Commit,
    telling: &Telling,
) -> Result<()> {
    clients.github.api.patience().recall().await?;
    match tell(clients, rollout, commit, telling).await {
        Err(error) if error.is::<Refusal>() && rollout.verdict.is_some() => {
            set_aside(clients, record, &error).await
        }
        // A commit that GitHub does not know is in the failure queue once and not with every step: with the verdict.
        Err(error) if error.is::<Refusal>() => {
            let id = rollout.id.as_str();
            warn!(rollout.id = id, "refused, so on with the next: {error:#}");
            Ok(())
        }
        told => told.with_context(|| format!("cannot tell GitHub about rollout {}", rollout.id)),
    }
}

fn ignored(rollout: &Rollout, why: &str) {
    info!(rollout.id = rollout.id.as_str(), "ignored: {why}");
}

/// Puts a record that no retry can help into the failure queue, so that those behind it are told.
async fn set_aside(clients: &Clients, record: &EventRecord, error: &anyhow::Error) -> Result<()> {
    error!(stream.event_id = record.event_id, "set aside: {error:#}");
    let message = json!({ "error": format!("{error:#}"), "record": record });
    clients
        .sqs
        .send_message()
        .queue_url(&clients.failure_queue_url)
        .message_body(message.to_string())
        .send()
        .await
        .context("cannot put a record into the failure queue")?;
    Ok(())
}

/// What a record says of a rollout; `None` if it is about something else, or a rollout that was removed.
fn change(record: &EventRecord) -> Result<Option<Change>> {
    let is_rollout = matches!(
        record.change.keys.get("sk"),
        Some(AttributeValue::S(sk)) if sk.starts_with(ROLLOUT)
    );
    if !is_rollout || record.event_name == "REMOVE" {
        return Ok(None);
    }
    let new = rollout(&record.change.new_image)?.context("a rollout's new image is missing")?;
    let old = rollout(&record.change.old_image)?;
    Ok(Some(Change { old, new }))
}

fn rollout(image: &Item) -> Result<Option<Rollout>> {
    if image.is_empty() {
        return Ok(None);
    }
    let rollout = from_item(image.clone()).context("a rollout in the stream is malformed")?;
    Ok(Some(rollout))
}
