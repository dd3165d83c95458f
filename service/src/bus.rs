//! The bus on which requests travel: this service's only way to change anything.

use anyhow::{Context, Result, bail};
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use wire::SdkConfig;

use crate::act::Ask;

/// The way to EventBridge's default bus.
#[derive(Clone, Debug)]
pub(crate) struct Bus(Client);

impl Bus {
    /// The bus of the account that `config` is for.
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Bus(Client::new(config))
    }

    /// Puts what is asked; the answer is the event's id.
    pub(crate) async fn put(&self, ask: &Ask) -> Result<String> {
        let what = || format!("cannot put the request for {}", ask.target);
        let event = PutEventsRequestEntry::builder()
            .source("couplet")
            .detail_type("Rollout Requested")
            .detail(serde_json::to_string(ask).with_context(what)?)
            .build();
        let answer = self.0.put_events().entries(event).send().await;
        let answer = answer.with_context(what)?;
        // An event that is not taken is told in an answer that is none of an error.
        // Source: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>
        let Some(entry) = answer.entries().first() else {
            bail!("EventBridge says nothing of the request for {}", ask.target);
        };
        match (entry.event_id(), entry.error_code()) {
            (Some(id), None) => Ok(id.to_owned()),
            (_, code) => bail!(
                "EventBridge does not take the request for {}: {} {}",
                ask.target,
                code.unwrap_or("no code"),
                entry.error_message().unwrap_or_default()
            ),
        }
    }
}
