//! Answers are made and packed once, however many ask, and kept for as long as what was read for them counts as fresh.
//!
//! Only what everybody may see is kept: whoever says who they are is answered anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use poem::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, COOKIE, ETAG, HeaderName, IF_NONE_MATCH,
    SET_COOKIE,
};
use poem::http::uri::PathAndQuery;
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode};
use poem::{Body, Endpoint, Request, Response};
use tokio::time::Instant;

use crate::api::tag::{self, knows};
use crate::watch::Watch;
use crate::{answer, api, gzip, health, origin};

/// Where the answer is what was read from the ledger.
const READ: [&str; 4] = ["/targets/", "/rollouts/", "/badge/", "/api/v1/"];
/// Where it is part of the program.
const BUILT_IN: [&str; 7] = [
    "/style.css",
    "/live.js",
    "/icon.svg",
    health::ALIVE,
    health::VERSION,
    api::PATH,
    api::DESCRIBED,
];
/// By these headers a client says who it is; the last are those of a balancer that has signed somebody in. Source:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html>
const WHO: [HeaderName; 4] = [
    AUTHORIZATION,
    COOKIE,
    HeaderName::from_static("x-amzn-oidc-data"),
    HeaderName::from_static("x-amzn-oidc-identity"),
];
/// So many bytes are kept at the most: some dozen pages, and a stranger who thinks of addresses finds no end.
const MOST: usize = 4 << 20;

/// What is kept, by path and query.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<HashMap<String, Arc<Answer>>>);

/// An answer that was good.
#[derive(Debug)]
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

/// Where an answer comes from.
#[derive(Clone, Copy, PartialEq)]
enum Source {
    Ledger,
    Program,
}

impl Kept {
    /// The answer to `request`, if one is kept that is still fresh at `now`.
    pub(crate) fn at_once(
        &self,
        watch: &Watch,
        request: &Request,
        now: Instant,
    ) -> Option<Response> {
        let key = key(request, source(request)?);
        let answer = self.fresh(key, watch, now)?;
        Some(answer.to(request.headers()))
    }

    /// The answer of `routes`, kept if it may be.
    pub(crate) async fn answer(
        &self,
        watch: &Watch,
        routes: Arc<impl Endpoint<Output = Response>>,
        mut request: Request,
    ) -> poem::Result<Response> {
        let Some(source) = source(&request).filter(|_| !watch.fresh().is_zero()) else {
            return routes.call(request).await;
        };
        let key = key(&request, source).to_owned();
        let headers = request.headers().clone();
        request.headers_mut().remove(IF_NONE_MATCH);
        let until = Instant::now() + watch.fresh();
        // Read first, so that it can be told below whether the routes have seen the same.
        let before = match source {
            Source::Ledger => match watch.seen().await {
                Ok(seen) => Some(seen.print.clone()),
                Err(_) => return routes.call(request).await,
            },
            Source::Program => None,
        };
        let response = routes.call(request).await?;
        if !may_be_kept(&response) {
            return Ok(response);
        }
        let answer = Answer::of(response, before, until).await?;
        let given = answer.to(&headers);
        if source == Source::Program || watch.print() == answer.print {
            self.keep(key, answer);
        }
        Ok(given)
    }

    fn fresh(&self, key: &str, watch: &Watch, now: Instant) -> Option<Arc<Answer>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = kept.get(key)?;
        let is_same = answer.print.is_none() || answer.print == watch.print();
        (is_same && answer.until > now).then(|| answer.clone())
    }

    fn keep(&self, key: String, answer: Answer) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let size: usize = kept.values().map(|answer| answer.size()).sum();
        if size + answer.size() > MOST {
            kept.clear();
        }
        if answer.size() <= MOST {
            kept.insert(key, Arc::new(answer));
        }
    }
}

/// Where the answer to `request` comes from, if everybody gets the same.
fn source(request: &Request) -> Option<Source> {
    let path = request.uri().path();
    let source = match () {
        () if BUILT_IN.contains(&path) => Source::Program,
        () if path == "/" || READ.iter().any(|begin| path.starts_with(begin)) => Source::Ledger,
        () => return None,
    };
    let is_known = request.headers().keys().any(|name| WHO.contains(name));
    (request.method() == Method::GET && !is_known).then_some(source)
}

/// By what an answer is found again. What is part of the program is the same whatever is asked for after a `?`: a stranger who
/// thinks of questions keeps nothing more here, though some of these paths are asked without being counted.
fn key(request: &Request, source: Source) -> &str {
    match source {
        Source::Program => request.uri().path(),
        Source::Ledger => {
            let path = request.uri().path_and_query();
            path.map(PathAndQuery::as_str).unwrap_or_default()
        }
    }
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
        let tag = match headers.get(ETAG) {
            Some(tag) => tag.clone(),
            None => {
                HeaderValue::from_str(&tag::tag(&body)).map_err(poem::error::InternalServerError)?
            }
        };
        headers.insert(ETAG, tag.clone());
        gzip::varies(&mut headers);
        answer::harden(&mut headers);
        // So that nothing grows when each request gets its name.
        headers.insert(origin::ID, HeaderValue::from_static(""));
        headers.reserve(2);
        Ok(Answer {
            print,
            until,
            headers,
            tag,
            body,
            packed,
        })
    }

    /// The answer to who asks with these headers, or the word that it is known already.
    fn to(&self, asked: &HeaderMap) -> Response {
        let known = asked.get(IF_NONE_MATCH).and_then(|it| it.to_str().ok());
        let tag = || self.tag.to_str().unwrap_or_default();
        let mut response = Response::default();
        *response.headers_mut() = self.headers.clone();
        match &self.packed {
            _ if known.is_some_and(|known| knows(known, tag())) => {
                response.set_status(StatusCode::NOT_MODIFIED);
            }
            Some(packed) if gzip::is_taken(asked) => {
                let gzip = HeaderValue::from_static("gzip");
                response.headers_mut().insert(CONTENT_ENCODING, gzip);
                response.set_body(Body::from(packed.clone()));
            }
            _ => response.set_body(Body::from(self.body.clone())),
        }
        response
    }

    fn size(&self) -> usize {
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| name.as_str().len() + value.len());
        self.body.len() + self.packed.as_ref().map_or(0, Bytes::len) + headers.sum::<usize>()
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
