//! The stylesheet, the script and the icon, part of the binary.

use poem::web::Query;
use poem::{IntoResponse, Response, handler};
use serde::Deserialize;

const STYLE: &str = include_str!("../static/style.css");
const ICON: &str = include_str!("../static/icon.svg");
const SCRIPT: &str = include_str!("../static/live.js");
const VERSION: u64 = fingerprint(&[STYLE.as_bytes(), SCRIPT.as_bytes(), ICON.as_bytes()]);

/// The version of all of them: a page that was made by another one is loaded anew.
pub(crate) fn version() -> String {
    format!("{VERSION:x}")
}

/// The address of the stylesheet: a new one whenever it changes.
pub(crate) fn style_url() -> String {
    format!("/style.css?v={VERSION:x}")
}

/// The address of the script.
pub(crate) fn script_url() -> String {
    format!("/live.js?v={VERSION:x}")
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

/// The script.
#[handler]
pub(crate) fn script(Query(version): Query<Version>) -> Response {
    serve(SCRIPT, "text/javascript; charset=utf-8", &version)
}

/// The icon.
#[handler]
pub(crate) fn icon(Query(version): Query<Version>) -> Response {
    serve(ICON, "image/svg+xml", &version)
}

/// While a rollout replaces us, a page of the one release may ask a task of the other for its stylesheet:
/// what is not the version asked for must not be kept.
fn serve(content: &'static str, content_type: &str, asked: &Version) -> Response {
    let current = asked.v.as_ref() == Some(&version());
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
const fn fingerprint(files: &[&[u8]]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut file = 0;
    while file < files.len() {
        let mut index = 0;
        while index < files[file].len() {
            hash = (hash ^ files[file][index] as u64).wrapping_mul(0x0100_0000_01b3);
            index += 1;
        }
        file += 1;
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
    fn nothing_is_asked_for_from_elsewhere() {
        for word in ["@import", "url(", "http:", "https:"] {
            assert!(!STYLE.contains(word) && !SCRIPT.contains(word), "{word}");
        }
    }
}
