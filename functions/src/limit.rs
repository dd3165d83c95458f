//! GitHub's limits: an answer that says "enough for now", and waiting until it may be asked again.
//!
//! GitHub may shut out whoever goes on calling, and Lambda takes a failed batch up again at once. So what one invocation
//! was told is known to the next, and there is one at a time for each shard of the ledger's stream.
//! Source: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::HeaderMap;

/// How long to stay away after a secondary limit that does not say how long.
const UNSAID: TimeDelta = TimeDelta::minutes(1);

/// Until when GitHub asks to be left alone, if this answer does.
pub fn limited_until(
    status: u16,
    headers: &HeaderMap,
    body: &str,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    if !matches!(status, 403 | 429) {
        return None;
    }
    let number = |name: &str| -> Option<i64> { headers.get(name)?.to_str().ok()?.parse().ok() };
    if let Some(seconds) = number("retry-after") {
        return now.checked_add_signed(TimeDelta::try_seconds(seconds)?);
    }
    if number("x-ratelimit-remaining") == Some(0)
        && let Some(reset) = number("x-ratelimit-reset")
    {
        return DateTime::from_timestamp(reset, 0);
    }
    // A token that may not do something is answered with 403 as well, and no waiting helps it.
    let is_limit = status == 429 || body.contains("secondary rate limit");
    is_limit.then_some(now + UNSAID)
}

/// When GitHub may be called again, for all that this process does.
#[derive(Clone, Debug)]
pub struct Patience {
    longest: Duration,
    until: Arc<Mutex<DateTime<Utc>>>,
}

impl Patience {
    /// Waits for up to `longest` at a time.
    pub fn new(longest: Duration) -> Self {
        Patience {
            longest,
            until: Arc::default(),
        }
    }

    /// GitHub is not to be called before `until`.
    pub(crate) fn hold_off(&self, until: DateTime<Utc>) {
        let mut known = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        *known = (*known).max(until);
    }

    /// Waits until GitHub may be called. An error if that takes longer than an invocation should wait; it comes only after
    /// that time, so that whoever tries again at once does not spin.
    pub(crate) async fn wait(&self) -> Result<()> {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let left = (until - Utc::now()).to_std().unwrap_or_default();
        tokio::time::sleep(left.min(self.longest)).await;
        if left > self.longest {
            let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
            bail!("GitHub asks to be left alone until {until}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::at;

    #[test]
    fn both_limits_and_what_is_none() {
        let secondary = "You have exceeded a secondary rate limit.";
        let reset = at(90).timestamp().to_string();
        type Headers<'a> = &'a [(&'static str, &'a str)];
        let rows: &[(&str, u16, Headers<'_>, &str, Option<i64>)] = &[
            (
                "secondary",
                403,
                &[("retry-after", "7")],
                secondary,
                Some(7),
            ),
            ("secondary, 429", 429, &[("retry-after", "7")], "", Some(7)),
            ("secondary, unsaid", 403, &[], secondary, Some(60)),
            ("429, unsaid", 429, &[], "", Some(60)),
            (
                "the hour is spent",
                403,
                &[
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", &reset),
                ],
                "",
                Some(90),
            ),
            (
                "a missing permission",
                403,
                &[
                    ("x-ratelimit-remaining", "4999"),
                    ("x-ratelimit-reset", &reset),
                ],
                "Resource not accessible by personal access token",
                None,
            ),
            ("an outage", 503, &[("retry-after", "7")], "", None),
            (
                "a wait beyond all time",
                403,
                &[("retry-after", "9223372036854775807")],
                "",
                None,
            ),
        ];
        for (name, status, told, body, expected) in rows {
            let mut headers = HeaderMap::new();
            for (name, value) in *told {
                headers.insert(*name, value.parse().expect("a header"));
            }
            let until = limited_until(*status, &headers, body, at(0));
            assert_eq!(until, expected.map(at), "{name}");
        }
    }

    #[tokio::test]
    async fn a_short_wait_is_waited_and_a_long_one_is_an_error() {
        let patience = Patience::new(Duration::from_millis(50));
        patience.wait().await.expect("nothing to wait for");
        let begun = std::time::Instant::now();
        patience.hold_off(Utc::now() + TimeDelta::milliseconds(30));
        patience.wait().await.expect("waited");
        assert!(begun.elapsed() >= Duration::from_millis(29));
        patience.hold_off(Utc::now() + TimeDelta::hours(1));
        patience.hold_off(Utc::now());
        let error = patience.wait().await.expect_err("an hour is too long");
        assert!(
            error
                .to_string()
                .starts_with("GitHub asks to be left alone until ")
        );
    }
}
