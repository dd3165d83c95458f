//! The faults that a test or the story can order.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::call::Answer;
use super::refusal::{REST, Refusal};

/// Where GitHub explains both kinds of limits.
const LIMITS: &str = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";

/// One way in which GitHub fails to do what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A fault of GitHub's own with this status (500, 502, 503): nothing was carried out.
    ServerError(u16),
    /// The request was carried out, but its answer is lost on the way: 502.
    LostAnswer,
    /// Too much content in too short a time: 403 with `retry-after`, in seconds.
    SecondaryLimit {
        /// How long to stay away.
        retry_after: u32,
    },
    /// The hour's requests are spent: `x-ratelimit-remaining` is 0 until `x-ratelimit-reset`.
    RateLimited {
        /// 403 or 429: GitHub uses both.
        status: u16,
        /// In how many seconds the next hour begins.
        reset_after: u32,
    },
    /// The token is good, but may not do this.
    MissingPermission,
}

impl Failure {
    /// What GitHub says. Sources: <https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api> and
    /// <https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api>
    pub(super) fn answer(self, now: DateTime<Utc>) -> Answer {
        match self {
            Failure::ServerError(status) => Answer::new(status, json!({ "message": "Server Error" })),
            Failure::LostAnswer => Failure::ServerError(502).answer(now),
            Failure::SecondaryLimit { retry_after } => refused(
                403,
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
                LIMITS,
            )
            .with("retry-after", retry_after),
            Failure::RateLimited {
                status,
                reset_after,
            } => refused(status, "API rate limit exceeded for installation ID 1.", LIMITS)
                .with("x-ratelimit-remaining", 0)
                .with("x-ratelimit-reset", now.timestamp() + i64::from(reset_after)),
            Failure::MissingPermission => refused(
                403,
                "Resource not accessible by personal access token",
                REST,
            ),
        }
    }
}

fn refused(status: u16, message: &str, page: &'static str) -> Answer {
    Refusal::new(status, message, page).into()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::caller::{Caller, REPOSITORY, SHA};
    use super::*;

    #[tokio::test]
    async fn a_failing_server_carries_nothing_out() {
        let caller = Caller::new().await;
        caller.github.fail_next(Failure::ServerError(500), 1);
        caller.github.fail_next(Failure::ServerError(502), 1);

        assert_eq!(post_status(&caller).await.status, 500);
        let answer = post_status(&caller).await;
        assert_eq!(
            (answer.status, &answer.body["message"]),
            (502, &json!("Server Error"))
        );
        assert!(caller.github.statuses(REPOSITORY, SHA).is_empty());

        assert_eq!(post_status(&caller).await.status, 201);
        assert_eq!(caller.github.statuses(REPOSITORY, SHA).len(), 1);
        assert_eq!(caller.github.requests().len(), 3);
    }

    #[tokio::test]
    async fn a_lost_answer_was_carried_out() {
        let caller = Caller::new().await;
        caller.github.fail_next(Failure::LostAnswer, 1);
        assert_eq!(post_status(&caller).await.status, 502);
        assert_eq!(caller.github.statuses(REPOSITORY, SHA).len(), 1);
    }

    #[tokio::test]
    async fn both_limits_say_when_to_come_back() {
        let caller = Caller::new().await;
        caller
            .github
            .fail_next(Failure::SecondaryLimit { retry_after: 7 }, 1);
        let answer = post_status(&caller).await;
        assert_eq!((answer.status, answer.header("retry-after")), (403, "7"));
        assert_ne!(answer.header("x-ratelimit-remaining"), "0");

        for status in [403, 429] {
            caller.github.fail_next(
                Failure::RateLimited {
                    status,
                    reset_after: 60,
                },
                1,
            );
            let before = Utc::now().timestamp();
            let answer = post_status(&caller).await;
            assert_eq!(
                (answer.status, answer.header("x-ratelimit-remaining")),
                (status, "0")
            );
            let reset: i64 = answer.header("x-ratelimit-reset").parse().unwrap();
            assert!((before + 60..before + 70).contains(&reset), "{reset}");
        }
        assert!(caller.github.statuses(REPOSITORY, SHA).is_empty());
    }

    #[tokio::test]
    async fn an_outage_lasts_as_long_as_it_was_ordered() {
        let caller = Caller::new().await;
        let second = TimeDelta::seconds(1);
        caller.github.fail_for(Failure::ServerError(503), second);
        for _ in 0..3 {
            assert_eq!(post_status(&caller).await.status, 503);
        }
        tokio::time::sleep(second.to_std().unwrap()).await;
        assert_eq!(post_status(&caller).await.status, 201);
    }

    #[tokio::test]
    async fn a_missing_permission_is_named() {
        let caller = Caller::new().await;
        caller
            .github
            .fail_next(Failure::MissingPermission, usize::MAX);
        let needed = [
            ("statuses/abc", "statuses=write"),
            ("deployments", "deployments=write"),
            ("deployments/1/statuses", "deployments=write"),
        ];
        for (path, permission) in needed {
            let answer = caller.post(path, json!({})).await;
            assert_eq!(answer.status, 403);
            assert_eq!(
                answer.body["message"],
                "Resource not accessible by personal access token"
            );
            assert_eq!(answer.header("x-accepted-github-permissions"), permission);
        }
    }

    async fn post_status(caller: &Caller) -> super::super::caller::Heard {
        caller
            .post(&format!("statuses/{SHA}"), json!({ "state": "success" }))
            .await
    }
}
