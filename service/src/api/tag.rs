//! Answers that say when nothing has changed.

use std::hash::{DefaultHasher, Hasher};

use poem::http::StatusCode;
use poem::http::header::{ETAG, IF_NONE_MATCH};
use poem::{IntoResponse, Request, Response};
use serde::Serialize;

use crate::failure::Failure;

/// `value` as JSON, or the word that it has not changed. Source: <https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3>
pub(crate) fn json(request: &Request, value: &impl Serialize) -> Result<Response, Failure> {
    let body = serde_json::to_vec(value).map_err(anyhow::Error::from)?;
    let tag = tag(&body);
    let response = match request.header(IF_NONE_MATCH) {
        Some(known) if knows(known, &tag) => StatusCode::NOT_MODIFIED.into_response(),
        _ => body.with_content_type("application/json").into_response(),
    };
    Ok(response.with_header(ETAG, tag).into_response())
}

/// A weak one: the balancer may compress what we send.
pub(crate) fn tag(body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    format!("W/\"{:016x}\"", hasher.finish())
}

/// Whether what a client knows is `tag`.
pub(crate) fn knows(known: &str, tag: &str) -> bool {
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known.trim() == "*" || known.split(',').any(|known| weak(known) == weak(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_not_sent_again() {
        let same = tag(b"same");
        let rows = [
            (same.clone(), true),
            (same.trim_start_matches("W/").to_owned(), true),
            (format!("\"other\", {same}"), true),
            ("*".to_owned(), true),
            (tag(b"other"), false),
            (String::new(), false),
        ];
        for (known, expected) in rows {
            assert_eq!(knows(&known, &same), expected, "{known}");
            let request = Request::builder().header("if-none-match", &known).finish();
            let response = json(&request, &"x").expect("an answer");
            assert!(response.header("etag").is_some());
        }
    }
}
