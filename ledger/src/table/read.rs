//! What is read from the ledger. Every read is consistent: something may be decided by it.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use chrono::{DateTime, Utc};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    GITHUB, HEAD, Head, Item, LIMIT, Ledger, Outline, ROLLOUT, TARGETS, keys, name, outline_key,
    partition, text, value,
};
use crate::{Rollout, RolloutId, ServiceKey, Target};

/// Behind every key that begins with [`ROLLOUT`]: `$` follows `#`.
const BEHIND: &str = "rollout$";

/// How often is asked for what the table was too busy for.
const TRIES: usize = 4;
const PAUSE: Duration = Duration::from_millis(50);

/// All that the ledger knows about a target and one push or request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// Where the target stands.
    pub head: Head,
    /// The open rollout, if there is one.
    pub in_flight: Option<Rollout>,
    /// The rollout that this push or request has claimed before.
    pub claimed: Option<Rollout>,
    /// Whether this request, one that needs no rollout, was carried out before.
    pub answered: bool,
}

/// The targets, as far as they can be read: one that is malformed does not keep the others waiting.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Targets {
    /// Those that can be read.
    pub readable: Vec<Target>,
    /// What is wrong with each of the others, and which it is.
    pub malformed: Vec<String>,
}

#[derive(Deserialize)]
struct ClaimItem {
    rollout: Option<RolloutId>,
}

#[derive(Deserialize)]
struct OutlineItem {
    lines: Outline,
}

#[derive(Deserialize)]
struct LimitItem {
    #[serde(with = "chrono::serde::ts_milliseconds")]
    until: DateTime<Utc>,
}

impl Ledger {
    /// The targets that follow `repository`.
    pub async fn followers(&self, repository: &str) -> Result<Targets> {
        let query = self.query(TARGETS, &format!("{repository}#"));
        self.all_targets(query)
            .await
            .with_context(|| format!("cannot read the targets that follow {repository}"))
    }

    /// Every target.
    pub async fn targets(&self) -> Result<Targets> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(TARGETS));
        self.all_targets(query)
            .await
            .context("cannot read the targets")
    }

    /// Where `key` stands, and what `claim` (a digest or a request's id) has claimed before.
    pub async fn standing_of(&self, key: &ServiceKey, claim: &str) -> Result<Standing> {
        let claim_key = format!("claim#{claim}");
        let mut found = self.items(key, &[HEAD, &claim_key]).await?;
        let head = found.remove(HEAD).map(value).transpose()?;
        let claim: Option<ClaimItem> = found.remove(&claim_key).map(value).transpose()?;
        let answered = claim.as_ref().is_some_and(|claim| claim.rollout.is_none());
        let claimed = claim.and_then(|claim| claim.rollout);
        let standing = self.complete(key, head.unwrap_or_default(), claimed);
        Ok(Standing {
            answered,
            ..standing.await?
        })
    }

    /// Where `key` stands, and its open rollout.
    pub async fn standing(&self, key: &ServiceKey) -> Result<Standing> {
        let head = self.head(key).await?;
        self.complete(key, head, None).await
    }

    /// The rollouts that a head and a claim name, in one call if there are any. They are read after the head: none is older
    /// than it.
    async fn complete(
        &self,
        key: &ServiceKey,
        head: Head,
        claimed: Option<RolloutId>,
    ) -> Result<Standing> {
        let named = [&head.in_flight, &claimed];
        let sort_keys: BTreeSet<String> = named.into_iter().flatten().map(rollout_key).collect();
        let sort_keys: Vec<&str> = sort_keys.iter().map(String::as_str).collect();
        let mut rollouts = HashMap::new();
        for (sort_key, item) in self.items(key, &sort_keys).await? {
            rollouts.insert(sort_key, value::<Rollout>(item)?);
        }
        let rollout = |id: &Option<RolloutId>| rollouts.get(&rollout_key(id.as_ref()?)).cloned();
        Ok(Standing {
            in_flight: rollout(&head.in_flight),
            claimed: rollout(&claimed),
            answered: false,
            head,
        })
    }

    /// Where `key` stands; a target of which nothing was ever written stands at the beginning.
    pub async fn head(&self, key: &ServiceKey) -> Result<Head> {
        Ok(self.get(key, HEAD).await?.unwrap_or_default())
    }

    /// The open rollout of `key`.
    pub async fn in_flight(&self, key: &ServiceKey) -> Result<Option<Rollout>> {
        let head = self.head(key).await?;
        self.rollout_if(key, head.in_flight.as_ref()).await
    }

    /// One rollout.
    pub async fn rollout(&self, key: &ServiceKey, id: &RolloutId) -> Result<Option<Rollout>> {
        self.get(key, &rollout_key(id)).await
    }

    /// What is in the task definition of a rollout; `None` if it has none.
    pub async fn outline(&self, key: &ServiceKey, id: &RolloutId) -> Result<Option<Outline>> {
        let item: Option<OutlineItem> = self.get(key, &outline_key(id)).await?;
        Ok(item.map(|item| item.lines))
    }

    /// Until when GitHub asks to be left alone, whoever of us it has told so; that may be over.
    pub async fn github_left_alone_until(&self) -> Result<Option<DateTime<Utc>>> {
        let item: Option<LimitItem> = self.item(GITHUB, LIMIT).await?;
        Ok(item.map(|item| item.until))
    }

    /// The newest `limit` rollouts of `key`, newest first.
    pub async fn history(&self, key: &ServiceKey, limit: i32) -> Result<Vec<Rollout>> {
        let page = self
            .query(&partition(key), ROLLOUT)
            .scan_index_forward(false)
            .limit(limit)
            .send()
            .await
            .with_context(|| format!("cannot read the rollouts of {key}"))?;
        page.items
            .unwrap_or_default()
            .into_iter()
            .map(value)
            .collect()
    }

    /// At most `limit` rollouts of `key` that are older than `before`, newest first, and whether there are more.
    pub async fn older(
        &self,
        key: &ServiceKey,
        before: Option<&RolloutId>,
        limit: usize,
    ) -> Result<(Vec<Rollout>, bool)> {
        let high = before.map_or_else(|| BEHIND.to_owned(), |id| format!("{ROLLOUT}{id}"));
        let page = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk BETWEEN :low AND :high")
            .expression_attribute_values(":pk", text(&partition(key)))
            .expression_attribute_values(":low", text(ROLLOUT))
            .expression_attribute_values(":high", text(&high))
            .scan_index_forward(false)
            // One is `before` itself, and one says that there are more.
            .limit(i32::try_from(limit)? + 2)
            .send()
            .await
            .with_context(|| format!("cannot read the rollouts of {key}"))?;
        let items = page.items.unwrap_or_default().into_iter();
        let mut rollouts = items.map(value).collect::<Result<Vec<Rollout>>>()?;
        rollouts.retain(|rollout| Some(&rollout.id) != before);
        let more = rollouts.len() > limit;
        rollouts.truncate(limit);
        Ok((rollouts, more))
    }

    async fn rollout_if(
        &self,
        key: &ServiceKey,
        id: Option<&RolloutId>,
    ) -> Result<Option<Rollout>> {
        match id {
            Some(id) => self.rollout(key, id).await,
            None => Ok(None),
        }
    }

    async fn get<T: DeserializeOwned>(&self, key: &ServiceKey, sk: &str) -> Result<Option<T>> {
        self.item(&partition(key), sk).await
    }

    async fn item<T: DeserializeOwned>(&self, pk: &str, sk: &str) -> Result<Option<T>> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(keys(pk, sk)))
            .consistent_read(true)
            .send()
            .await
            .with_context(|| format!("cannot read {sk} of {pk} from the ledger"))?;
        found.item.map(value).transpose()
    }

    /// Items of one partition by their sort keys, as far as they exist.
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>
    async fn items(&self, key: &ServiceKey, sort_keys: &[&str]) -> Result<HashMap<String, Item>> {
        let mut found = HashMap::new();
        let pk = partition(key);
        let wanted = sort_keys.iter().map(|sk| keys(&pk, sk));
        let mut wanted: Vec<Item> = wanted.collect();
        let what = || {
            format!(
                "cannot read {} of {key} from the ledger",
                sort_keys.join(", ")
            )
        };
        for _ in 0..TRIES {
            if wanted.is_empty() {
                return Ok(found);
            }
            let request = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(true)
                .build()?;
            let read = self
                .client
                .batch_get_item()
                .request_items(&self.table, request)
                .send()
                .await
                .with_context(what)?;
            let items = read.responses.and_then(|mut it| it.remove(&self.table));
            for item in items.unwrap_or_default() {
                if let Some(AttributeValue::S(sort_key)) = item.get("sk") {
                    found.insert(sort_key.clone(), item);
                }
            }
            // What the table was too busy for comes back unread.
            let left = read.unprocessed_keys;
            let left = left.and_then(|mut it| it.remove(&self.table));
            wanted = left.map(|left| left.keys).unwrap_or_default();
            if !wanted.is_empty() {
                tokio::time::sleep(PAUSE).await;
            }
        }
        bail!("{}: the table is too busy", what())
    }

    fn query(&self, pk: &str, sk_prefix: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":prefix", text(sk_prefix))
    }

    async fn all_targets(&self, query: QueryFluentBuilder) -> Result<Targets> {
        let mut pages = query.into_paginator().items().send();
        let mut targets = Targets::default();
        while let Some(item) = pages.next().await {
            match target(item?) {
                Ok(target) => targets.readable.push(target),
                Err(error) => targets.malformed.push(format!("{error:#}")),
            }
        }
        Ok(targets)
    }
}

fn rollout_key(id: &RolloutId) -> String {
    format!("{ROLLOUT}{id}")
}

fn target(item: Item) -> Result<Target> {
    let name = name(&item);
    let target: Target = value(item)?;
    match target.fault() {
        Some(fault) => bail!("the ledger's item {name} is malformed: {fault}"),
        None => Ok(target),
    }
}
