//! Whether a browser sends something from one of our own pages. This, with cookies that are not sent along from other
//! sites, is what keeps another site's page from acting in a visitor's name; and unlike a token in each form, it leaves
//! pages the same for all who look.
//! Source: <https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html#fetch-metadata-headers>

use poem::http::HeaderMap;
use poem::http::header::{HOST, ORIGIN};

/// Whether what has these headers was sent by a page of ours. A browser that says neither is too old to be trusted.
pub(super) fn is_ours(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => site == "same-origin",
        // Over plain HTTP, and from older browsers, only this comes.
        None => match (text(ORIGIN.as_str()), text(HOST.as_str())) {
            (Some(origin), Some(host)) => authority(origin) == Some(host),
            _ => false,
        },
    }
}

fn authority(origin: &str) -> Option<&str> {
    origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_ours() {
        let rows: [(&[(&'static str, &str)], bool); 9] = [
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://board.example"),
                ],
                false,
            ),
            (&[("origin", "https://board.example")], true),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "null")], false),
            (&[], false),
        ];
        for (sent, expected) in rows {
            let mut headers = HeaderMap::new();
            headers.insert("host", "board.example".parse().expect("host"));
            for (name, value) in sent {
                headers.insert(*name, value.parse().expect("value"));
            }
            assert_eq!(is_ours(&headers), expected, "{sent:?}");
        }
    }
}
