//! The token that a call to GitHub carries: one that a person made, or one that GitHub gives to our GitHub App.
//!
//! Secrets are in SSM and nowhere else, and are read anew after some minutes or when GitHub refuses them, so that they can be
//! rotated without a word to anybody. A token is opaque: GitHub has changed its length and form before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::{env, fmt};

use anyhow::{Context, Result, anyhow, bail};
use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::api::{Api, Call};
use super::jwt;

/// For so long a token that a person made is taken to be the one in SSM.
const KNOWN_FOR: TimeDelta = TimeDelta::minutes(5);
/// So long before it expires, an App's token is replaced: longer than an invocation takes, clocks that differ included.
const BEFORE_EXPIRY: TimeDelta = TimeDelta::minutes(5);

/// What is never shown: `Debug` says that there is something, and `Display` is missing.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Secret(String);

impl Secret {
    pub(super) fn new(text: String) -> Secret {
        Secret(text)
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Who we are to GitHub. Parameters are the names of SecureStrings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A person, who has made a fine-grained token.
    Token {
        /// Where the token is.
        parameter: String,
    },
    /// A GitHub App.
    App {
        /// Its App ID, or its client ID.
        id: String,
        /// Where its private key is, in PEM.
        key_parameter: String,
    },
}

impl Identity {
    /// The one that the environment's variables name.
    pub fn from_environment() -> Result<Identity> {
        Identity::named(|name| env::var(name).ok())
    }

    fn named(setting: impl Fn(&str) -> Option<String>) -> Result<Identity> {
        const TOKEN: &str = "COUPLET_GITHUB_TOKEN_PARAMETER";
        const APP: &str = "COUPLET_GITHUB_APP_ID";
        const KEY: &str = "COUPLET_GITHUB_APP_KEY_PARAMETER";
        match (setting(TOKEN), setting(APP), setting(KEY)) {
            (Some(parameter), None, None) => Ok(Identity::Token { parameter }),
            (None, Some(id), Some(key_parameter)) => Ok(Identity::App { id, key_parameter }),
            _ => {
                bail!("of the environment variables either {TOKEN} must be set, or {APP} and {KEY}")
            }
        }
    }
}

/// Tokens, and where new ones come from.
#[derive(Clone, Debug)]
pub struct Credentials {
    ssm: aws_sdk_ssm::Client,
    identity: Identity,
    /// By repository.
    known: Arc<Mutex<HashMap<String, Known>>>,
}

#[derive(Clone, Debug)]
struct Known {
    token: Secret,
    until: DateTime<Utc>,
}

/// Source: <https://docs.github.com/en/rest/apps/apps#get-a-repository-installation-for-the-authenticated-app>
#[derive(Deserialize)]
struct Installation {
    id: u64,
}

/// Source: <https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app>
#[derive(Deserialize)]
struct InstallationToken {
    token: Secret,
    expires_at: DateTime<Utc>,
}

impl Credentials {
    /// Those of `identity`, whose secrets are behind `ssm`.
    pub fn new(ssm: aws_sdk_ssm::Client, identity: Identity) -> Self {
        Credentials {
            ssm,
            identity,
            known: Arc::default(),
        }
    }

    /// A token for the repository `owner/name`.
    pub(super) async fn token(&self, api: &Api, repository: &str) -> Result<Secret> {
        let known = self.known().get(repository).cloned();
        match known.filter(|known| Utc::now() < known.until) {
            Some(known) => Ok(known.token),
            None => self.new_token(api, repository).await,
        }
    }

    /// Another token than the one that GitHub has just refused, if there is another.
    pub(super) async fn renewed(
        &self,
        api: &Api,
        repository: &str,
        refused: &Secret,
    ) -> Result<Secret> {
        self.known().retain(|_, known| known.token != *refused);
        self.token(api, repository).await
    }

    /// What to look at when GitHub refuses a token that has just been read or made.
    pub(super) fn hint(&self) -> String {
        match &self.identity {
            Identity::Token { parameter } => {
                format!("GitHub does not take the token in the parameter {parameter}")
            }
            Identity::App { id, .. } => {
                format!("GitHub does not take the token that it gave to the GitHub App {id}")
            }
        }
    }

    async fn new_token(&self, api: &Api, repository: &str) -> Result<Secret> {
        let known = match &self.identity {
            Identity::Token { parameter } => {
                let token = self.read("GitHub's token", parameter).await?;
                Known {
                    // A file's last line ends with a break, which no header may hold.
                    token: Secret::new(token.reveal().trim().to_owned()),
                    until: Utc::now() + KNOWN_FOR,
                }
            }
            Identity::App { id, key_parameter } => {
                let key = self.read("the GitHub App's key", key_parameter).await?;
                let jwt = jwt::signed(id, &key, Utc::now()).with_context(|| {
                    format!("the parameter {key_parameter} does not hold the key of a GitHub App")
                })?;
                let made = installation_token(api, repository, &jwt).await;
                // Whatever it is, it is not the record that is refused: people can put it right.
                made.map_err(|error| {
                    anyhow!(
                        "the GitHub App {id} gets no token for {repository} (it must be installed there and may write commit \
                         statuses and deployments): {error:#}"
                    )
                })?
            }
        };
        let token = known.token.clone();
        self.known().insert(repository.to_owned(), known);
        Ok(token)
    }

    async fn read(&self, what: &str, parameter: &str) -> Result<Secret> {
        let answer = self
            .ssm
            .get_parameter()
            .name(parameter)
            .with_decryption(true)
            .send()
            .await
            .with_context(|| format!("cannot read {what} from the parameter {parameter}"))?;
        let value = answer.parameter.and_then(|parameter| parameter.value);
        let value = value.with_context(|| format!("the parameter {parameter} is empty"))?;
        Ok(Secret::new(value))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token that can do no more than it is needed for: this repository, and two permissions.
async fn installation_token(api: &Api, repository: &str, jwt: &Secret) -> Result<Known> {
    let find = Call {
        method: Method::GET,
        path: &format!("repos/{repository}/installation"),
        query: &[],
        body: None,
    };
    let Installation { id } = api.call(&find, jwt).await?;
    let name = repository.rsplit('/').next().unwrap_or_default();
    let body = json!({
        "repositories": [name],
        "permissions": { "deployments": "write", "statuses": "write" },
    });
    let make = Call {
        method: Method::POST,
        path: &format!("app/installations/{id}/access_tokens"),
        query: &[],
        body: Some(&body),
    };
    let InstallationToken { token, expires_at } = api.call(&make, jwt).await?;
    Ok(Known {
        token,
        until: expires_at - BEFORE_EXPIRY,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_kind_is_named_whole_and_alone() {
        let named = |set: &[&str]| {
            Identity::named(|name| {
                let found = set.iter().find(|it| name.ends_with(*it));
                found.map(|_| name.to_lowercase())
            })
        };
        let token = named(&["TOKEN_PARAMETER"]).expect("a token");
        assert!(matches!(token, Identity::Token { .. }), "{token:?}");
        let app = named(&["APP_ID", "APP_KEY_PARAMETER"]).expect("an App");
        let expected = Identity::App {
            id: "couplet_github_app_id".to_owned(),
            key_parameter: "couplet_github_app_key_parameter".to_owned(),
        };
        assert_eq!(app, expected);
        for wrong in [
            &[][..],
            &["APP_ID"],
            &["APP_KEY_PARAMETER"],
            &["TOKEN_PARAMETER", "APP_ID"],
            &["TOKEN_PARAMETER", "APP_ID", "APP_KEY_PARAMETER"],
        ] {
            let error = named(wrong).expect_err("neither").to_string();
            for name in ["TOKEN_PARAMETER", "APP_ID", "APP_KEY_PARAMETER"] {
                let name = format!("COUPLET_GITHUB_{name}");
                assert!(error.contains(&name), "{wrong:?}: {error}");
            }
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let known = Known {
            token: Secret::new("ghs_1234".to_owned()),
            until: DateTime::UNIX_EPOCH,
        };
        assert!(!format!("{known:?}").contains("1234"), "{known:?}");
    }
}
