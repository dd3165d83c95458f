//! The only file that calls GitHub: who somebody is, and what they may do.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::Instant;
use wire::Http;

use super::Right;
use super::parameter::Parameter;
use crate::failure::Failure;
use crate::settings::SignIn;

/// GitHub asks for the version of its API that a client was written for.
/// Source: <https://docs.github.com/en/rest/about-the-rest-api/api-versions>
const API_VERSION: (&str, &str) = ("x-github-api-version", "2022-11-28");
/// What somebody may do is asked again after this long.
const FRESH: Duration = Duration::from_secs(300);
/// More answers are not kept.
const KEPT: usize = 1000;

/// What nobody may read in a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(pub(super) String);

/// GitHub, for people who sign in.
#[derive(Debug)]
pub(super) struct GitHub {
    http: Http,
    web: String,
    api: String,
    client_id: String,
    callback: String,
    pub(super) secret: Parameter,
    rights: Mutex<HashMap<(String, String), (Right, Instant)>>,
}

impl GitHub {
    pub(super) fn new(http: Http, sign_in: &SignIn, secret: Parameter) -> Self {
        GitHub {
            http,
            web: sign_in.web_url.clone(),
            api: sign_in.api_url.clone(),
            client_id: sign_in.client_id.clone(),
            callback: format!("{}{}", sign_in.board_url, super::SIGNED_IN),
            secret,
            rights: Mutex::default(),
        }
    }

    /// Where somebody says to GitHub that they want to be known here. No scope is asked for: a GitHub App's own
    /// permissions count, and an OAuth app then sees public repositories only.
    /// Source: <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>
    pub(super) fn authorize_url(&self, state: &str, challenge: &str) -> String {
        let query = [
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", &self.callback),
            ("state", state),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
        ];
        format!("{}/login/oauth/authorize?{}", self.web, encoded(&query))
    }

    /// The token for the code that somebody came back with. GitHub answers what it refuses with 200 and a word.
    pub(super) async fn exchange(
        &self,
        code: &str,
        verifier: &str,
    ) -> Result<Result<Secret, String>> {
        #[derive(Deserialize)]
        struct Answer {
            access_token: Option<Secret>,
            error: Option<String>,
        }
        let secret = self.secret.value().await?;
        let form = [
            ("client_id", self.client_id.as_str()),
            ("client_secret", &secret.0),
            ("code", code),
            ("redirect_uri", &self.callback),
            ("code_verifier", verifier),
        ];
        let url = format!("{}/login/oauth/access_token", self.web);
        let request = Request::post(&url)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(encoded(&form))?;
        let answer = self.http.send(request).await?;
        let status = answer.status();
        ensure!(status.is_success(), "{url} answered {status}");
        let answer: Answer =
            serde_json::from_str(answer.body()).context("GitHub's token is malformed")?;
        Ok(answer
            .access_token
            .ok_or_else(|| answer.error.unwrap_or_else(|| "no token".to_owned())))
    }

    /// The name of whoever `token` stands for.
    pub(super) async fn login(&self, token: &Secret) -> Result<String> {
        #[derive(Deserialize)]
        struct User {
            login: String,
        }
        let url = format!("{}/user", self.api);
        let answer = self.read(&url, token).await?;
        let status = answer.status();
        ensure!(status.is_success(), "{url} answered {status}");
        let user: User =
            serde_json::from_str(answer.body()).context("GitHub's user is malformed")?;
        Ok(user.login)
    }

    /// What `login` may do, known for five minutes.
    pub(super) async fn right(
        &self,
        login: &str,
        token: &Secret,
        repository: &str,
    ) -> Result<Right, Failure> {
        let key = (login.to_owned(), repository.to_owned());
        let is_fresh = |asked: &Instant| asked.elapsed() < FRESH;
        let mut rights = self.rights.lock().await;
        if let Some((right, asked)) = rights.get(&key)
            && is_fresh(asked)
        {
            return Ok(*right);
        }
        drop(rights);
        let right = self.ask_right(token, repository).await;
        let right = right.map_err(|error| Failure::Unreachable("GitHub", error))?;
        rights = self.rights.lock().await;
        rights.retain(|_, (_, asked)| is_fresh(asked));
        // A session that has ended may be begun anew at once.
        if right != Right::SignInAgain && rights.len() < KEPT {
            rights.insert(key, (right, Instant::now()));
        }
        Ok(right)
    }

    /// Source: <https://docs.github.com/en/rest/repos/repos#get-a-repository>
    async fn ask_right(&self, token: &Secret, repository: &str) -> Result<Right> {
        #[derive(Deserialize)]
        struct Repository {
            #[serde(default)]
            permissions: Permissions,
        }
        #[derive(Default, Deserialize)]
        struct Permissions {
            #[serde(default)]
            push: bool,
        }
        let url = format!("{}/repos/{repository}", self.api);
        let answer = self.read(&url, token).await?;
        match answer.status() {
            StatusCode::UNAUTHORIZED => Ok(Right::SignInAgain),
            // What one may not see does not exist.
            StatusCode::NOT_FOUND => Ok(Right::OnlyLook),
            status => {
                ensure!(status.is_success(), "{url} answered {status}");
                let Repository { permissions } = serde_json::from_str(answer.body())
                    .with_context(|| format!("GitHub's repository {repository} is malformed"))?;
                Ok(match permissions.push {
                    true => Right::Act,
                    false => Right::OnlyLook,
                })
            }
        }
    }

    async fn read(&self, url: &str, token: &Secret) -> Result<Response<String>> {
        let request = Request::get(url)
            .header(ACCEPT, "application/vnd.github+json")
            .header(API_VERSION.0, API_VERSION.1)
            .header(AUTHORIZATION, format!("Bearer {}", token.0))
            .body(String::new())?;
        self.http.send(request).await
    }
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    let mut encoder = form_urlencoded::Serializer::new(String::new());
    encoder.extend_pairs(pairs).finish()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
