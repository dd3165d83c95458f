//! The ledger's table: DynamoDB by key and by conditional write, never by a scan.
//!
//! | item | `pk` | `sk` | written by | read by |
//! |---|---|---|---|---|
//! | target | `targets` | `<repository>#<name>` | Terraform | all: the followers of a repository, or every target |
//! | head | `target#<cluster>/<service>` | `head` | `rollout`, `verdict` | all: what runs and what is under way |
//! | claim | `target#…` | `claim#<digest or request id>` | `rollout` | `rollout`: was this push or request seen before, and what came of it? |
//! | rollout | `target#…` | `rollout#<rollout id>` | `rollout`, `verdict`, `report` (what GitHub was told) | all: one, or a target's newest first |
//! | outline | `target#…` | `outline#<rollout id>` | `rollout`, with the claim | the board: what differs between two task definitions |
//! | limit | `github` | `limit` | `report` | `report`: until when GitHub asks to be left alone |
//!
//! An ECS event names its service, and the service is the partition: no index and no second item leads there.
//!
//! A rollout's verdict is written once, under the condition that there is none. Everything that moves a head
//! is conditional on the version that was read, so of two racing claims one fails and decides again.

mod read;
mod write;

pub use read::{Standing, Targets};
pub use write::{Claim, Raced};

use anyhow::{Context, Result};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

use crate::{DeploymentId, Release, RevisionArn, Rollout, RolloutId, ServiceKey};

type Item = std::collections::HashMap<String, AttributeValue>;

const TARGETS: &str = "targets";
const HEAD: &str = "head";
const GITHUB: &str = "github";
const LIMIT: &str = "limit";
/// The sort keys of rollouts begin with this.
pub const ROLLOUT: &str = "rollout#";

/// What is in a task definition, line by line: a path and its value, or a value's fingerprint where it may be a secret.
pub type Outline = std::collections::BTreeMap<String, String>;

/// The table and the way to it.
#[derive(Clone, Debug)]
pub struct Ledger {
    client: Client,
    table: String,
}

/// Where a target stands: one item that every claim and every verdict moves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Counts the writes; each is conditional on the one before.
    pub version: u64,
    /// The newest release that was ever claimed by itself: a target never goes behind it unasked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Release>,
    /// What runs, as far as verdicts say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Live>,
    /// The open rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<RolloutId>,
    /// Who has asked that no push is rolled out by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
}

/// A target on which pushes wait until somebody releases it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// Who asked.
    pub by: String,
    /// Why, if they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Since when.
    pub at: DateTime<Utc>,
}

/// The release that runs, and the rollout that brought it: one that succeeded, or one that ECS completed after all. It
/// repeats what is decided by, so that nobody reads the rollout for that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// The rollout.
    pub rollout: RolloutId,
    /// Its release.
    pub release: Release,
    /// Its task definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<RevisionArn>,
    /// Its deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentId>,
}

impl Live {
    /// What a head says of `rollout` once it is live.
    pub fn of(rollout: &Rollout) -> Live {
        Live {
            rollout: rollout.id.clone(),
            release: rollout.release.clone(),
            revision: rollout.revision.clone(),
            deployment: rollout.deployment.clone(),
        }
    }
}

impl Ledger {
    /// The ledger in `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        let table = table.into();
        Ledger { client, table }
    }

    /// The ledger of another installation, in `table`, by the same way.
    pub fn other(&self, table: impl Into<String>) -> Self {
        Ledger::new(self.client.clone(), table)
    }
}

/// Whether an error is about an item that is not as it should be, and not about a table that cannot be reached.
pub fn is_malformed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<serde_dynamo::Error>().is_some()
}

fn partition(key: &ServiceKey) -> String {
    format!("target#{key}")
}

fn outline_key(id: &RolloutId) -> String {
    format!("outline#{id}")
}

fn keys(pk: &str, sk: &str) -> Item {
    Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// An item of `value` under the keys `pk` and `sk`.
fn item(pk: &str, sk: &str, value: impl Serialize) -> Result<Item> {
    let mut item: Item =
        to_item(value).with_context(|| format!("cannot write {pk} {sk} as an item"))?;
    item.extend(keys(pk, sk));
    Ok(item)
}

/// The value in an item; the error names the item.
fn value<T: DeserializeOwned>(item: Item) -> Result<T> {
    let name = name(&item);
    from_item(item).with_context(|| format!("the ledger's item {name} is malformed"))
}

/// What an item is called: `targets team/web#web`.
fn name(item: &Item) -> String {
    let key = |name: &str| match item.get(name) {
        Some(AttributeValue::S(text)) => text.clone(),
        _ => "?".to_owned(),
    };
    format!("{} {}", key("pk"), key("sk"))
}
