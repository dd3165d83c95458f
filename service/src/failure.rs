//! Why a request is not answered: a page for people, problem+json for scripts.

use std::fmt;

use poem::error::ResponseError;
use poem::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use poem::http::{HeaderMap, HeaderValue, StatusCode};
use poem::web::Json;
use poem::{IntoResponse, Response};
use serde::Serialize;

use crate::{app, page};

/// Why a request is not answered.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There is no such thing.
    Missing(String),
    /// The request is not one that can be answered; the sentence says why.
    Refused(String),
    /// Whoever asks is not known, and must be.
    Unknown,
    /// Whoever asks may not do this; the sentence says why.
    Forbidden(String),
    /// Whoever asks has asked too often; so many seconds later they may again.
    Hurried(u64),
    /// More pages listen than the service has room for.
    Crowded,
    /// The ledger cannot be read. The reason is for the log alone.
    Unreadable(anyhow::Error),
    /// Somebody else who is named cannot be asked. The reason is for the log alone.
    Unreachable(&'static str, anyhow::Error),
}

/// What went wrong, for the line in the log.
#[derive(Clone)]
pub(crate) struct Reason(pub(crate) String);

/// The body of an error, for scripts. Source: <https://www.rfc-editor.org/rfc/rfc9457>
#[derive(Serialize)]
struct Problem<'a> {
    title: &'a str,
    status: u16,
    detail: &'a str,
    request_id: &'a str,
}

/// The answer to the request `id` for `path` that failed with `error`; it carries the [`Reason`].
pub(crate) fn answer(path: &str, id: &str, error: &poem::Error) -> Response {
    let failure = error.downcast_ref::<Failure>();
    let mut response = render(path, id, error.status(), &detail(failure, error.status()));
    say_how(response.headers_mut(), path, error.status(), failure);
    response.set_data(Reason(match failure {
        Some(Failure::Unreadable(reason) | Failure::Unreachable(_, reason)) => {
            format!("{reason:#}")
        }
        _ => error.to_string(),
    }));
    response
}

/// Some answers must say by what a request would have been granted.
/// Sources: <https://www.rfc-editor.org/rfc/rfc9110#section-15.5.6>, `#section-15.5.2` there, and
/// <https://www.rfc-editor.org/rfc/rfc6585#section-4>
fn say_how(headers: &mut HeaderMap, path: &str, status: StatusCode, failure: Option<&Failure>) {
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static(app::allowed(path)));
    }
    match failure {
        Some(Failure::Unknown) => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Some(Failure::Hurried(seconds)) => {
            headers.insert(RETRY_AFTER, HeaderValue::from(*seconds));
        }
        _ => {}
    }
}

/// The answer to the request `id` for `path` whose handler panicked.
pub(crate) fn panicked(path: &str, id: &str, reason: &str) -> Response {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    let mut response = render(path, id, status, &detail(None, status));
    response.set_data(Reason(reason.to_owned()));
    response
}

/// A failure with `status` in the form that `path` wants.
fn render(path: &str, id: &str, status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    if path == "/api" || path.starts_with("/api/") {
        let problem = Problem {
            title,
            status: status.as_u16(),
            detail,
            request_id: id,
        };
        Json(problem)
            .with_content_type("application/problem+json")
            .with_status(status)
            .into_response()
    } else {
        page::failure(status, title, detail, id)
            .with_status(status)
            .into_response()
    }
}

fn detail(failure: Option<&Failure>, status: StatusCode) -> String {
    match (failure, status) {
        (Some(Failure::Missing(what)), _) => format!("There is no {what}."),
        (Some(Failure::Refused(why)), _) => why.clone(),
        (Some(Failure::Unknown), _) => "Sign in, or send a token that is known here.".to_owned(),
        (Some(Failure::Forbidden(why)), _) => why.clone(),
        (Some(Failure::Hurried(seconds)), _) => {
            format!("You ask too often. Wait for {seconds} s.")
        }
        (Some(Failure::Unreachable(who, _)), _) => format!("At the moment {who} cannot be asked."),
        (Some(Failure::Crowded), _) => "Too many listen already.".to_owned(),
        (Some(Failure::Unreadable(_)), _) => "The ledger cannot be read at the moment.".to_owned(),
        (None, StatusCode::NOT_FOUND) => "There is nothing at this address.".to_owned(),
        (None, StatusCode::METHOD_NOT_ALLOWED) => "This is not done with this address.".to_owned(),
        (None, status) if status.is_client_error() => "The request is not understood.".to_owned(),
        (None, _) => "Something is wrong with the board itself; its log says what.".to_owned(),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Missing(what) => write!(f, "there is no {what}"),
            Failure::Refused(why) => f.write_str(why),
            Failure::Unknown => f.write_str("nobody who is known"),
            Failure::Forbidden(why) => f.write_str(why),
            Failure::Hurried(_) => f.write_str("asked too often"),
            Failure::Unreachable(who, _) => write!(f, "{who} cannot be asked"),
            Failure::Crowded => f.write_str("too many listen already"),
            Failure::Unreadable(_) => f.write_str("the ledger cannot be read"),
        }
    }
}

impl std::error::Error for Failure {}

impl ResponseError for Failure {
    fn status(&self) -> StatusCode {
        match self {
            Failure::Missing(_) => StatusCode::NOT_FOUND,
            Failure::Refused(_) => StatusCode::BAD_REQUEST,
            Failure::Unknown => StatusCode::UNAUTHORIZED,
            Failure::Forbidden(_) => StatusCode::FORBIDDEN,
            Failure::Hurried(_) => StatusCode::TOO_MANY_REQUESTS,
            Failure::Crowded | Failure::Unreadable(_) | Failure::Unreachable(..) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Unreadable(error)
    }
}
