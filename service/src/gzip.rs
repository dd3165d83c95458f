//! Smaller answers for who takes them.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use poem::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use poem::http::{HeaderMap, HeaderValue};
use poem::{Body, Response};

/// Below this the headers weigh more than what is saved.
const LEAST: usize = 1024;
/// What is text. A stream is not among them: it would stay in the encoder until it ends.
const KINDS: [&str; 6] = [
    "text/html",
    "text/css",
    "text/javascript",
    "text/plain",
    "application/json",
    "image/svg+xml",
];

/// Whether who asked with these headers takes gzip.
pub(crate) fn is_taken(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|it| it.to_str().ok());
    accepted.unwrap_or_default().split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().trim_start_matches("q=");
        name.trim() == "gzip" && weight.parse().unwrap_or(1.0) > 0.0
    })
}

/// The same answer, smaller if that is worth it.
pub(crate) async fn packed(mut response: Response, taken: bool) -> std::io::Result<Response> {
    if !is_text(response.headers()) {
        return Ok(response);
    }
    let headers = response.headers_mut();
    varies(headers);
    if !taken || headers.contains_key(CONTENT_ENCODING) {
        return Ok(response);
    }
    let body = response.take_body().into_vec().await;
    let body = body.map_err(std::io::Error::other)?;
    if !is_worth_it(response.headers(), body.len()) {
        response.set_body(Body::from(body));
        return Ok(response);
    }
    response.set_body(Body::from(pack(&body)?));
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Ok(response)
}

/// Says of a text that it comes in two forms.
pub(crate) fn varies(headers: &mut HeaderMap) {
    if is_text(headers) {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
}

/// Whether a body of this length, under these headers, is smaller afterwards.
pub(crate) fn is_worth_it(headers: &HeaderMap, length: usize) -> bool {
    is_text(headers) && length >= LEAST
}

/// The same bytes, smaller.
pub(crate) fn pack(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next();
    kind.is_some_and(|kind| KINDS.contains(&kind))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use poem::Request;

    use super::*;

    fn answer(kind: &str, length: usize) -> Response {
        Response::builder()
            .content_type(kind)
            .body("x".repeat(length))
    }

    #[test]
    fn who_takes_gzip() {
        for (accepted, expected) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, gzip;q=0.5", true),
            ("gzip;q=0", false),
            ("br", false),
            ("", false),
        ] {
            let request = Request::builder()
                .header("accept-encoding", accepted)
                .finish();
            assert_eq!(is_taken(request.headers()), expected, "{accepted}");
        }
    }

    #[tokio::test]
    async fn long_texts_are_packed_and_nothing_else() {
        for (kind, length, taken, expected) in [
            ("text/html; charset=utf-8", 5000, true, true),
            ("text/html; charset=utf-8", 5000, false, false),
            ("text/html; charset=utf-8", 500, true, false),
            ("text/event-stream", 5000, true, false),
        ] {
            let response = packed(answer(kind, length), taken).await.expect("packed");
            let encoding = response.header("content-encoding").map(str::to_owned);
            let varies = response.header("vary").is_some();
            assert_eq!(varies, kind.starts_with("text/html"), "{kind}");
            let body = response.into_body().into_vec().await.expect("body");
            let text = match encoding {
                Some(_) => {
                    let mut text = String::new();
                    let read = GzDecoder::new(&body[..]).read_to_string(&mut text);
                    assert!(body.len() < length / 10 && read.is_ok());
                    assert!(expected, "{kind} {length} {taken}");
                    text
                }
                None => {
                    assert!(!expected, "{kind} {length} {taken}");
                    String::from_utf8(body).expect("text")
                }
            };
            assert_eq!(text, "x".repeat(length));
        }
    }
}
