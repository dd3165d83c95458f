//! The only file that knows what GitHub can be asked, with those below it the only ones that call it.
//!
//! - `api`: one call, with the limits that GitHub sets and the words in which it refuses
//! - `credentials`: the token that a call carries; `jwt`: how a GitHub App shows who it is

mod api;
mod credentials;
mod jwt;

pub use api::{Api, Refusal};
pub use credentials::{Credentials, Identity};

use anyhow::{Context, Result};
use http::Method;
use ledger::{Commit, Rollout};
use serde::Deserialize;
use serde_json::{Value, json};

use api::{Call, Unauthorized};

/// As many as a page has at the most.
const PAGE: &str = "100";

/// One GitHub, and who we are there.
#[derive(Clone, Debug)]
pub struct GitHub {
    /// The way to it.
    pub api: Api,
    /// Who we are.
    pub credentials: Credentials,
}

/// One repository.
#[derive(Clone, Copy, Debug)]
pub struct Repository<'a> {
    github: &'a GitHub,
    name: &'a str,
}

/// A deployment, as far as we use it.
#[derive(Clone, Debug, Deserialize)]
pub struct Deployment {
    /// Its number.
    pub id: u64,
    #[serde(default)]
    payload: Value,
}

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

impl GitHub {
    /// The repository `owner/name`.
    pub fn repository<'a>(&'a self, name: &'a str) -> Repository<'a> {
        Repository { github: self, name }
    }
}

impl Repository<'_> {
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
        self.send(Call {
            method: Method::GET,
            path: &format!("repos/{}/{path}", self.name),
            query,
            body: None,
        })
        .await
    }

    async fn post<T: for<'a> Deserialize<'a>>(&self, path: &str, body: &Value) -> Result<T> {
        self.send(Call {
            method: Method::POST,
            path: &format!("repos/{}/{path}", self.name),
            query: &[],
            body: Some(body),
        })
        .await
    }

    /// A token that GitHub does not take any more is replaced once: it may have been rotated or taken back since it was read.
    async fn send<T: for<'a> Deserialize<'a>>(&self, call: Call<'_>) -> Result<T> {
        let GitHub { api, credentials } = self.github;
        let token = credentials.token(api, self.name).await?;
        let refused = match api.call(&call, &token).await {
            Err(error) if error.is::<Unauthorized>() => error,
            answer => return answer,
        };
        let renewed = credentials.renewed(api, self.name, &token).await?;
        if renewed == token {
            return Err(refused).with_context(|| credentials.hint());
        }
        let answer = api.call(&call, &renewed).await;
        answer.map_err(|error| match error.is::<Unauthorized>() {
            true => error.context(credentials.hint()),
            false => error,
        })
    }
}
