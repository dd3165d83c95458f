//! The routes, and what their handlers share.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use poem::middleware::{CookieJarManager, SizeLimit};
use poem::{Endpoint, EndpointExt, Request, Response, Route, get, post};
use tokio::time::Instant;
use wire::SdkConfig;

use crate::answer::answered;
use crate::bus::Bus;
use crate::door::{self, Door};
use crate::kept::Kept;
use crate::pace::Pace;
use crate::settings::{Identity, Settings};
use crate::watch::Watch;
use crate::{act, api, asset, badge, health, live, metrics, page};

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Service {
    /// What was seen of the facts.
    pub(crate) watch: Arc<Watch>,
    /// How many rollouts a page shows.
    pub(crate) rows: usize,
    /// Where commits are linked to.
    pub(crate) github_url: String,
    /// What runs here.
    pub(crate) identity: Identity,
    /// Who may act.
    pub(crate) door: Door,
    /// What was answered, for the next who ask the same.
    pub(crate) kept: Kept,
    /// How often anybody may ask.
    pub(crate) pace: Pace,
    /// Where requests go.
    pub(crate) bus: Bus,
}

impl Service {
    /// The service over what `watch` sees.
    pub(crate) fn new(settings: &Settings, config: &SdkConfig, watch: Arc<Watch>) -> Self {
        Service {
            watch,
            rows: settings.rows,
            github_url: settings.github_url.clone(),
            identity: settings.identity.clone(),
            door: Door::new(&settings.doors, config),
            kept: Kept::default(),
            pace: Pace::new(settings.pace),
            bus: Bus::new(config),
        }
    }
}

/// The whole service.
pub(crate) fn app(service: Service) -> impl Endpoint<Output = Response> {
    let service = Arc::new(service);
    let routes = Route::new()
        .at("/", get(page::show_board))
        .at("/targets/:name", get(page::show_target))
        .at("/rollouts/:cluster/:service/:id", get(page::show_rollout))
        .at(
            "/targets/:name/:action",
            post(act::by_form.with(SizeLimit::new(act::LARGEST))),
        )
        .at(door::SIGN_IN, get(door::sign_in))
        .at(door::SIGNED_IN, get(door::signed_in))
        .at(door::SIGN_OUT, post(door::sign_out))
        .nest(api::PATH, api::routes())
        .at("/badge/:name", get(badge::badge))
        .at(health::ALIVE, get(health::alive))
        .at(health::READY, get(health::ready))
        .at(health::VERSION, get(health::version))
        .at(metrics::PATH, get(metrics::metrics))
        .at(live::PATH, get(live::events))
        .at("/style.css", get(asset::style))
        .at("/live.js", get(asset::script))
        .at("/icon.svg", get(asset::icon))
        .with(CookieJarManager::new())
        .data(service.clone());
    let asked = service.clone();
    let routes = routes.around(move |routes, request| paced(asked.clone(), routes, request));
    answered(routes, move |request, now| at_once(&service, request, now))
}

/// What needs no more than a look at what is kept.
fn at_once(service: &Service, request: &Request, now: Instant) -> Option<Response> {
    let response = service.kept.at_once(&service.watch, request, now)?;
    // Who is refused is told so by the routes.
    service.pace.ask(request).ok()?;
    Some(response)
}

/// The methods that `path` would allow.
pub(crate) fn allowed(path: &str) -> &'static str {
    let parts: Vec<_> = path.split('/').skip(1).collect();
    match parts.as_slice() {
        ["targets", _, _] | ["api", "v1", "targets", _, "requests"] => "POST",
        _ if path == door::SIGN_OUT => "POST",
        _ => "GET, HEAD",
    }
}

async fn paced(
    service: Arc<Service>,
    routes: Arc<impl Endpoint<Output = Response>>,
    request: Request,
) -> poem::Result<Response> {
    service.pace.ask(&request)?;
    let (kept, watch) = (&service.kept, &service.watch);
    kept.answer(watch, routes, request).await
}
