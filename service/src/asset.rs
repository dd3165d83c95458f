//! The stylesheet and the icon, part of the binary.

use poem::web::Query;
use poem::{IntoResponse, Response, handler};
use serde::Deserialize;

const STYLE: &str = include_str!("../static/style.css");
const ICON: &str = include_str!("../static/icon.svg");
const VERSION: u64 = fingerprint(STYLE.as_bytes(), ICON.as_bytes());

/// The address of the stylesheet: a new one whenever it changes.
pub(crate) fn style_url() -> String {
    format!("/style.css?v={VERSION:x}")
}

/// The address of the icon.
pub(crate) fn icon_url() -> String {
    format!("/icon.svg?v={VERSION:x}")
}

#[derive(Deserialize)]
struct Version {
    v: Option<String>,
}

/// The stylesheet.
#[handler]
pub(crate) fn style(Query(version): Query<Version>) -> Response {
    serve(STYLE, "text/css; charset=utf-8", &version)
}

/// The icon.
#[handler]
pub(crate) fn icon(Query(version): Query<Version>) -> Response {
    serve(ICON, "image/svg+xml", &version)
}

/// While a rollout replaces us, a page of the one release may ask a task of the other for its stylesheet:
/// what is not the version asked for must not be kept.
fn serve(content: &'static str, content_type: &str, version: &Version) -> Response {
    let current = version.v.as_ref() == Some(&format!("{VERSION:x}"));
    let cache = if current {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    content
        .with_content_type(content_type)
        .with_header("cache-control", cache)
        .into_response()
}

/// FNV-1a, which is enough to tell two versions of our own files apart.
const fn fingerprint(first: &[u8], second: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut index = 0;
    while index < first.len() + second.len() {
        let byte = if index < first.len() {
            first[index]
        } else {
            second[index - first.len()]
        };
        hash = (hash ^ byte as u64).wrapping_mul(0x0100_0000_01b3);
        index += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use poem::test::TestClient;
    use poem::{Route, get};

    use super::*;

    #[tokio::test]
    async fn only_the_version_asked_for_may_be_kept() {
        let client = TestClient::new(Route::new().at("/style.css", get(style)));
        let current = client.get(style_url()).send().await;
        current.assert_status_is_ok();
        current.assert_header("cache-control", "public, max-age=31536000, immutable");
        current.assert_content_type("text/css; charset=utf-8");
        for url in ["/style.css", "/style.css?v=0"] {
            let other = client.get(url).send().await;
            other.assert_header("cache-control", "no-cache");
            other.assert_text(STYLE).await;
        }
    }

    #[test]
    fn the_style_asks_for_nothing_from_elsewhere() {
        for word in ["@import", "url(", "http:", "https:"] {
            assert!(!STYLE.contains(word), "{word}");
        }
    }
}
