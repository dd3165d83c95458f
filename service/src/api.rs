//! The board for scripts, as `static/openapi.json` describes it.

mod cursor;
pub(crate) mod tag;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::Utc;
use ledger::{Rollout, RolloutId};
use poem::middleware::SizeLimit;
use poem::web::{Data, Path};
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response, Route, get, handler, post};
use serde::Serialize;

use crate::app::Service;
use crate::board::State;
use crate::delivery::Delivery;
use crate::difference::Change;
use crate::failure::Failure;
use crate::{act, find, page};
use cursor::Wanted;

/// Where it begins, and where people read about it.
pub(crate) const PATH: &str = "/api/v1";
/// Where programs read about it.
pub(crate) const DESCRIBED: &str = "/api/v1/openapi.json";
/// Its description. Source: <https://spec.openapis.org/oas/v3.1.1.html>
pub(crate) const DESCRIPTION: &str = include_str!("../static/openapi.json");

#[derive(Serialize)]
struct Detail<'a> {
    #[serde(flatten)]
    state: &'a State,
    delivery: Delivery,
}

#[derive(Serialize)]
struct Page {
    rollouts: Vec<Rollout>,
    /// Where the next page begins.
    next: Option<String>,
}

#[derive(Serialize)]
struct Difference<'a> {
    before: Option<&'a RolloutId>,
    changes: Option<&'a [Change]>,
}

/// Everything below [`PATH`].
pub(crate) fn routes() -> impl Endpoint<Output = Response> {
    Route::new()
        .at("/", get(page::show_reference))
        .at("/targets", get(all_targets))
        .at("/targets/:name", get(one_target))
        .at("/targets/:name/rollouts", get(some_rollouts))
        .at(
            "/targets/:name/requests",
            post(act::by_script.with(SizeLimit::new(act::LARGEST))),
        )
        .at("/targets/:name/requests/:id", get(one_request))
        .at("/rollouts/:cluster/:service/:id", get(one_rollout))
        .at(
            "/rollouts/:cluster/:service/:id/difference",
            get(one_difference),
        )
        .at("/openapi.json", get(description))
}

/// Every target: what runs, and what is under way.
#[handler]
async fn all_targets(request: &Request, service: Data<&Arc<Service>>) -> Result<Response, Failure> {
    let seen = service.watch.seen().await?;
    tag::json(request, &seen.states)
}

/// One target, and how well it is delivered to.
#[handler]
async fn one_target(
    request: &Request,
    service: Data<&Arc<Service>>,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let seen = service.watch.seen().await?;
    let state = find::target(&seen, &name)?;
    let past = service.watch.past(state, &seen).await?;
    let delivery = past.delivery(Utc::now());
    tag::json(request, &Detail { state, delivery })
}

/// The rollouts of a target, newest first, a page at a time.
#[handler]
async fn some_rollouts(
    request: &Request,
    service: Data<&Arc<Service>>,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let wanted = Wanted::of(request.uri().query())?;
    let seen = service.watch.seen().await?;
    let key = find::target(&seen, &name)?.target.key();
    let before = wanted.before.as_ref();
    let (rollouts, more) = service.watch.older(&key, before, wanted.limit).await?;
    let last = rollouts.last().filter(|_| more);
    let next = last.map(|rollout| rollout.id.to_string());
    tag::json(request, &Page { rollouts, next })
}

/// One rollout.
#[handler]
async fn one_rollout(
    request: &Request,
    service: Data<&Arc<Service>>,
    Path(path): Path<[String; 3]>,
) -> Result<Response, Failure> {
    let (rollout, _) = find::rollout(&service.watch, &path).await?;
    tag::json(request, &rollout)
}

/// What has become of a request.
#[handler]
async fn one_request(
    request: &Request,
    service: Data<&Arc<Service>>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let seen = service.watch.seen().await?;
    let state = find::target(&seen, &name)?;
    tag::json(request, &find::answer(&service.watch, state, &id).await?)
}

/// What differs between a rollout's task definition and the one that ran before.
#[handler]
async fn one_difference(
    request: &Request,
    service: Data<&Arc<Service>>,
    Path(path): Path<[String; 3]>,
) -> Result<Response, Failure> {
    let (rollout, seen) = find::rollout(&service.watch, &path).await?;
    let comparison = service.watch.comparison(&rollout, &seen).await?;
    let difference = Difference {
        before: comparison.before.as_ref().map(|before| &before.id),
        changes: comparison.changes.as_deref(),
    };
    tag::json(request, &difference)
}

#[handler]
fn description() -> Response {
    DESCRIPTION
        .with_content_type("application/json")
        .into_response()
}
