//! The only file that calls GitHub.

use std::fmt;

use anyhow::{Context, Result, bail};
use chrono::{TimeDelta, Utc};
use form_urlencoded::Serializer;
use http::{Method, Request, StatusCode, Uri};
use ledger::{Commit, Rollout};
use serde::Deserialize;
use serde_json::{Value, json};
use wire::Http;

use crate::limit::{Patience, limited_until};

/// GitHub asks for the version of its API that a client was written for.
/// Source: <https://docs.github.com/en/rest/about-the-rest-api/api-versions>
const API_VERSION: &str = "2022-11-28";
/// As many as a page has at the most.
const PAGE: &str = "100";

/// One repository of one GitHub, with a token for it.
#[derive(Clone, Debug)]
pub struct Repository {
    http: Http,
    base: String,
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
}

impl Repository {
    /// The repository `owner/name` of the GitHub whose API is at `api`.
    pub fn new(
        http: Http,
        api: &str,
        name: &str,
        token: String,
        patience: Patience,
    ) -> Result<Self> {
        let base = format!("{}/repos/{name}/", api.trim_end_matches('/'));
        let address = base.parse::<Uri>();
        address.with_context(|| format!("{base} is not an address"))?;
        Ok(Repository {
            http,
            base,
            token,
            patience,
        })
    }

    /// The deployment of a rollout, made if there is none: our rollout's id in the payload tells them apart.
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
        let body = json!({
            "ref": commit,
            "environment": rollout.environment,
            "description": "Rolled out by Couplet",
            "payload": { "rollout": rollout.id, "target": rollout.target },
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
        let query = Serializer::new(String::new()).extend_pairs(query).finish();
        self.send(Method::GET, &format!("{path}?{query}"), None)
            .await
    }

    async fn post<T: for<'a> Deserialize<'a>>(&self, path: &str, body: &Value) -> Result<T> {
        self.send(Method::POST, path, Some(body)).await
    }

    async fn send<T: for<'a> Deserialize<'a>>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T> {
        let uri: Uri = format!("{}{path}", self.base)
            .parse()
            .with_context(|| format!("{path} is not a path at GitHub"))?;
        let what = format!("{method} {}", uri.path());
        loop {
            self.patience.wait().await?;
            let request = self.request(&method, &uri, body)?;
            let answer = self.http.send(request).await;
            let answer = answer.with_context(|| format!("GitHub did not answer {what}"))?;
            let (status, headers) = (answer.status(), answer.headers());
            let body = answer.body();
            if status.is_success() {
                return serde_json::from_str(body)
                    .with_context(|| format!("GitHub's answer to {what} is malformed"));
            }
            if let Some(until) = limited_until(status.as_u16(), headers, body, Utc::now()) {
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

    fn request(&self, method: &Method, uri: &Uri, body: Option<&Value>) -> Result<Request<String>> {
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header("authorization", format!("Bearer {}", self.token))
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", API_VERSION);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        request.body(body).context("GitHub's token is malformed")
    }
}
