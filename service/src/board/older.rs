//! The rollouts of a target a page at a time.

use anyhow::{Context, Result};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use ledger::table::ROLLOUT;
use ledger::{Rollout, RolloutId, ServiceKey};
use serde_dynamo::aws_sdk_dynamodb_1::from_items;

/// Behind every key that begins with [`ROLLOUT`]: `$` follows `#`.
const BEHIND: &str = "rollout$";

/// The table's pages. Its keys stand at the top of the ledger's `table.rs`.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    pub(super) client: Client,
    pub(super) table: String,
}

impl Pages {
    /// At most `limit` rollouts of `key` that are older than `before`, newest first, and whether there are more.
    pub(super) async fn older(
        &self,
        key: &ServiceKey,
        before: Option<&RolloutId>,
        limit: usize,
    ) -> Result<(Vec<Rollout>, bool)> {
        let high = before.map_or_else(|| BEHIND.to_owned(), |id| format!("{ROLLOUT}{id}"));
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk BETWEEN :low AND :high")
            .expression_attribute_values(":pk", text(format!("target#{key}")))
            .expression_attribute_values(":low", text(ROLLOUT.to_owned()))
            .expression_attribute_values(":high", text(high))
            .scan_index_forward(false)
            // One is `before` itself, and one says that there are more.
            .limit(i32::try_from(limit)? + 2)
            .send()
            .await
            .with_context(|| format!("cannot read the rollouts of {key}"))?;
        let rollouts: Vec<Rollout> = from_items(found.items.unwrap_or_default())
            .with_context(|| format!("a rollout of {key} is malformed"))?;
        Ok(page(rollouts, before, limit))
    }
}

fn page(
    mut rollouts: Vec<Rollout>,
    before: Option<&RolloutId>,
    limit: usize,
) -> (Vec<Rollout>, bool) {
    rollouts.retain(|rollout| Some(&rollout.id) != before);
    let more = rollouts.len() > limit;
    rollouts.truncate(limit);
    (rollouts, more)
}

fn text(value: String) -> AttributeValue {
    AttributeValue::S(value)
}
