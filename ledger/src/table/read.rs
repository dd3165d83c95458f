//! What is read from the ledger. Every read is consistent: something may be decided by it.

use anyhow::{Context, Result};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use serde::{Deserialize, de::DeserializeOwned};

use super::{HEAD, Head, Ledger, ROLLOUT, TARGETS, keys, partition, text, value};
use crate::{Rollout, RolloutId, ServiceKey, Target};

/// All that the ledger knows about a target and one push or request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// Where the target stands.
    pub head: Head,
    /// The open rollout, if there is one.
    pub in_flight: Option<Rollout>,
    /// The rollout that this push or request has claimed before.
    pub claimed: Option<Rollout>,
}

#[derive(Deserialize)]
struct ClaimItem {
    rollout: RolloutId,
}

impl Ledger {
    /// The targets that follow `repository`.
    pub async fn followers(&self, repository: &str) -> Result<Vec<Target>> {
        let query = self.query(TARGETS, &format!("{repository}#"));
        self.all(query)
            .await
            .with_context(|| format!("cannot read the targets that follow {repository}"))
    }

    /// Every target.
    pub async fn targets(&self) -> Result<Vec<Target>> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(TARGETS));
        self.all(query).await.context("cannot read the targets")
    }

    /// Where `key` stands, its open rollout, and the one that `claim` (a digest or a request's id) made before.
    pub async fn standing(&self, key: &ServiceKey, claim: &str) -> Result<Standing> {
        let claim_key = format!("claim#{claim}");
        let (head, claim) =
            tokio::try_join!(self.head(key), self.get::<ClaimItem>(key, &claim_key))?;
        let (in_flight, claimed) = tokio::try_join!(
            self.rollout_if(key, head.in_flight.as_ref()),
            self.rollout_if(key, claim.as_ref().map(|claim| &claim.rollout)),
        )?;
        Ok(Standing {
            head,
            in_flight,
            claimed,
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
        self.get(key, &format!("{ROLLOUT}{id}")).await
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
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(keys(&partition(key), sk)))
            .consistent_read(true)
            .send()
            .await
            .with_context(|| format!("cannot read {sk} of {key} from the ledger"))?;
        found.item.map(value).transpose()
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

    async fn all<T: DeserializeOwned>(&self, query: QueryFluentBuilder) -> Result<Vec<T>> {
        let mut pages = query.into_paginator().items().send();
        let mut values = Vec::new();
        while let Some(item) = pages.next().await {
            values.push(value(item?)?);
        }
        Ok(values)
    }
}
