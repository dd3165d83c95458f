//! Where a running `cargo local` can be reached: all that a second terminal needs.

use std::fs;

use anyhow::{Context, Result};
use aws_sdk_dynamodb::Client;
use ledger::{Ledger, ServiceKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aws::{environment, http};
use crate::paths::Paths;

/// The owner and name of the repository on the GitHub here.
pub const GITHUB_REPOSITORY: &str = "acme/board";

/// Addresses and names of what was brought up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Site {
    /// AWS.
    pub aws: String,
    /// GitHub.
    pub github: String,
    /// The load balancer, and behind it the board.
    pub board: String,
    /// What Terraform says it made.
    pub outputs: Value,
}

impl Site {
    /// Keeps it for other terminals.
    pub fn save(&self, paths: &Paths) -> Result<()> {
        let file = paths.state().join("site.json");
        let text = serde_json::to_string_pretty(self).context("write the site as JSON")?;
        fs::write(&file, text).with_context(|| format!("write {}", file.display()))
    }

    /// The one that runs now.
    pub async fn running(paths: &Paths) -> Result<Site> {
        let none = "nothing runs here: start `cargo local` in another terminal first";
        let text = fs::read_to_string(paths.state().join("site.json")).context(none)?;
        let site: Site = serde_json::from_str(&text).context("the site's file is malformed")?;
        let asked = http().get(format!("{}/v2/", site.aws)).send();
        asked.await.context(none)?;
        Ok(site)
    }

    /// One of Terraform's outputs that is a text; `functions/rollout` looks into one that is an object.
    pub fn output(&self, path: &str) -> Result<&str> {
        self.outputs
            .pointer(&format!("/{path}"))
            .and_then(Value::as_str)
            .with_context(|| format!("terraform has no output {path}"))
    }

    /// The service that the only target rolls.
    pub fn service(&self) -> Result<ServiceKey> {
        Ok(ServiceKey::new(
            self.output("cluster")?,
            self.output("service")?,
        ))
    }

    /// The ledger.
    pub fn ledger(&self) -> Result<Ledger> {
        Ok(ledger(&self.aws, self.output("ledger_table")?))
    }
}

/// The ledger in `table` of the AWS at `endpoint`.
pub fn ledger(endpoint: &str, table: &str) -> Ledger {
    let config = wire::settings::lambda(environment(endpoint));
    let config = config.expect("nothing that is needed is missing");
    Ledger::new(Client::new(&config), table)
}
