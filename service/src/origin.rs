//! Where a request comes from: the ids by which its line in the log is found again.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use poem::Request;
use poem::http::HeaderValue;
use poem::http::header::HeaderName;

/// The caller's own name for its request, which the answer repeats.
pub(crate) const ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACE: HeaderName = HeaderName::from_static("x-amzn-trace-id");
const SCHEME: HeaderName = HeaderName::from_static("x-forwarded-proto");
const LONGEST: usize = 64;

/// The ids of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Origin {
    /// The caller's own id if it sent a usable one, else a new one. It stands in the answer and in the log.
    pub(crate) id: HeaderValue,
    /// The load balancer's trace id. Source:
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html>
    pub(crate) trace: Option<String>,
    /// Whether the client spoke TLS with the load balancer.
    pub(crate) secure: bool,
}

impl Origin {
    /// What the headers of `request` say.
    pub(crate) fn of(request: &Request) -> Origin {
        // There are few: to look through them is quicker than to compute where one would be.
        let header = |name: HeaderName| {
            let mut headers = request.headers().iter();
            headers.find(|it| *it.0 == name).map(|(_, value)| value)
        };
        let own = header(ID).filter(|id| id.to_str().is_ok_and(is_plain));
        let trace = header(TRACE).and_then(|it| it.to_str().ok());
        Origin {
            id: own.cloned().unwrap_or_else(fresh),
            trace: trace.and_then(root),
            secure: header(SCHEME).is_some_and(|scheme| scheme == "https"),
        }
    }

    /// The id as text.
    pub(crate) fn id(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }
}

/// The part of the balancer's header that all requests of one trace share.
fn root(header: &str) -> Option<String> {
    header
        .split(';')
        .filter_map(|part| part.trim().strip_prefix("Root="))
        .find(|root| is_plain(root))
        .map(str::to_owned)
}

/// What a stranger sent goes into our log and headers: short, and nothing but letters, digits and dashes.
fn is_plain(id: &str) -> bool {
    (1..=LONGEST).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Sixteen hexadecimal digits. The standard library keys each hasher differently and at random, which is all
/// that an id needs.
fn fresh() -> HeaderValue {
    let number = RandomState::new().build_hasher().finish();
    let mut digits = *b"0000000000000000";
    hex::encode_to_slice(number.to_be_bytes(), &mut digits)
        .ok()
        .and_then(|()| HeaderValue::from_bytes(&digits).ok())
        .unwrap_or(HeaderValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usable_id_is_kept_and_any_other_replaced() {
        let long = "x".repeat(65);
        for (sent, kept) in [
            ("a-1_b.c", true),
            ("", false),
            ("two words", false),
            ("\"quoted\"", false),
            (long.as_str(), false),
        ] {
            let request = Request::builder().header("x-request-id", sent).finish();
            let origin = Origin::of(&request);
            assert_eq!(origin.id == sent, kept, "{sent}");
            assert!(is_plain(origin.id()), "{origin:?}");
        }
        assert_ne!(fresh(), fresh());
        assert_eq!(fresh().len(), 16);
    }

    #[test]
    fn the_balancer_says_the_trace_and_the_scheme() {
        let request = Request::builder()
            .header("x-amzn-trace-id", "Self=1-2-3;Root=1-67891233-abcdef")
            .header("x-forwarded-proto", "https")
            .finish();
        let origin = Origin::of(&request);
        assert_eq!(origin.trace.as_deref(), Some("1-67891233-abcdef"));
        assert!(origin.secure);
        let origin = Origin::of(&Request::default());
        assert_eq!((origin.trace, origin.secure), (None, false));
    }
}
