//! One call to GitHub: it waits while GitHub asks to be left alone, and says in which way it was refused.

use std::fmt;

use anyhow::{Context, Result, bail};
use chrono::{TimeDelta, Utc};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;

use super::credentials::Secret;
use crate::limit::{Patience, limited_until};

/// GitHub asks for the version of its API that a client was written for.
/// Source: <https://docs.github.com/en/rest/about-the-rest-api/api-versions>
const API_VERSION: &str = "2022-11-28";

/// The REST API of one GitHub.
#[derive(Clone, Debug)]
pub struct Api {
    http: Client,
    base: String,
    patience: Patience,
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// Behind the API's address, without a slash before it.
    pub(super) path: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) body: Option<&'a Value>,
}

/// GitHub understood a request and will never grant it: a commit that it does not know, for one.
#[derive(Debug)]
pub struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// GitHub does not take the token.
#[derive(Debug)]
pub(super) struct Unauthorized(String);

impl fmt::Display for Unauthorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unauthorized {}

impl Api {
    /// The API at `base`: `https://api.github.com`, or `https://HOST/api/v3` on GitHub Enterprise Server.
    pub fn new(http: Client, base: &str, patience: Patience) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Api {
            http,
            base,
            patience,
        }
    }

    /// When it may be called.
    pub fn patience(&self) -> &Patience {
        &self.patience
    }

    /// The answer to a call that carries `token`.
    pub(super) async fn call<T: for<'a> Deserialize<'a>>(
        &self,
        call: &Call<'_>,
        token: &Secret,
    ) -> Result<T> {
        let mut url = Url::parse(&format!("{}/{}", self.base, call.path))
            .with_context(|| format!("{} is no address at {}", call.path, self.base))?;
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(call.query);
        }
        let what = format!("{} {}", call.method, url.path());
        loop {
            self.patience.wait().await?;
            let (status, headers, body) = self.once(call, &what, &url, token).await?;
            if status.is_success() {
                return serde_json::from_str(&body)
                    .with_context(|| format!("GitHub's answer to {what} is malformed"));
            }
            if let Some(until) = limited_until(status.as_u16(), &headers, &body, Utc::now()) {
                // It must not be zero, or a GitHub that says so for ever would be asked for ever.
                let soonest = Utc::now() + TimeDelta::seconds(1);
                self.patience.hold_off(until.max(soonest)).await?;
                continue;
            }
            let told = format!("GitHub answered {what} with {status}: {body}");
            let wanted = headers.get("x-accepted-github-permissions");
            match (status, wanted) {
                (StatusCode::UNPROCESSABLE_ENTITY, _) => return Err(Refusal(told).into()),
                (StatusCode::UNAUTHORIZED, _) => return Err(Unauthorized(told).into()),
                (StatusCode::FORBIDDEN, Some(wanted)) => {
                    bail!("{told}; the token needs the permission {wanted:?}")
                }
                _ => bail!(told),
            }
        }
    }

    async fn once(
        &self,
        call: &Call<'_>,
        what: &str,
        url: &Url,
        token: &Secret,
    ) -> Result<(StatusCode, HeaderMap, String)> {
        let mut request = self
            .http
            .request(call.method.clone(), url.clone())
            .bearer_auth(token.reveal())
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", API_VERSION);
        if let Some(body) = call.body {
            request = request.json(body);
        }
        let response = request
            .send()
            .await
            .with_context(|| format!("GitHub did not answer {what}"))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response
            .text()
            .await
            .with_context(|| format!("GitHub's answer to {what} broke off"))?;
        Ok((status, headers, body))
    }
}
