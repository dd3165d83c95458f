//! The only file that calls GitHub.

use std::fmt;

use anyhow::{Context, Result, bail};
use chrono::{TimeDelta, Utc};
use ledger::{Commit, Rollout};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::limit::{Patience, limited_until};

/// GitHub asks for the version of its API that a client was written for.
/// Source: <https://docs.github.com/en/rest/about-the-rest-api/api-versions>
const API_VERSION: &str = "2022-11-28";
/// As many as a page has at the most.
const PAGE: &str = "100";

/// One repository of one GitHub, with a token for it.
#[derive(Clone, Debug)]
pub struct Repository {
    http: Client,
    base: Url,
    token: String,
    patience: Patience,
}

/// A deployment, as far as we use it.
#[derive(Clone, Debug, Deserialize)]
pub struct Deployment {
    /// Its number.
    pub id: u64,
    #[serde(default)]
    payload: Value,
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

/// A status of a deployment or of a commit, as far as we use it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Status {
    /// GitHub's word for the state.
    pub state: String,
    /// What it says.
    pub description: Option<String>,
    /// The context, of a commit's status only.
    pub context: Option<String>,
    /// Where it leads.
    pub target_url: Option<String>,
}

impl Repository {
    /// The repository `owner/name` of the GitHub whose API is at `api`.
    pub fn new(
        http: Client,
        api: &str,
        name: &str,
        token: String,
        patience: Patience,
    ) -> Result<Self> {
        let base = format!("{}/repos/{name}/", api.trim_end_matches('/'));
        let base = Url::parse(&base).with_context(|| format!("{base} is not an address"))?;
        Ok(Repository {
            http,
            base,
            token,
            patience,
        })
    }

    /// The deployment of a rollout, made if there is none: our rollout's id in the payload tells them apart. Who asked for
    /// the rollout finds it by the id of their request, which stands there too.
    /// <https://docs.github.com/en/rest/deployments/deployments>
    pub async fn deployment(&self, commit: &Commit, rollout: &Rollout) -> Result<Deployment> {
        let query = [
            ("sha", commit.as_str()),
            ("environment", &rollout.environment),
            ("per_page", PAGE),
        ];
        let found: Vec<Deployment> = self.get("deployments", &query).await?;
        let ours = found
            .into_iter()
            .find(|deployment| deployment.payload["rollout"] == json!(rollout.id));
        if let Some(deployment) = ours {
            return Ok(deployment);
        }
        let mut payload = json!({ "rollout": rollout.id, "target": rollout.target });
        if let Some(request) = &rollout.request {
            payload["request"] = json!(request);
        }
        let body = json!({
            "ref": commit,
            "environment": rollout.environment,
            "description": "Rolled out by Couplet",
            "payload": payload,
            // Without these two GitHub merges the default branch first, and refuses while a check is red.
            "auto_merge": false,
            "required_contexts": [],
        });
        self.post("deployments", &body).await
    }

    /// The deployments of `target` to an environment, newest first, as far as they are among the newest of all.
    pub async fn deployments(&self, environment: &str, target: &str) -> Result<Vec<Deployment>> {
        let query = [("environment", environment), ("per_page", PAGE)];
        let mut found: Vec<Deployment> = self.get("deployments", &query).await?;
        found.retain(|deployment| deployment.payload["target"] == target);
        Ok(found)
    }

    /// The statuses of a deployment, newest first.
    pub async fn deployment_statuses(&self, deployment: u64) -> Result<Vec<Status>> {
        let path = format!("deployments/{deployment}/statuses");
        self.get(&path, &[("per_page", PAGE)]).await
    }

    /// Adds a status to a deployment.
    /// <https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status>
    pub async fn add_deployment_status(&self, deployment: u64, body: &Value) -> Result<()> {
        let path = format!("deployments/{deployment}/statuses");
        self.post::<Value>(&path, body).await.map(drop)
    }

    /// The statuses of a commit, newest first.
    /// <https://docs.github.com/en/rest/commits/statuses#list-commit-statuses-for-a-reference>
    pub async fn commit_statuses(&self, commit: &Commit) -> Result<Vec<Status>> {
        let path = format!("commits/{commit}/statuses");
        self.get(&path, &[("per_page", PAGE)]).await
    }

    /// Adds a status to a commit.
    /// <https://docs.github.com/en/rest/commits/statuses#create-a-commit-status>
    pub async fn add_commit_status(&self, commit: &Commit, body: &Value) -> Result<()> {
        let path = format!("statuses/{commit}");
        self.post::<Value>(&path, body).await.map(drop)
    }

    async fn get<T: for<'a> Deserialize<'a>>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T> {
        let mut url = self.url(path)?;
        url.query_pairs_mut().extend_pairs(query);
        self.send(Method::GET, url, None).await
    }

    async fn post<T: for<'a> Deserialize<'a>>(&self, path: &str, body: &Value) -> Result<T> {
        let url = self.url(path)?;
        self.send(Method::POST, url, Some(body)).await
    }

    fn url(&self, path: &str) -> Result<Url> {
        self.base
            .join(path)
            .with_context(|| format!("{path} is not a path at GitHub"))
    }

    async fn send<T: for<'a> Deserialize<'a>>(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> Result<T> {
        let what = format!("{method} {}", url.path());
        loop {
            self.patience.wait().await?;
            let (status, headers, body) = self.once(&what, method.clone(), &url, body).await?;
            if status.is_success() {
                return serde_json::from_str(&body)
                    .with_context(|| format!("GitHub's answer to {what} is malformed"));
            }
            if let Some(until) = limited_until(status.as_u16(), &headers, &body, Utc::now()) {
                // It must not be zero, or a GitHub that says so for ever would be asked for ever.
                let soonest = Utc::now() + TimeDelta::seconds(1);
                self.patience.hold_off(until.max(soonest));
                continue;
            }
            let told = format!("GitHub answered {what} with {status}: {body}");
            if status == StatusCode::UNPROCESSABLE_ENTITY {
                return Err(Refusal(told).into());
            }
            match headers.get("x-accepted-github-permissions") {
                Some(wanted) if status == StatusCode::FORBIDDEN => {
                    bail!("{told}; the token needs the permission {wanted:?}")
                }
                _ => bail!(told),
            }
        }
    }

    async fn once(
        &self,
        what: &str,
        method: Method,
        url: &Url,
        body: Option<&Value>,
    ) -> Result<(StatusCode, HeaderMap, String)> {
        let mut request = self
            .http
            .request(method, url.clone())
            .bearer_auth(&self.token)
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", API_VERSION);
        if let Some(body) = body {
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
