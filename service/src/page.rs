//! The board for people. Handlers read; the pages below them are pure.

mod act;
mod board;
mod chart;
mod definition;
mod history;
mod links;
mod parts;
mod reader;
mod reference;
mod rollout;
mod steps;
mod target;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use maud::{DOCTYPE, Markup, html};
use poem::http::StatusCode;
use poem::web::{Data, Html, Path, Query};
use poem::{Request, Response, handler};
use serde::Deserialize;

use crate::app::Service;
use crate::board::Overview;
use crate::failure::Failure;
use crate::watch::{Seen, UNREADABLE};
use crate::{api, asset, find, metrics};
use reader::Reader;

/// What every page must know beside its facts.
#[derive(Clone, Copy, Debug)]
struct View<'a> {
    /// Where commits are linked to.
    github_url: &'a str,
    /// When it is looked at.
    now: DateTime<Utc>,
    /// The print of what is shown.
    print: &'a str,
    /// Who looks.
    reader: &'a Reader,
}

/// What somebody has asked for who comes back from asking.
#[derive(Deserialize)]
struct Asking {
    asked: Option<String>,
}

/// Whether a page looks for news by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refresh<'a> {
    /// When what has this print changes; every five seconds where no script runs.
    From(&'a str),
    /// Nothing on it will change.
    Never,
}

/// The first page.
#[handler]
pub(crate) async fn show_board(
    request: &Request,
    service: Data<&Arc<Service>>,
) -> Result<Html<String>, Failure> {
    let seen = service.watch.seen().await?;
    let reader = Reader::of(request, &service).await;
    let overview = Overview::of(&seen.states, service.rows);
    let page = board::page(&overview, view(&service, &seen, &reader));
    Ok(Html(page.into_string()))
}

/// A target's page.
#[handler]
pub(crate) async fn show_target(
    request: &Request,
    service: Data<&Arc<Service>>,
    Path(name): Path<String>,
    Query(Asking { asked }): Query<Asking>,
) -> Result<Html<String>, Failure> {
    let seen = service.watch.seen().await?;
    let state = find::target(&seen, &name)?;
    let past = service.watch.past(state, &seen).await?;
    let answer = match asked {
        Some(id) => Some(find::answer(&service.watch, state, &id).await?),
        None => None,
    };
    let reader = Reader::of(request, &service).await;
    let acting = reader
        .acting(&service, &state.target.github_repository)
        .await;
    let shown = target::Shown {
        state,
        delivery: &past.delivery(Utc::now()),
        actions: act::actions(state, &seen.states, &acting),
        answer: answer.as_ref(),
    };
    let page = target::page(&shown, view(&service, &seen, &reader));
    Ok(Html(page.into_string()))
}

/// A rollout's page, to which GitHub's statuses point.
#[handler]
pub(crate) async fn show_rollout(
    request: &Request,
    service: Data<&Arc<Service>>,
    Path(path): Path<[String; 3]>,
) -> Result<Html<String>, Failure> {
    let (rollout, seen) = find::rollout(&service.watch, &path).await?;
    let comparison = service.watch.comparison(&rollout, &seen).await?;
    let reader = Reader::of(request, &service).await;
    let view = view(&service, &seen, &reader);
    let page = rollout::page(&rollout, &comparison, view);
    Ok(Html(page.into_string()))
}

/// What scripts can ask, as the API's description says it.
#[handler]
pub(crate) fn show_reference() -> Result<Html<String>, Failure> {
    let description = serde_json::from_str(api::DESCRIPTION).map_err(anyhow::Error::from)?;
    Ok(Html(
        reference::page(&description, Utc::now()).into_string(),
    ))
}

/// The page that is shown instead of another. What may pass, it tries again.
pub(crate) fn failure(status: StatusCode, title: &str, detail: &str, request: &str) -> Response {
    let refresh = match status {
        StatusCode::SERVICE_UNAVAILABLE => Refresh::From(UNREADABLE),
        _ => Refresh::Never,
    };
    let body = html! {
        main.message #main {
            h1 { (status.as_u16()) " " (title) }
            p { (detail) }
            @match refresh {
                Refresh::From(_) => p.dim { "This page tries again by itself." },
                Refresh::Never => p { a href="/" { "To the board" } },
            }
            p.dim { "Request " code { (request) } }
        }
    };
    Response::builder()
        .status(status)
        .content_type("text/html; charset=utf-8")
        .body(layout(title, refresh, Utc::now(), &html! {}, &body).into_string())
}

fn view<'a>(service: &'a Service, seen: &'a Seen, reader: &'a Reader) -> View<'a> {
    View {
        reader,
        github_url: &service.github_url,
        now: Utc::now(),
        print: &seen.print,
    }
}

/// A whole document: `aside` stands at the right of the head line.
fn layout(
    title: &str,
    refresh: Refresh<'_>,
    now: DateTime<Utc>,
    aside: &Markup,
    body: &Markup,
) -> Markup {
    let seen = match refresh {
        Refresh::From(print) => Some(print),
        Refresh::Never => None,
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if seen.is_some() {
                    noscript { meta http-equiv="refresh" content="5"; }
                }
                title { (title) " · Couplet" }
                link rel="icon" href=(asset::icon_url());
                link rel="stylesheet" href=(asset::style_url());
                script src=(asset::script_url()) defer {}
            }
            body data-release=(asset::version()) data-now=(now.timestamp_millis()) data-seen=[seen] {
                a.skip href="#main" { "To the content" }
                header.top {
                    a.brand href="/" { span.mark aria-hidden="true" {} "Couplet" }
                    div.aside {
                        (aside)
                        @if seen.is_some() { span.live role="status" {} }
                    }
                }
                (body)
                footer {
                    span { "Image pushed, commit told." }
                    nav aria-label="For scripts" {
                        a href=(api::PATH) { "API" }
                        a href=(metrics::PATH) { "Metrics" }
                        a href="/version" { "Version" }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_visitor_wrote_is_text() {
        let response = failure(StatusCode::NOT_FOUND, "Not Found", "no `<script>`", "7f");
        let page = response.into_body().into_string().await.expect("page");
        assert!(page.contains("no `&lt;script&gt;`"), "{page}");
        assert!(!page.contains("http-equiv"), "{page}");
    }
}
