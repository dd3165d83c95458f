//! `report`: hears the ledger's stream; tells GitHub.

use std::time::Duration;

use anyhow::{Context, Result};
use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use ledger::table::ROLLOUT;
use ledger::{Commit, Rollout};
use serde_dynamo::{AttributeValue, Item, from_item};
use serde_json::{Value, json};
use tracing::{error, info};
use wire::{Http, SdkConfig};

use crate::github::{Refusal, Repository};
use crate::limit::Patience;
use crate::retire::retire;
use crate::run::setting;
use crate::telling::{Telling, telling};

/// An invocation waits for GitHub no longer than this at a time: a third of what it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// All that this function can reach.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Where the token is kept.
    pub ssm: aws_sdk_ssm::Client,
    /// The way to GitHub.
    pub http: Http,
    /// The base address of GitHub's API; `https://HOST/api/v3` on GitHub Enterprise Server.
    pub github_api_url: String,
    /// The name of the SecureString that holds GitHub's token.
    pub token_parameter: String,
    /// When GitHub may be called again.
    pub patience: Patience,
    /// Where a record goes that GitHub refuses for good.
    pub sqs: aws_sdk_sqs::Client,
    /// The address of the failure queue.
    pub failure_queue_url: String,
    /// The board's base address, for the links that GitHub shows.
    pub board_url: String,
}

impl Clients {
    /// Clients with the settings of `config` and of the environment.
    pub fn from_environment(config: &SdkConfig) -> Result<Self> {
        Ok(Clients {
            ssm: aws_sdk_ssm::Client::new(config),
            http: Http::default(),
            patience: Patience::new(PATIENCE),
            sqs: aws_sdk_sqs::Client::new(config),
            failure_queue_url: setting("COUPLET_FAILURE_QUEUE_URL")?,
            github_api_url: setting("COUPLET_GITHUB_API_URL")?,
            token_parameter: setting("COUPLET_GITHUB_TOKEN_PARAMETER")?,
            board_url: setting("COUPLET_BOARD_URL")?,
        })
    }

    /// Read anew for every batch that needs it, so that a rotated token is used at once.
    async fn token(&self) -> Result<String> {
        let name = &self.token_parameter;
        let answer = self
            .ssm
            .get_parameter()
            .name(name)
            .with_decryption(true)
            .send()
            .await
            .with_context(|| format!("cannot read GitHub's token from the parameter {name}"))?;
        answer
            .parameter
            .and_then(|parameter| parameter.value)
            .with_context(|| format!("the parameter {name} is empty"))
    }
}

/// A change of a rollout that GitHub is to be told of.
#[derive(Debug, PartialEq)]
struct Change {
    rollout: Rollout,
    commit: Commit,
    telling: Telling,
}

/// One batch of the stream, in order. The record that fails ends it: Lambda takes the batch up again from
/// there, so nothing overtakes. If not even the first went well, the whole batch is an error, and counted so.
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>
pub async fn handle(clients: &Clients, event: Value) -> Result<Value> {
    let event: Event =
        serde_json::from_value(event).context("not an event of a DynamoDB stream")?;
    let mut token = None;
    for (done, record) in event.records.iter().enumerate() {
        if let Err(error) = on_record(clients, record, &mut token).await {
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

async fn on_record(
    clients: &Clients,
    record: &EventRecord,
    token: &mut Option<String>,
) -> Result<()> {
    let change = match change(record) {
        Ok(Ok(change)) => change,
        Ok(Err(why)) => {
            info!(stream.event_id = record.event_id, "ignored: {why}");
            return Ok(());
        }
        Err(malformed) => return set_aside(clients, record, &malformed).await,
    };
    let token = match token {
        Some(token) => token.clone(),
        None => token.insert(clients.token().await?).clone(),
    };
    let repository = Repository::new(
        clients.http.clone(),
        &clients.github_api_url,
        &change.rollout.github_repository,
        token,
        clients.patience.clone(),
    )?;
    match tell(clients, &repository, &change).await {
        Err(error) if error.is::<Refusal>() => set_aside(clients, record, &error).await,
        told => {
            told.with_context(|| format!("cannot tell GitHub about rollout {}", change.rollout.id))
        }
    }
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

/// What a record asks us to tell, or why nothing.
fn change(record: &EventRecord) -> Result<Result<Change, &'static str>> {
    let is_rollout = matches!(
        record.change.keys.get("sk"),
        Some(AttributeValue::S(sk)) if sk.starts_with(ROLLOUT)
    );
    if !is_rollout {
        return Ok(Err("not a rollout"));
    }
    if record.event_name == "REMOVE" {
        return Ok(Err("a removed rollout"));
    }
    let new = rollout(&record.change.new_image)?.context("a rollout's new image is missing")?;
    let old = rollout(&record.change.old_image)?;
    let Some(telling) = telling(old.as_ref(), &new) else {
        return Ok(Err("nothing that GitHub shows has changed"));
    };
    let Some(commit) = new.release.commit.clone() else {
        return Ok(Err("the release names no commit"));
    };
    Ok(Ok(Change {
        rollout: new,
        commit,
        telling,
    }))
}

fn rollout(image: &Item) -> Result<Option<Rollout>> {
    if image.is_empty() {
        return Ok(None);
    }
    let rollout = from_item(image.clone()).context("a rollout in the stream is malformed")?;
    Ok(Some(rollout))
}

/// Tells GitHub what it does not yet show: a record that is delivered twice is told once, and a delivery that
/// broke off is completed.
async fn tell(clients: &Clients, repository: &Repository, change: &Change) -> Result<()> {
    let Change {
        rollout,
        commit,
        telling,
    } = change;
    let page = format!(
        "{}/rollouts/{}/{}",
        clients.board_url.trim_end_matches('/'),
        rollout.service,
        rollout.id
    );
    let deployment = repository.deployment(commit, rollout).await?;
    let shown = repository.deployment_statuses(deployment.id).await?;
    if telling.comes_after(shown.iter().map(|status| status.state.as_str())) {
        info!(
            rollout.id = rollout.id.as_str(),
            "ignored: GitHub shows a later state"
        );
        return Ok(());
    }
    if !shown
        .iter()
        .any(|status| status.state == telling.deployment)
    {
        let mut body = json!({
            "state": telling.deployment,
            "description": telling.description,
            "environment": rollout.environment,
            "log_url": page,
            // GitHub would retire the deployments of other targets as well: see `retire`.
            "auto_inactive": false,
        });
        if let Some(url) = &rollout.environment_url {
            body["environment_url"] = json!(url);
        }
        repository
            .add_deployment_status(deployment.id, &body)
            .await?;
    }
    if telling.deployment == "success" {
        retire(repository, rollout, deployment.id).await?;
    }
    let context = format!("couplet/{}", rollout.target);
    let shown = repository.commit_statuses(commit).await?;
    let newest = shown
        .iter()
        .find(|status| status.context.as_deref() == Some(&context));
    let told = newest.is_some_and(|status| {
        status.state == telling.commit
            && status.description.as_deref() == Some(&telling.description)
    });
    if !told {
        let body = json!({
            "state": telling.commit,
            "description": telling.description,
            "context": context,
            "target_url": page,
        });
        repository.add_commit_status(commit, &body).await?;
    }
    info!(
        target.name = rollout.target,
        rollout.id = rollout.id.as_str(),
        github.repository = rollout.github_repository,
        github.deployment = deployment.id,
        github.state = telling.deployment,
        release.commit = commit.as_str(),
        "told GitHub: {}",
        telling.description
    );
    Ok(())
}
