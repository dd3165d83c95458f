//! Answers are made and packed once, however many ask, and kept for as long as what was read for them counts as fresh.
//!
//! Only what everybody may see is kept: whoever says who they are is answered anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use poem::http::header::{CACHE_CONTROL, CONTENT_ENCODING, ETAG, IF_NONE_MATCH, SET_COOKIE};
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode};
use poem::{Body, Endpoint, EndpointExt, Request, Response};
use tokio::time::Instant;

use crate::api;
use crate::api::tag::{self, knows};
use crate::gzip;
use crate::watch::Watch;

/// Where the answer is what was read from the ledger.
const READ: [&str; 4] = ["/targets/", "/rollouts/", "/badge/", "/api/v1/"];
/// Where it is part of the program.
const BUILT_IN: [&str; 5] = [
    "/style.css",
    "/live.js",
    "/icon.svg",
    api::PATH,
    api::DESCRIBED,
];
/// By these headers a client says who it is; the last are those of a balancer that has signed somebody in. Source:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html>
const WHO: [&str; 4] = [
    "authorization",
    "cookie",
    "x-amzn-oidc-data",
    "x-amzn-oidc-identity",
];
/// So many bytes are kept at the most: some dozen pages, and a stranger who thinks of addresses finds no end.
const MOST: usize = 4 << 20;

/// What is kept, by path and query.
#[derive(Debug, Default)]
struct Kept(Mutex<HashMap<String, Answer>>);

/// An answer that was good.
#[derive(Clone, Debug)]
struct Answer {
    /// What the ledger looked like.
    print: Option<Arc<str>>,
    until: Instant,
    headers: HeaderMap,
    tag: HeaderValue,
    body: Bytes,
    /// None where packing saves nothing.
    packed: Option<Bytes>,
}

/// `routes`, asked no more often than what they read changes.
pub(crate) fn kept(
    routes: impl Endpoint<Output = Response> + 'static,
    watch: Arc<Watch>,
) -> impl Endpoint<Output = Response> {
    let kept = Arc::new(Kept::default());
    routes.around(move |routes, request| {
        let (kept, watch) = (kept.clone(), watch.clone());
        async move { kept.answer(&watch, routes, request).await }
    })
}

impl Kept {
    async fn answer(
        &self,
        watch: &Watch,
        routes: Arc<impl Endpoint<Output = Response>>,
        mut request: Request,
    ) -> poem::Result<Response> {
        let path = request.uri().path();
        let is_read = path == "/" || READ.iter().any(|begin| path.starts_with(begin));
        let is_ours = is_read || BUILT_IN.contains(&path);
        let is_known = WHO.iter().any(|name| request.headers().contains_key(*name));
        if !is_ours || is_known || request.method() != Method::GET || watch.fresh().is_zero() {
            return routes.call(request).await;
        }
        let key = request.uri().path_and_query().map(ToString::to_string);
        let key = key.unwrap_or_default();
        let asked = Asked {
            known: request.headers_mut().remove(IF_NONE_MATCH),
            gzip: gzip::is_taken(request.headers()),
        };
        let now = Instant::now();
        if let Some(answer) = self.fresh(&key, watch.print(), now) {
            return Ok(answer.to(&asked));
        }
        // Read first, so that it can be told below whether the routes have seen the same.
        let before = match is_read {
            true => match watch.seen().await {
                Ok(seen) => Some(seen.print.clone()),
                Err(_) => return routes.call(request).await,
            },
            false => None,
        };
        let response = routes.call(request).await?;
        if !may_be_kept(&response) {
            return Ok(response);
        }
        let answer = Answer::of(response, before, now + watch.fresh()).await?;
        let given = answer.to(&asked);
        if !is_read || watch.print() == answer.print {
            self.keep(key, answer);
        }
        Ok(given)
    }

    fn fresh(&self, key: &str, print: Option<Arc<str>>, now: Instant) -> Option<Answer> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = kept.get(key)?;
        let is_fresh = answer.until > now && (answer.print.is_none() || answer.print == print);
        is_fresh.then(|| answer.clone())
    }

    fn keep(&self, key: String, answer: Answer) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let size: usize = kept.values().map(Answer::size).sum();
        if size + answer.size() > MOST {
            kept.clear();
        }
        if answer.size() <= MOST {
            kept.insert(key, answer);
        }
    }
}

/// What a client knows and takes.
struct Asked {
    known: Option<HeaderValue>,
    gzip: bool,
}

impl Answer {
    async fn of(
        mut response: Response,
        print: Option<Arc<str>>,
        until: Instant,
    ) -> poem::Result<Answer> {
        let body = response.take_body().into_bytes().await?;
        let packed = match gzip::is_worth_it(response.headers(), body.len()) {
            true => Some(
                gzip::pack(&body)
                    .map_err(poem::error::InternalServerError)?
                    .into(),
            ),
            false => None,
        };
        let mut headers = std::mem::take(response.headers_mut());
        let tag = match headers.remove(ETAG) {
            Some(tag) => tag,
            None => {
                HeaderValue::from_str(&tag::tag(&body)).map_err(poem::error::InternalServerError)?
            }
        };
        Ok(Answer {
            print,
            until,
            headers,
            tag,
            body,
            packed,
        })
    }

    /// The answer, or the word that it is known already.
    fn to(&self, asked: &Asked) -> Response {
        let known = asked.known.as_ref().and_then(|it| it.to_str().ok());
        let tag = self.tag.to_str().unwrap_or_default();
        let mut response = Response::default();
        *response.headers_mut() = self.headers.clone();
        response.headers_mut().insert(ETAG, self.tag.clone());
        match &self.packed {
            _ if known.is_some_and(|known| knows(known, tag)) => {
                response.set_status(StatusCode::NOT_MODIFIED);
            }
            Some(packed) if asked.gzip => {
                let gzip = HeaderValue::from_static("gzip");
                response.headers_mut().insert(CONTENT_ENCODING, gzip);
                response.set_body(Body::from(packed.clone()));
            }
            _ => response.set_body(Body::from(self.body.clone())),
        }
        response
    }

    fn size(&self) -> usize {
        self.body.len() + self.packed.as_ref().map_or(0, Bytes::len)
    }
}

fn may_be_kept(response: &Response) -> bool {
    let headers = response.headers();
    let says = headers.get(CACHE_CONTROL).and_then(|it| it.to_str().ok());
    response.status() == StatusCode::OK
        && !headers.contains_key(SET_COOKIE)
        && !says.is_some_and(|says| says.contains("no-store"))
}

#[cfg(test)]
mod tests;
