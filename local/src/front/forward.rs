//! Requests that pass. Bodies go up as a stream; answers are read whole, as the emulator makes them.

use anyhow::Context;
use poem::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use poem::{Request, Response};

use super::State;
use crate::headers::end_to_end;

/// The emulator's answer to a request: method, path, query, headers (`Host` included, which S3
/// reads) and body as they came.
pub(super) async fn forward(state: &State, request: Request) -> anyhow::Result<Response> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |it| it.as_str());
    let mut passed = state
        .http
        .request(parts.method, format!("{}{path}", state.aws.url));
    // A stream of nothing would give a GET a body, chunked and empty.
    if [CONTENT_LENGTH, TRANSFER_ENCODING]
        .iter()
        .any(|it| parts.headers.contains_key(it))
    {
        passed = passed.body(reqwest::Body::wrap_stream(body.into_bytes_stream()));
    }
    let answer = passed
        .headers(end_to_end(&parts.headers))
        .send()
        .await
        .with_context(|| format!("pass {path} on to the emulator"))?;
    pass(answer).await
}

/// An answer of the emulator as ours.
pub(super) async fn pass(answer: reqwest::Response) -> anyhow::Result<Response> {
    let mut response = Response::builder().status(answer.status()).finish();
    *response.headers_mut() = end_to_end(answer.headers());
    response.set_body(answer.bytes().await.context("read the emulator's answer")?);
    Ok(response)
}
