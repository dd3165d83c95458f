//! One call to GitHub: it waits while GitHub asks to be left alone, and says in which way it was refused.

use std::fmt;

use anyhow::{Context, Result, bail};
use chrono::{TimeDelta, Utc};
use form_urlencoded::Serializer;
use http::{Method, Request, Response, StatusCode, Uri};
use serde::Deserialize;
use serde_json::Value;
use wire::Http;

use super::credentials::Secret;
use crate::limit::{Patience, limited_until};

/// GitHub asks for the version of its API that a client was written for.
/// Source: <https://docs.github.com/en/rest/about-the-rest-api/api-versions>
const API_VERSION: &str = "2022-11-28";

/// The REST API of one GitHub.
#[derive(Clone, Debug)]
pub struct Api {
    http: Http,
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
    pub fn new(http: Http, base: &str, patience: Patience) -> Self {
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
        let mut address = format!("{}/{}", self.base, call.path);
        if !call.query.is_empty() {
            let mut query = Serializer::new(String::new());
            address = format!("{address}?{}", query.extend_pairs(call.query).finish());
        }
        let url = address.parse::<Uri>();
        let url = url.with_context(|| format!("{address} is not an address"))?;
        let what = format!("{} {}", call.method, url.path());
        loop {
            self.patience.wait().await?;
            let answer = self.once(call, &what, &url, token).await?;
            let (status, headers, body) = (answer.status(), answer.headers(), answer.body());
            if status.is_success() {
                return serde_json::from_str(body)
                    .with_context(|| format!("GitHub's answer to {what} is malformed"));
            }
            if let Some(until) = limited_until(status.as_u16(), headers, body, Utc::now()) {
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
        url: &Uri,
        token: &Secret,
    ) -> Result<Response<String>> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(url)
            .header("authorization", format!("Bearer {}", token.reveal()))
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", API_VERSION);
        let mut body = String::new();
        if let Some(json) = call.body {
            request = request.header("content-type", "application/json");
            body = json.to_string();
        }
        let answer = self.http.send(request.body(body)?).await;
        answer.with_context(|| format!("GitHub did not answer {what}"))
    }
}
