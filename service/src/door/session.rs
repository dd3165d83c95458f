//! Signing in with GitHub, and the cookie by which somebody is known from then on. All of a session is in that cookie,
//! sealed by a key that every task makes of the same secret: nothing is kept here.

use std::sync::Arc;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use poem::web::cookie::{Cookie, CookieJar, CookieKey, SameSite};
use poem::web::{Data, Query, Redirect};
use poem::{IntoResponse, Request, Response, handler};
use ring::rand::{SecureRandom, SystemRandom};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha512};

use super::github::GitHub;
use super::{Actor, Secret, origin};
use crate::app::Service;
use crate::failure::Failure;
use crate::origin::Origin;

/// Where signing in begins, where GitHub sends people back to, and where it ends.
pub(crate) const SIGN_IN: &str = "/sign-in";
pub(crate) const SIGNED_IN: &str = "/signed-in";
pub(crate) const SIGN_OUT: &str = "/sign-out";

const SESSION: &str = "couplet";
const TRIP: &str = "couplet-sign-in";
/// As long as GitHub's own tokens of this kind last.
const SESSION_LASTS: TimeDelta = TimeDelta::hours(8);
/// As long as GitHub's codes last.
const TRIP_LASTS: TimeDelta = TimeDelta::minutes(10);

/// Who is known by their cookie.
#[derive(Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) login: String,
    pub(super) token: Secret,
    until: DateTime<Utc>,
}

/// Somebody's way to GitHub and back.
#[derive(Serialize, Deserialize)]
struct Trip {
    state: String,
    verifier: String,
    to: String,
    until: DateTime<Utc>,
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    to: Option<String>,
}

/// What GitHub sends along with whom it sends back.
#[derive(Deserialize)]
pub(crate) struct Back {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

impl Session {
    /// The session that `request` carries, unless it has ended.
    pub(super) async fn of(request: &Request, github: &GitHub) -> Result<Option<Session>, Failure> {
        let jar = request.cookie();
        let name = name(SESSION, &Origin::of(request));
        // Who brings no cookie costs no look at the secret.
        if jar.get(&name).is_none() {
            return Ok(None);
        }
        let key = key(github).await?;
        let session: Option<Session> = opened(jar, &key, &name);
        Ok(session.filter(|session| session.until > Utc::now()))
    }
}

/// Sends somebody to GitHub, unless the balancer has asked who they are before it let them come here.
#[handler]
pub(crate) async fn sign_in(
    request: &Request,
    service: Data<&Arc<Service>>,
    Query(Wanted { to }): Query<Wanted>,
) -> Result<Response, Failure> {
    let to = to.filter(|to| is_local(to));
    let to = to.unwrap_or_else(|| "/".to_owned());
    if let Some(Actor::Colleague(_)) = service.door.actor(request).await? {
        return Ok(Redirect::see_other(to).into_response());
    }
    let github = service.door.github()?;
    let trip = Trip {
        state: random()?,
        verifier: random()?,
        to,
        until: Utc::now() + TRIP_LASTS,
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&trip.verifier));
    let url = github.authorize_url(&trip.state, &challenge);
    seal(request, &key(github).await?, TRIP, &trip, TRIP_LASTS)?;
    Ok(Redirect::see_other(url).into_response())
}

/// Takes in whom GitHub sends back.
#[handler]
pub(crate) async fn signed_in(
    request: &Request,
    service: Data<&Arc<Service>>,
    Query(back): Query<Back>,
) -> Result<Response, Failure> {
    let github = service.door.github()?;
    let key = key(github).await?;
    let name = name(TRIP, &Origin::of(request));
    let trip: Option<Trip> = opened(request.cookie(), &key, &name);
    take_back(request, TRIP);
    // Who did not set out from here may have been sent by somebody who wants them signed in as somebody else.
    let trip = trip
        .filter(|trip| Some(&trip.state) == back.state.as_ref() && trip.until > Utc::now())
        .ok_or_else(|| refused("You have not set out from here, or too long ago."))?;
    let Some(code) = back.code else {
        return Err(turned_back(back.error.as_deref()));
    };
    let unreachable = |error| Failure::Unreachable("GitHub", error);
    let token = github.exchange(&code, &trip.verifier).await;
    let token = token.map_err(unreachable)?.map_err(|error| {
        tracing::warn!(github.error = error, "GitHub let nobody in: {error}");
        refused("GitHub does not know who you are. Please sign in once more.")
    })?;
    let login = github.login(&token).await.map_err(unreachable)?;
    tracing::info!(actor.name = login, "{login} signed in");
    let until = Utc::now() + SESSION_LASTS;
    let session = Session {
        login,
        token,
        until,
    };
    seal(request, &key, SESSION, &session, SESSION_LASTS)?;
    Ok(Redirect::see_other(trip.to).into_response())
}

/// Ends a session.
#[handler]
pub(crate) async fn sign_out(request: &Request) -> Result<Response, Failure> {
    if !origin::is_ours(request.headers()) {
        return Err(refused("This came from another site's page."));
    }
    take_back(request, SESSION);
    Ok(Redirect::see_other("/").into_response())
}

/// Why GitHub sends somebody back without a code.
/// Source: <https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-authorization-request-errors>
fn turned_back(error: Option<&str>) -> Failure {
    if error == Some("access_denied") {
        return refused("GitHub says that you do not want to be known here.");
    }
    tracing::warn!(
        github.error = error,
        "GitHub sent somebody back without a code"
    );
    refused("GitHub sends you back without saying who you are; the board's log has its reason.")
}

fn refused(why: &str) -> Failure {
    Failure::Forbidden(why.to_owned())
}

/// Whether an address is a path of ours, and not another site's address in disguise.
fn is_local(to: &str) -> bool {
    to.starts_with('/')
        && !to.starts_with("//")
        && to
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// Over TLS a browser takes a cookie of such a name from nobody but this very host.
/// Source: <https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes>
fn name(name: &str, origin: &Origin) -> String {
    match origin.secure {
        true => format!("__Host-{name}"),
        false => name.to_owned(),
    }
}

fn opened<T: DeserializeOwned>(jar: &CookieJar, key: &CookieKey, name: &str) -> Option<T> {
    jar.private_with_key(key).get(name)?.value().ok()
}

fn seal(
    request: &Request,
    key: &CookieKey,
    cookie: &str,
    value: &impl Serialize,
    lasts: TimeDelta,
) -> Result<()> {
    let text = serde_json::to_string(value).context("cannot write a cookie")?;
    let mut cookie = bare(request, cookie);
    cookie.set_value_str(text);
    cookie.set_max_age(lasts.to_std().context("a cookie lasts less than no time")?);
    request.cookie().private_with_key(key).add(cookie);
    Ok(())
}

fn take_back(request: &Request, cookie: &str) {
    let mut cookie = bare(request, cookie);
    cookie.make_removal();
    request.cookie().add(cookie);
}

/// `Lax`: GitHub sends people back by a link, and a cookie that is `Strict` would not come along.
fn bare(request: &Request, cookie: &str) -> Cookie {
    let origin = Origin::of(request);
    let mut cookie = Cookie::named(name(cookie, &origin));
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_secure(origin.secure);
    cookie.set_same_site(SameSite::Lax);
    cookie
}

/// Every task makes the same key, and a changed secret ends every session.
async fn key(github: &GitHub) -> Result<CookieKey, Failure> {
    let secret = github.secret.value().await;
    let secret = secret.map_err(|error| Failure::Unreachable("SSM", error))?;
    let digest = Sha512::new()
        .chain_update("couplet's sessions\n")
        .chain_update(&secret.0)
        .finalize();
    Ok(CookieKey::from(&digest))
}

/// 256 random bits.
fn random() -> Result<String> {
    let mut bytes = [0; 32];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| anyhow::anyhow!("the system has no random numbers"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_ours_is_gone_back_to() {
        for (to, expected) in [
            ("/", true),
            ("/targets/web?asked=1", true),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example", false),
            ("/\r\nset-cookie: a=b", false),
            ("", false),
        ] {
            assert_eq!(is_local(to), expected, "{to}");
        }
    }

    #[test]
    fn over_tls_the_cookie_is_for_this_host_alone() {
        let plain = Request::default();
        let secure = Request::builder()
            .header("x-forwarded-proto", "https")
            .finish();
        assert_eq!(
            bare(&plain, SESSION).to_string(),
            "couplet=; HttpOnly; SameSite=Lax; Path=/"
        );
        assert_eq!(
            bare(&secure, SESSION).to_string(),
            "__Host-couplet=; HttpOnly; SameSite=Lax; Secure; Path=/"
        );
    }
}
