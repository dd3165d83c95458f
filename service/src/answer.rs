//! The one place where every answer gets its form, its headers and its line in the log.

use std::any::Any;

use poem::error::InternalServerError;
use poem::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode};
use poem::middleware::CatchPanic;
use poem::{Endpoint, EndpointExt, Request, Response};
use tokio::time::Instant;
use tracing::Level;

use crate::failure::{self, Reason};
use crate::origin::{self, Origin};
use crate::{gzip, health};

/// Nothing but our own stylesheet, icon, script, forms and stream; no frames, and no text that a script
/// turns into markup. Source: <https://www.w3.org/TR/CSP3/>, <https://www.w3.org/TR/trusted-types/>
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// What every answer says beside its policy. Badges alone are meant for other people's pages.
const HEADERS: [(HeaderName, &str); 6] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (HeaderName::from_static(RESOURCE_POLICY), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=()",
    ),
];

/// Who may embed an answer; a handler that has said so is not overruled.
pub(crate) const RESOURCE_POLICY: &str = "cross-origin-resource-policy";

/// A year, said only to who came by TLS: a browser would not believe it otherwise.
/// Source: <https://www.rfc-editor.org/rfc/rfc6797#section-7.2>
const ALWAYS_TLS: &str = "max-age=31536000";

/// What a handler said when it panicked.
#[derive(Clone)]
struct Panicked(String);

/// What `at_once` knows already at this moment, else what `routes` say, with errors and panics turned into answers.
pub(crate) fn answered(
    routes: impl Endpoint + 'static,
    at_once: impl Fn(&Request, Instant) -> Option<Response> + Send + Sync + 'static,
) -> impl Endpoint<Output = Response> {
    let routes = routes.with(CatchPanic::new().with_handler(panicked));
    Answered { routes, at_once }
}

struct Answered<E, F> {
    routes: E,
    at_once: F,
}

impl<E, F> Endpoint for Answered<E, F>
where
    E: Endpoint<Output = Response>,
    F: Fn(&Request, Instant) -> Option<Response> + Send + Sync,
{
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let start = Instant::now();
        let origin = Origin::of(&request);
        if let Some(mut response) = (self.at_once)(&request, start) {
            let (method, path) = (request.method(), request.uri().path());
            log(method, path, &origin, &response, start);
            name(response.headers_mut(), origin);
            return Ok(response);
        }
        // In a box, so that what is known already is not moved about in the room that the rest needs.
        Ok(Box::pin(self.anew(request, origin, start)).await)
    }
}

impl<E: Endpoint<Output = Response>, F> Answered<E, F> {
    async fn anew(&self, request: Request, origin: Origin, start: Instant) -> Response {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let gzip = gzip::is_taken(request.headers());
        let answer = match self.routes.call(request).await {
            Ok(response) => gzip::packed(response, gzip)
                .await
                .map_err(InternalServerError),
            Err(error) => Err(error),
        };
        let mut response = match answer {
            Ok(response) => match response.data::<Panicked>() {
                Some(Panicked(reason)) => failure::panicked(&path, origin.id(), reason),
                None => response,
            },
            Err(error) => failure::answer(&path, origin.id(), &error),
        };
        harden(response.headers_mut());
        log(&method, &path, &origin, &response, start);
        name(response.headers_mut(), origin);
        response
    }
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

/// What every answer says.
pub(crate) fn harden(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    for (name, value) in HEADERS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    headers
        .entry(CACHE_CONTROL)
        // What somebody sees who is signed in is for nobody else.
        .or_insert(HeaderValue::from_static("private, no-cache"));
}

/// What this answer says to who asked.
fn name(headers: &mut HeaderMap, origin: Origin) {
    if origin.secure {
        headers.insert(
            STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static(ALWAYS_TLS),
        );
    }
    headers.insert(origin::ID, origin.id);
}

fn log(method: &Method, path: &str, origin: &Origin, response: &Response, start: Instant) {
    let status = response.status();
    let error = response.data::<Reason>().map(|reason| reason.0.as_str());
    macro_rules! line {
        ($level:expr) => {
            tracing::event!(
                $level,
                http.method = method.as_str(),
                http.path = path,
                http.status = status.as_u16(),
                request_id = origin.id(),
                trace_id = origin.trace,
                duration_ms = start.elapsed().as_secs_f64() * 1000.0,
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

fn level(path: &str, status: StatusCode) -> Level {
    match () {
        () if status.is_server_error() => Level::ERROR,
        () if health::PROBES.contains(&path) => Level::DEBUG,
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
        let client = TestClient::new(answered(routes, |_, _| None));
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

    #[tokio::test]
    async fn an_answer_names_its_request_and_asks_for_tls_only_over_tls() {
        let routes = Route::new().at("/api/x", get(panics));
        let client = TestClient::new(answered(routes, |_, _| None));
        let plain = client
            .get("/api/x")
            .header("x-request-id", "mine-7")
            .send()
            .await;
        plain.assert_header("x-request-id", "mine-7");
        assert!(plain.0.header("strict-transport-security").is_none());
        let body = plain.0.into_body().into_string().await.expect("body");
        assert!(body.contains(r#""request_id":"mine-7""#), "{body}");
        let secure = client.get("/api/x").header("x-forwarded-proto", "https");
        let secure = secure.send().await;
        secure.assert_header("strict-transport-security", ALWAYS_TLS);
        secure.assert_header_exist("x-request-id");
    }

    #[test]
    fn levels() {
        let rows = [
            ("/", 200, Level::INFO),
            ("/", 404, Level::INFO),
            ("/", 503, Level::ERROR),
            ("/healthz", 200, Level::DEBUG),
            ("/readyz", 200, Level::DEBUG),
            ("/version", 200, Level::DEBUG),
            ("/readyz", 503, Level::ERROR),
            ("/healthz", 500, Level::ERROR),
        ];
        for (path, status, expected) in rows {
            let status = StatusCode::from_u16(status).expect("status");
            assert_eq!(level(path, status), expected, "{path} {status}");
        }
    }
}
