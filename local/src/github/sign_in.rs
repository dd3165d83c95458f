//! How people sign in: the web flow of OAuth, for one app.
//! Source: <https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>
//!
//! Who stands before the screen is not asked for a password: the page has a button for each user.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::iter;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use form_urlencoded::Serializer;
use reqwest::Url;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::call::{Answer, Call};
use super::user::{Access, User};

/// Every path of the flow begins with this.
pub(super) const PREFIX: &str = "/login/oauth/";

/// "The temporary code will expire after 10 minutes."
const CODE_LASTS: TimeDelta = TimeDelta::minutes(10);

/// Where GitHub explains what can go wrong before there is a code, and after.
const BEFORE: &str =
    "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-authorization-request-errors";
const AFTER: &str = "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors";

/// What went wrong, in GitHub's words.
type Wrong = [&'static str; 2];
const DENIED: Wrong = [
    "access_denied",
    "The user has denied your application access.",
];
const MISMATCH: Wrong = [
    "redirect_uri_mismatch",
    "The redirect_uri MUST match the registered callback URL for this application.",
];
const CREDENTIALS: Wrong = [
    "incorrect_client_credentials",
    "The client_id and/or client_secret passed are incorrect.",
];
const CODE: Wrong = [
    "bad_verification_code",
    "The code passed is incorrect or expired.",
];

/// Who can sign in, and who has.
#[derive(Debug, Default)]
pub(super) struct SignIn {
    app: Option<App>,
    users: Vec<User>,
    codes: Vec<Code>,
    tokens: BTreeMap<String, Grant>,
}

/// The app that people sign in to.
#[derive(Debug)]
struct App {
    id: String,
    secret: String,
    callback: String,
}

/// What somebody has allowed, and the app has not fetched yet.
#[derive(Debug)]
struct Code {
    code: String,
    grant: Grant,
    redirect_uri: String,
    challenge: Option<String>,
    made_at: DateTime<Utc>,
}

/// What a token stands for.
#[derive(Clone, Debug)]
struct Grant {
    login: String,
    scope: String,
}

/// What the page was opened with.
struct Asked<'a> {
    app: &'a App,
    call: &'a Call,
}

impl SignIn {
    /// Registers the app, in place of the one before.
    pub(super) fn register(&mut self, id: &str, secret: &str, callback: &str) {
        self.app = Some(App {
            id: id.to_owned(),
            secret: secret.to_owned(),
            callback: callback.to_owned(),
        });
    }

    /// Lets somebody do this with a repository; the first time, they come to be.
    pub(super) fn give(&mut self, login: &str, repository: &str, access: Access) {
        let known = self.users.iter().position(|it| it.login == login);
        let user = match known {
            Some(known) => &mut self.users[known],
            None => {
                let id = 583_231 + self.users.len() as u64;
                self.users.push_mut(User::new(login, id))
            }
        };
        user.give(repository, access);
    }

    /// Whose token this is, as far as it shows them.
    ///
    /// The user token of a GitHub App has no scopes and shows what the app is installed for. That of an OAuth app shows a
    /// private repository, which each of them is here, with the scope `repo` only.
    /// Source: <https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps>
    pub(super) fn user(&self, token: &str) -> Option<User> {
        let grant = self.tokens.get(token)?;
        let user = self.users.iter().find(|it| it.login == grant.login)?;
        let shown =
            token.starts_with("ghu_") || grant.scope.split([' ', ',']).any(|it| it == "repo");
        Some(if shown { user.clone() } else { user.blind() })
    }

    /// One step of the flow.
    pub(super) fn answer(&mut self, call: &Call, now: DateTime<Utc>) -> Answer {
        match (call.method.as_str(), call.path()) {
            ("GET", "/login/oauth/authorize") => match self.asked(call) {
                Ok(_) => self.page(),
                Err(refused) => refused,
            },
            ("POST", "/login/oauth/authorize") => self.authorize(call, now),
            ("POST", "/login/oauth/access_token") => self.exchange(call, now),
            _ => text(404, "Not Found"),
        }
    }

    /// What the page asks for, or why it does not ask.
    fn asked<'a>(&'a self, call: &'a Call) -> Result<Asked<'a>, Answer> {
        let app = self.app.as_ref();
        let app = app.filter(|it| call.asked("client_id") == Some(&it.id));
        let asked = Asked {
            app: app.ok_or_else(|| text(404, "Not Found"))?,
            call,
        };
        // A GitHub App's callback must fit exactly, an OAuth app's may go on below it: the stricter one is taken.
        // Source: https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
        if asked.redirect_uri() != asked.app.callback {
            return Err(asked.back(&error(MISMATCH, BEFORE)));
        }
        // "Only the S256 code challenge method is accepted."
        // Source: https://github.blog/changelog/2025-07-14-pkce-support-for-oauth-and-github-app-authentication
        let challenge = call.asked("code_challenge").map(str::len);
        match (challenge, call.asked("code_challenge_method")) {
            (None, None) | (Some(43), Some("S256")) => Ok(asked),
            _ => Err(text(400, "The code challenge is not one of S256")),
        }
    }

    /// A form without an action is sent to the page's own address, which says all that is asked.
    fn page(&self) -> Answer {
        let buttons = self.users.iter().map(|user| {
            let login = &user.login;
            format!("<button name=\"login\" value=\"{login}\">Authorize as {login}</button>\n")
        });
        let page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<title>Authorize</title>\n<h1>GitHub</h1>\n<form method=\"post\">\n{}\
             <button name=\"cancel\" value=\"1\">Cancel</button>\n</form>\n",
            buttons.collect::<String>()
        );
        text(200, &page)
    }

    /// Somebody has pressed a button.
    fn authorize(&mut self, call: &Call, now: DateTime<Utc>) -> Answer {
        let asked = match self.asked(call) {
            Ok(asked) => asked,
            Err(refused) => return refused,
        };
        let form = call.form();
        let login = value(&form, "login");
        if !self.users.iter().any(|it| Some(&*it.login) == login) {
            return asked.back(&error(DENIED, BEFORE));
        }
        let code = Code {
            code: random(20),
            grant: Grant {
                login: login.unwrap_or_default().to_owned(),
                scope: call.asked("scope").unwrap_or_default().to_owned(),
            },
            redirect_uri: asked.redirect_uri().to_owned(),
            challenge: call.asked("code_challenge").map(str::to_owned),
            made_at: now,
        };
        let back = asked.back(&[("code", &code.code)]);
        self.codes.push(code);
        back
    }

    /// Gives the token for a code. Errors too come with the status 200.
    /// Source: <https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors>
    fn exchange(&mut self, call: &Call, now: DateTime<Utc>) -> Answer {
        let fields = match self.token(&call.form(), now) {
            Ok(token) => token,
            Err(wrong) => error(wrong, AFTER)
                .map(|(name, it)| (name, it.to_owned()))
                .to_vec(),
        };
        if call.accept.contains("json") {
            let fields = fields
                .into_iter()
                .map(|(name, it)| (name.to_owned(), Value::from(it)));
            return Answer::new(200, fields.collect());
        }
        let form = Serializer::new(String::new()).extend_pairs(fields).finish();
        text(200, &form).with(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )
    }

    fn token(
        &mut self,
        form: &[(String, String)],
        now: DateTime<Utc>,
    ) -> Result<Vec<(&'static str, String)>, Wrong> {
        let given = |name| value(form, name);
        let app = self.app.as_ref().filter(|it| {
            given("client_id") == Some(&it.id) && given("client_secret") == Some(&it.secret)
        });
        let app = app.ok_or(CREDENTIALS)?;
        let mut codes = self.codes.iter();
        let known = codes.position(|it| given("code") == Some(&it.code));
        // Whatever comes of it, a code can be tried once.
        let code = self.codes.swap_remove(known.ok_or(CODE)?);
        // The reference names no error for a wrong verifier. It says of this one that the code "doesn't match what you
        // received in the first request".
        let proven = code.challenge.is_none_or(|challenge| {
            let verifier = given("code_verifier").unwrap_or_default();
            BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == challenge
        });
        if now - code.made_at >= CODE_LASTS || !proven {
            return Err(CODE);
        }
        if given("redirect_uri").is_some_and(|it| it != code.redirect_uri) {
            return Err(MISMATCH);
        }
        // A client id that begins so is a GitHub App's, and its user tokens have no scopes.
        // Source: https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
        let (kind, scope) = if app.id.starts_with("Iv") {
            ("ghu", String::new())
        } else {
            ("gho", code.grant.scope.replace(' ', ","))
        };
        let token = format!("{kind}_{}", random(36));
        self.tokens.insert(token.clone(), code.grant);
        Ok(vec![
            ("access_token", token),
            ("token_type", "bearer".to_owned()),
            ("scope", scope),
        ])
    }
}

impl Asked<'_> {
    /// Left out, it is the registered one.
    fn redirect_uri(&self) -> &str {
        let asked = self.call.asked("redirect_uri");
        asked.unwrap_or(&self.app.callback)
    }

    /// Sends the browser back to the app, with its own `state`.
    fn back(&self, with: &[(&str, &str)]) -> Answer {
        let state = self.call.asked("state").map(|it| ("state", it));
        match Url::parse(&self.app.callback) {
            Ok(mut url) => {
                url.query_pairs_mut().extend_pairs(with).extend_pairs(state);
                text(302, "").with("location", url)
            }
            Err(error) => text(500, &format!("{}: {error}", self.app.callback)),
        }
    }
}

fn error([code, description]: Wrong, page: &'static str) -> [(&'static str, &'static str); 3] {
    [
        ("error", code),
        ("error_description", description),
        ("error_uri", page),
    ]
}

fn value<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = form.iter().find(|(key, _)| key == name)?;
    Some(&found.1)
}

fn random(length: usize) -> String {
    iter::repeat_with(fastrand::alphanumeric)
        .take(length)
        .collect()
}

fn text(status: u16, text: &str) -> Answer {
    Answer::new(status, text.into())
}
