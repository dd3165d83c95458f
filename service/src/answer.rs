//! The one place where every answer gets its form, its headers and its line in the log.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use poem::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode};
use poem::middleware::CatchPanic;
use poem::{Endpoint, EndpointExt, Request, Response};
use tracing::Level;

use crate::failure::{self, Reason};
use crate::health;

/// Nothing but our own stylesheet and icon; no scripts, no frames, no forms.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a handler said when it panicked.
#[derive(Clone)]
struct Panicked(String);

/// `routes` with errors and panics turned into answers.
pub(crate) fn answered(routes: impl Endpoint + 'static) -> impl Endpoint<Output = Response> {
    routes
        .with(CatchPanic::new().with_handler(panicked))
        .around(answer)
}

async fn answer(
    routes: Arc<impl Endpoint<Output = Response>>,
    request: Request,
) -> poem::Result<Response> {
    let start = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let mut response = match routes.call(request).await {
        Ok(response) => match response.data::<Panicked>() {
            Some(Panicked(reason)) => failure::panicked(&path, reason),
            None => response,
        },
        Err(error) => failure::answer(&path, &error),
    };
    harden(response.headers_mut());
    log(&method, &path, &response, start.elapsed());
    Ok(response)
}

fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let said = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    let mut response = Response::default();
    response.set_data(Panicked(format!(
        "panicked: {}",
        said.unwrap_or("without words")
    )));
    response
}

fn harden(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-cache"));
}

fn log(method: &Method, path: &str, response: &Response, took: Duration) {
    let status = response.status();
    let error = response.data::<Reason>().map(|reason| reason.0.as_str());
    macro_rules! line {
        ($level:expr) => {
            tracing::event!(
                $level,
                http.method = method.as_str(),
                http.path = path,
                http.status = status.as_u16(),
                duration_ms = took.as_secs_f64() * 1000.0,
                error,
                "{method} {path} {}",
                status.as_u16()
            )
        };
    }
    match level(path, status) {
        Level::ERROR => line!(Level::ERROR),
        Level::DEBUG => line!(Level::DEBUG),
        _ => line!(Level::INFO),
    }
}

/// The balancer asks each task for its health every few seconds: nobody wants to read that.
fn level(path: &str, status: StatusCode) -> Level {
    match () {
        () if status.is_server_error() => Level::ERROR,
        () if path == health::PATH => Level::DEBUG,
        () => Level::INFO,
    }
}

#[cfg(test)]
mod tests {
    use poem::test::TestClient;
    use poem::{Route, get, handler};

    use super::*;

    #[handler]
    fn panics() -> &'static str {
        panic!("secret words")
    }

    #[tokio::test]
    async fn a_panic_is_a_500_in_the_form_of_its_path_and_says_nothing() {
        let routes = Route::new().at("/", get(panics)).at("/api/x", get(panics));
        let client = TestClient::new(answered(routes));
        for (path, content_type) in [
            ("/", "text/html; charset=utf-8"),
            ("/api/x", "application/problem+json"),
        ] {
            let response = client.get(path).send().await;
            response.assert_status(StatusCode::INTERNAL_SERVER_ERROR);
            response.assert_content_type(content_type);
            response.assert_header("content-security-policy", POLICY);
            let reason = response.0.data::<Reason>().expect("a reason for the log");
            assert_eq!(reason.0, "panicked: secret words");
            let body = response.0.into_body().into_string().await.expect("body");
            assert!(!body.contains("secret"), "{body}");
        }
    }

    #[test]
    fn levels() {
        let rows = [
            ("/", 200, Level::INFO),
            ("/", 404, Level::INFO),
            ("/", 503, Level::ERROR),
            ("/healthz", 200, Level::DEBUG),
            ("/healthz", 500, Level::ERROR),
        ];
        for (path, status, expected) in rows {
            let status = StatusCode::from_u16(status).expect("status");
            assert_eq!(level(path, status), expected, "{path} {status}");
        }
    }
}
