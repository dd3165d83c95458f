//! GitHub's limits: an answer that says "enough for now", and waiting until it may be asked again.
//!
//! GitHub may shut out whoever goes on calling, and Lambda takes a failed batch up again at once. So what one invocation was
//! told is known to the next. And it is in the ledger, for there is an instance for each shard of the stream: a table that is
//! paid by use begins with four partitions, each with a shard of its own.
//! Sources: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>,
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html#Streams.Processing>

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::HeaderMap;
use ledger::Ledger;

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

/// When GitHub may be called again, as far as this process knows, and where the others have it from.
#[derive(Clone, Debug)]
pub struct Patience {
    ledger: Ledger,
    longest: Duration,
    until: Arc<Mutex<DateTime<Utc>>>,
}

impl Patience {
    /// Waits for up to `longest` at a time.
    pub fn new(ledger: Ledger, longest: Duration) -> Self {
        Patience {
            ledger,
            longest,
            until: Arc::default(),
        }
    }

    /// Learns what others were told.
    pub(crate) async fn recall(&self) -> Result<()> {
        if let Some(until) = self.ledger.github_left_alone_until().await? {
            self.know(until);
        }
        Ok(())
    }

    /// GitHub is not to be called before `until`, by nobody. Others may have been told to stay away for longer.
    pub(crate) async fn hold_off(&self, until: DateTime<Utc>) -> Result<()> {
        self.know(until);
        self.ledger.leave_github_alone(until).await?;
        self.recall().await
    }

    fn know(&self, until: DateTime<Utc>) {
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
}
