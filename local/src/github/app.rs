//! GitHub Apps: how one shows who it is, and the tokens that it gets for the repositories where it is installed.
//! Source: <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app>

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::call::{Answer, Call};
use super::refusal::{APPS, REST, Refusal};
use super::shape::{Home, time};

/// "The time must be no more than 10 minutes into the future."
/// Source: <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>
const LONGEST: i64 = 600;

/// A GitHub App.
#[derive(Clone, Debug)]
pub struct App {
    /// Its number.
    pub id: u64,
    /// Its private key in PEM, which GitHub does not keep.
    pub key: &'static str,
    public_key: &'static [u8],
}

impl App {
    /// The App of `cargo local` and of tests, with the key that it has first: in PKCS#1, as GitHub makes keys.
    pub const COUPLET: App = App {
        id: 1_234_567,
        key: include_str!("app/key.pkcs1.pem"),
        public_key: include_bytes!("app/key.public.der"),
    };

    /// The same App with a newer key, in PKCS#8, as other tools write keys.
    pub const COUPLET_WITH_NEWER_KEY: App = App {
        id: App::COUPLET.id,
        key: include_str!("app/newer-key.pkcs8.pem"),
        public_key: include_bytes!("app/newer-key.public.der"),
    };
}

/// An App's presence on one account: here, on one repository.
struct Installation {
    id: u64,
    app: App,
    repository: String,
}

/// A token that an App was given.
struct Token {
    text: String,
    /// `owner/name`, in lower case.
    repository: String,
    permissions: Map<String, Value>,
    expires_at: DateTime<Utc>,
}

/// All Apps, and the tokens that they have.
pub(super) struct Apps {
    installations: Vec<Installation>,
    tokens: Vec<Token>,
    lifetime: TimeDelta,
}

impl Default for Apps {
    /// "The installation access token will expire after 1 hour."
    /// Source: <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app>
    fn default() -> Apps {
        Apps {
            installations: Vec::new(),
            tokens: Vec::new(),
            lifetime: TimeDelta::hours(1),
        }
    }
}

/// What an App may do where it is installed; nobody asks for more.
const GRANTED: [(&str, &str); 3] = [
    ("deployments", "write"),
    ("metadata", "read"),
    ("statuses", "write"),
];

#[derive(Deserialize)]
struct Header {
    alg: String,
}

impl Apps {
    /// Installs an App on a repository. The key that it comes with is the one that counts from now on.
    pub(super) fn install(&mut self, app: App, repository: &str) {
        let is_same = |it: &&mut Installation| it.app.id == app.id;
        for installation in self.installations.iter_mut().filter(is_same) {
            installation.app = app.clone();
        }
        let repository = repository.to_lowercase();
        if self.installed_on(&app, &repository).is_none() {
            self.installations.push(Installation {
                id: 7_000_001 + self.installations.len() as u64,
                app,
                repository,
            });
        }
    }

    /// How long tokens are good from now on.
    pub(super) fn tokens_live_for(&mut self, lifetime: TimeDelta) {
        self.lifetime = lifetime;
    }

    /// No token that was given counts any more.
    pub(super) fn take_back_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Whether a call is one that an App makes as itself.
    pub(super) fn is_asked(call: &Call) -> bool {
        matches!(
            call.steps()[..],
            ["app", ..] | ["repos", _, _, "installation"]
        )
    }

    /// Does what an App asks for as itself. Every refusal is in the words of a real answer:
    /// <https://github.com/octokit/request.js/issues/505>, <https://github.com/octokit/rest.js/issues/218>,
    /// <https://github.com/octokit/auth-app.js/issues/698>, <https://github.com/sigmavirus24/github3.py/issues/1050>
    pub(super) fn answer(&mut self, jwt: &str, call: &Call, now: DateTime<Utc>) -> Answer {
        let answer =
            self.who(jwt, now)
                .and_then(|app| match (call.method.as_str(), &call.steps()[..]) {
                    ("GET", ["repos", owner, name, "installation"]) => {
                        self.find(&app, &format!("{owner}/{name}"), call)
                    }
                    ("POST", ["app", "installations", id, "access_tokens"]) => {
                        self.give(&app, id, call, now)
                    }
                    _ => Err(Refusal::not_found()),
                });
        answer.unwrap_or_else(Answer::from)
    }

    /// Why a call with this token is refused, if it is the token of an App; an error if it is nobody's, or expired.
    pub(super) fn refuse(
        &self,
        text: &str,
        call: &Call,
        permission: &str,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let token = self.tokens.iter().find(|it| it.text == text);
        let Some(token) = token.filter(|it| now < it.expires_at) else {
            return Err(Refusal::new(401, "Bad credentials", REST));
        };
        let ["repos", owner, name, ..] = call.steps()[..] else {
            return Ok(());
        };
        // What a token is not for is private to it.
        if format!("{owner}/{name}").to_lowercase() != token.repository {
            return Err(Refusal::not_found());
        }
        let (resource, access) = permission.split_once('=').unwrap_or_default();
        let has = token.permissions.get(resource).and_then(Value::as_str);
        match has {
            Some(has) if has == access || has == "write" => Ok(()),
            _ => {
                let message = "Resource not accessible by integration";
                Err(Refusal::new(403, message, REST))
            }
        }
    }

    fn who(&self, jwt: &str, now: DateTime<Utc>) -> Result<App, Refusal> {
        let undecodable = || Refusal::new(401, "A JSON web token could not be decoded", REST);
        let (signed, signature) = jwt.rsplit_once('.').ok_or_else(undecodable)?;
        let (header, claims) = signed.split_once('.').ok_or_else(undecodable)?;
        let part = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| undecodable());
        let json =
            |text: &str| serde_json::from_slice::<Value>(&part(text)?).map_err(|_| undecodable());
        let header: Header = serde_json::from_value(json(header)?).map_err(|_| undecodable())?;
        let claims = json(claims)?;
        let issuer = match &claims["iss"] {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        };
        let app = self
            .installations
            .iter()
            .map(|it| &it.app)
            .find(|it| Some(it.id) == issuer)
            .ok_or_else(|| Refusal::new(404, "Integration not found", REST))?;
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, app.public_key);
        let genuine = key.verify(signed.as_bytes(), &part(signature)?);
        if header.alg != "RS256" || genuine.is_err() {
            return Err(undecodable());
        }
        let wrong = |what: &str| Err(Refusal::new(401, what, REST));
        match claims["iat"].as_i64() {
            Some(issued) if issued <= now.timestamp() => {}
            _ => {
                return wrong(
                    "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
                );
            }
        }
        match claims["exp"].as_i64() {
            Some(expires) if expires > now.timestamp() + LONGEST => {
                wrong("'Expiration time' claim ('exp') is too far in the future")
            }
            Some(expires) if expires > now.timestamp() => Ok(app.clone()),
            _ => wrong(
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
            ),
        }
    }

    fn find(&self, app: &App, repository: &str, call: &Call) -> Result<Answer, Refusal> {
        let home = Home {
            base: &call.base,
            repository,
        };
        let installation = self
            .installed_on(app, &repository.to_lowercase())
            .ok_or_else(Refusal::not_found)?;
        let shape = home.installation(installation.id, app.id, granted());
        Ok(Answer::new(200, shape))
    }

    /// The refusals are in the words of real answers: <https://github.com/tibdex/github-app-token/issues/105>,
    /// <https://github.com/PyGithub/PyGithub/pull/3539>
    fn give(
        &mut self,
        app: &App,
        id: &str,
        call: &Call,
        now: DateTime<Utc>,
    ) -> Result<Answer, Refusal> {
        #[derive(Default, Deserialize)]
        struct Body {
            repositories: Option<Vec<String>>,
            permissions: Option<Map<String, Value>>,
        }
        let body: Body = match call.body.is_empty() {
            true => Body::default(),
            false => serde_json::from_slice(&call.body)
                .map_err(|_| Refusal::new(400, "Problems parsing JSON", REST))?,
        };
        let found = self.installations.iter();
        let mut found = found.filter(|it| it.app.id == app.id);
        let installation = found
            .find(|it| it.id.to_string() == id)
            .ok_or_else(Refusal::not_found)?;
        let own = installation.repository.rsplit('/').next();
        let names = body.repositories.unwrap_or_default();
        if names
            .iter()
            .any(|it| Some(it.to_lowercase().as_str()) != own)
        {
            let message = "There is at least one repository that does not exist or is not accessible to the parent installation.";
            return Err(Refusal::new(422, message, APPS));
        }
        let permissions = body.permissions.unwrap_or_else(granted);
        let granted = granted();
        let allowed = |(name, access): (&String, &Value)| {
            granted
                .get(name)
                .is_some_and(|it| it == access || it == "write")
        };
        if !permissions.iter().all(allowed) {
            let message = "The permissions requested are not granted to this installation.";
            return Err(Refusal::new(422, message, APPS));
        }
        // Reading metadata is always granted.
        let mut permissions = permissions;
        permissions.insert("metadata".to_owned(), json!("read"));
        let expires_at = now + self.lifetime;
        let token = Token {
            text: new_token(app.id),
            repository: installation.repository.clone(),
            permissions,
            expires_at,
        };
        let answer = json!({
            "token": token.text,
            "expires_at": time(expires_at),
            "permissions": token.permissions,
            "repository_selection": "selected",
        });
        self.tokens.push(token);
        Ok(Answer::new(201, answer))
    }

    fn installed_on(&self, app: &App, repository: &str) -> Option<&Installation> {
        let mut installations = self.installations.iter();
        installations.find(|it| it.app.id == app.id && it.repository == repository)
    }
}

fn granted() -> Map<String, Value> {
    let granted = GRANTED.iter();
    granted
        .map(|(name, access)| ((*name).to_owned(), json!(access)))
        .collect()
}

/// As GitHub makes them since 2026: longer than any before, and not of letters alone.
/// Source: the description of "Create an installation access token for an app" in <https://github.com/github/rest-api-description>
fn new_token(app: u64) -> String {
    let part =
        |length: usize| -> String { (0..length).map(|_| fastrand::alphanumeric()).collect() };
    format!(
        "ghs_{app}_{}.{}.{}-{}",
        part(36),
        part(180),
        part(43),
        part(42)
    )
}

#[cfg(test)]
mod tests;
