//! A secret in SSM. It is read when it is needed and now and then again, so that it can be changed without a rollout.

use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_ssm::Client;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Secret;

/// After this long it is read again.
const FRESH: Duration = Duration::from_secs(300);

/// A SecureString parameter.
#[derive(Debug)]
pub(super) struct Parameter {
    client: Client,
    name: String,
    last: Mutex<Option<(Secret, Instant)>>,
}

impl Parameter {
    /// The parameter called `name`.
    pub(super) fn new(client: Client, name: &str) -> Self {
        Parameter {
            client,
            name: name.to_owned(),
            last: Mutex::default(),
        }
    }

    /// Its value, at most five minutes old.
    pub(super) async fn value(&self) -> Result<Secret> {
        let mut last = self.last.lock().await;
        if let Some((value, read)) = last.as_ref()
            && read.elapsed() < FRESH
        {
            return Ok(value.clone());
        }
        let value = self.read().await?;
        *last = Some((value.clone(), Instant::now()));
        Ok(value)
    }

    async fn read(&self) -> Result<Secret> {
        let name = &self.name;
        let answer = self
            .client
            .get_parameter()
            .name(name)
            .with_decryption(true)
            .send()
            .await
            .with_context(|| format!("cannot read the parameter {name}"))?;
        let value = answer.parameter.and_then(|parameter| parameter.value);
        let value = value.filter(|value| !value.is_empty());
        Ok(Secret(value.with_context(|| {
            format!("the parameter {name} is empty")
        })?))
    }
}
