//! The ledger's history and what GitHub says, as a table.

use anyhow::Result;
use comfy_table::{ContentArrangement, Table, presets};

use crate::site::GITHUB_REPOSITORY;
use crate::system::System;

/// The newest rollouts, oldest first, each with the newest status of its commit.
pub async fn history(system: &System) -> Result<String> {
    let (ledger, service) = (system.site.ledger()?, system.site.service()?);
    let context = format!("couplet/{}", service.service());
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header([
            "claimed",
            "release",
            "cause",
            "verdict",
            "took",
            "what the commit says",
        ]);
    for rollout in ledger.history(&service, 12).await?.into_iter().rev() {
        let took = match rollout.ended_at {
            Some(ended) => {
                let millis = (ended - rollout.claimed_at).num_milliseconds();
                format!("{:.1} s", millis as f64 / 1000.0)
            }
            None => "…".to_owned(),
        };
        let told = match &rollout.release.commit {
            Some(commit) => {
                let statuses = system.github.statuses(GITHUB_REPOSITORY, commit.as_str());
                let newest = statuses
                    .iter()
                    .rev()
                    .find(|status| status.context == context);
                newest.map_or_else(
                    || "nothing yet".to_owned(),
                    |status| {
                        let words = status.description.as_deref().unwrap_or_default();
                        format!("{}: {words}", status.state)
                    },
                )
            }
            None => "no commit".to_owned(),
        };
        table.add_row([
            rollout.claimed_at.format("%H:%M:%S").to_string(),
            rollout.release.label().to_owned(),
            rollout.cause.to_string(),
            rollout
                .verdict
                .map_or("open", |verdict| verdict.as_str())
                .to_owned(),
            took,
            told,
        ]);
    }
    Ok(table.to_string())
}
