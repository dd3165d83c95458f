//! The routes, and what their handlers share.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use poem::{Endpoint, EndpointExt, Response, Route, get};

use crate::answer::answered;
use crate::kept::kept;
use crate::settings::{Identity, Settings};
use crate::watch::Watch;
use crate::{api, asset, badge, health, live, metrics, page};

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
}

impl Service {
    /// The service over what `watch` sees.
    pub(crate) fn new(settings: &Settings, watch: Arc<Watch>) -> Self {
        Service {
            watch,
            rows: settings.rows,
            github_url: settings.github_url.clone(),
            identity: settings.identity.clone(),
        }
    }
}

/// The whole service.
pub(crate) fn app(service: Service) -> impl Endpoint<Output = Response> {
    let watch = service.watch.clone();
    let routes = Route::new()
        .at("/", get(page::show_board))
        .at("/targets/:name", get(page::show_target))
        .at("/rollouts/:cluster/:service/:id", get(page::show_rollout))
        .nest(api::PATH, api::routes())
        .at("/badge/:name", get(badge::badge))
        .at(health::ALIVE, get(health::alive))
        .at(health::READY, get(health::ready))
        .at("/version", get(health::version))
        .at(metrics::PATH, get(metrics::metrics))
        .at(live::PATH, get(live::events))
        .at("/style.css", get(asset::style))
        .at("/live.js", get(asset::script))
        .at("/icon.svg", get(asset::icon))
        .data(Arc::new(service));
    answered(kept(routes, watch))
}
