//! What every request passes before it reaches the API, and what every answer carries.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::Request;
use super::api;
use super::app::Apps;
use super::call::{Answer, Call};
use super::description;
use super::failure::Failure;
use super::model::Model;
use super::refusal::{REST, Refusal};
use super::sign_in::SignIn;
use super::user::Who;

/// Requests an hour for a token of a person or an app.
/// Source: <https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api>
const REQUESTS_AN_HOUR: u32 = 5000;

/// Source: <https://docs.github.com/rest/about-the-rest-api/api-versions>
const VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];

/// The doorkeeper: knows who may come in, counts requests, carries out ordered failures.
pub(super) struct Door {
    token: String,
    /// Who else may come in.
    pub(super) apps: Apps,
    orders: VecDeque<(Failure, Lasting)>,
    used: u32,
    resets_at: DateTime<Utc>,
    /// Every request so far.
    pub(super) requests: Vec<Request>,
    /// What was wrong with requests and answers so far.
    pub(super) violations: Vec<String>,
}

/// How long an ordered failure lasts.
#[derive(Clone, Copy, Debug)]
enum Lasting {
    /// For so many requests.
    Times(usize),
    /// For all requests until then.
    Until(DateTime<Utc>),
}

/// The headers that the doorkeeper looks at.
pub(super) struct Visitor {
    pub(super) user_agent: Option<String>,
    pub(super) authorization: Option<String>,
    pub(super) version: Option<String>,
}

impl Door {
    /// Lets in whoever has this token.
    pub(super) fn new(token: &str, now: DateTime<Utc>) -> Door {
        Door {
            token: token.to_owned(),
            apps: Apps::default(),
            orders: VecDeque::new(),
            used: 0,
            resets_at: now + TimeDelta::hours(1),
            requests: Vec::new(),
            violations: Vec::new(),
        }
    }

    /// Orders a failure of so many requests.
    pub(super) fn order(&mut self, failure: Failure, times: usize) {
        self.orders.push_back((failure, Lasting::Times(times)));
    }

    /// Orders a failure of all requests until then.
    pub(super) fn order_until(&mut self, failure: Failure, end: DateTime<Utc>) {
        self.orders.push_back((failure, Lasting::Until(end)));
    }

    /// One request, from the door to the model and back.
    pub(super) fn pass(
        &mut self,
        model: &mut Model,
        sign_in: &SignIn,
        visitor: &Visitor,
        call: &Call,
        now: DateTime<Utc>,
    ) -> Answer {
        self.requests.push(Request {
            method: call.method.clone(),
            path: call.target.clone(),
            body: serde_json::from_slice(&call.body).unwrap_or(Value::Null),
        });
        let known = self.know(sign_in, visitor, call, now);
        // Of a person and a repository the model gives only what the board reads, so that is not held against it.
        let is_program = !matches!(known, Ok((Who::User(_), _)));
        let answer = match known {
            Ok((who, token)) => self.admit(model, &who, token, call, now),
            Err(refused) => refused,
        };
        if is_program {
            self.violations
                .extend(description::violations(call, &answer));
        }
        self.stamp(call, answer)
    }

    /// Whose request this is, and the token that it brings; or what is wrong with it, whatever it asks for.
    fn know<'a>(
        &self,
        sign_in: &SignIn,
        visitor: &'a Visitor,
        call: &Call,
        now: DateTime<Utc>,
    ) -> Result<(Who, &'a str), Answer> {
        // Source: https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api#user-agent-required
        if visitor.user_agent.as_deref().unwrap_or_default().is_empty() {
            return Err(Answer::new(
                403,
                Value::from(
                    "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.",
                ),
            ));
        }
        // Source: https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api#not-a-supported-version
        if let Some(version) = &visitor.version
            && !VERSIONS.contains(&version.as_str())
        {
            let message = format!("\"{version}\" is not a supported version.");
            return Err(Refusal::new(400, message, REST).into());
        }
        // Source: https://docs.github.com/rest/authentication/authenticating-to-the-rest-api
        let Some(authorization) = &visitor.authorization else {
            return Err(Refusal::new(401, "Requires authentication", REST).into());
        };
        let token = ["Bearer ", "bearer ", "token "]
            .iter()
            .find_map(|scheme| authorization.strip_prefix(scheme))
            .ok_or_else(|| Refusal::new(401, "Bad credentials", REST))?;
        if let Some(user) = sign_in.user(token) {
            return Ok((Who::User(user), token));
        }
        // An App says who it is when it is answered.
        if token != self.token && !Apps::is_asked(call) {
            self.apps.refuse(token, call, &api::permission(call), now)?;
        }
        Ok((Who::App, token))
    }

    fn admit(
        &mut self,
        model: &mut Model,
        who: &Who,
        token: &str,
        call: &Call,
        now: DateTime<Utc>,
    ) -> Answer {
        if now >= self.resets_at {
            self.used = 0;
            self.resets_at = now + TimeDelta::hours(1);
        }
        if self.used == REQUESTS_AN_HOUR {
            let left = (self.resets_at - now).num_seconds();
            return Failure::RateLimited {
                status: 403,
                reset_after: u32::try_from(left).unwrap_or(0),
            }
            .answer(now);
        }
        self.used += 1;
        let failure = self.next_failure(now);
        match failure {
            Some(Failure::LostAnswer) | None => {}
            Some(failure) => return failure.answer(now),
        }
        let answer = match Apps::is_asked(call) {
            true => self.apps.answer(token, call, now),
            false => api::answer(model, who, call, now),
        };
        match failure {
            Some(lost) => lost.answer(now),
            None => answer,
        }
    }

    fn next_failure(&mut self, now: DateTime<Utc>) -> Option<Failure> {
        while let Some((failure, lasting)) = self.orders.front_mut() {
            match lasting {
                Lasting::Times(usize::MAX) => return Some(*failure),
                Lasting::Times(times) if *times > 0 => {
                    *times -= 1;
                    return Some(*failure);
                }
                Lasting::Until(end) if now < *end => return Some(*failure),
                Lasting::Times(_) | Lasting::Until(_) => {}
            }
            self.orders.pop_front();
        }
        None
    }

    /// Adds the headers of every answer; those that the answer brings itself stay.
    fn stamp(&self, call: &Call, mut answer: Answer) -> Answer {
        let bits = fastrand::u64(..);
        let stamps = [
            ("x-ratelimit-limit", REQUESTS_AN_HOUR.to_string()),
            (
                "x-ratelimit-remaining",
                (REQUESTS_AN_HOUR - self.used).to_string(),
            ),
            ("x-ratelimit-used", self.used.to_string()),
            ("x-ratelimit-reset", self.resets_at.timestamp().to_string()),
            ("x-ratelimit-resource", "core".to_owned()),
            ("x-github-request-id", format!("{bits:016X}")),
            ("x-accepted-github-permissions", api::permission(call)),
        ];
        for (name, value) in stamps {
            answer.headers.entry(name).or_insert(value);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::super::caller::{Caller, SHA, TOKEN};
    use super::*;

    #[test]
    fn who_is_turned_away() {
        let agent = Some("couplet");
        let bearer = format!("Bearer {TOKEN}");
        let cases = [
            (None, Some(bearer.as_str()), None, Some(403)),
            (Some(""), Some(&bearer), None, Some(403)),
            (agent, None, None, Some(401)),
            (agent, Some("Bearer other"), None, Some(401)),
            (agent, Some("Basic other"), None, Some(401)),
            (agent, Some(TOKEN), None, Some(401)),
            (agent, Some(&bearer), Some("2020-01-01"), Some(400)),
            (agent, Some(&bearer), Some("2022-11-28"), None),
            (agent, Some(&format!("token {TOKEN}")), None, None),
        ];
        let door = Door::new(TOKEN, Utc::now());
        let call = Call::get("/repos/ada/poems/deployments");
        for (agent, authorization, version, status) in cases {
            let visitor = Visitor {
                user_agent: agent.map(str::to_owned),
                authorization: authorization.map(str::to_owned),
                version: version.map(str::to_owned),
            };
            let refused = door.know(&SignIn::default(), &visitor, &call, Utc::now());
            let refused = refused.err().map(|it| it.status);
            assert_eq!(refused, status, "{agent:?} {authorization:?} {version:?}");
        }
    }

    #[test]
    fn an_hours_requests_can_be_spent() {
        let now = Utc::now();
        let mut door = Door::new(TOKEN, now);
        let mut model = Model::default();
        let call = Call::get("/repos/ada/poems/deployments");
        for _ in 0..REQUESTS_AN_HOUR {
            assert_eq!(
                door.admit(&mut model, &Who::App, TOKEN, &call, now).status,
                404
            );
        }
        assert_eq!(
            door.admit(&mut model, &Who::App, TOKEN, &call, now).status,
            403
        );
        let later = now + TimeDelta::hours(1);
        assert_eq!(
            door.admit(&mut model, &Who::App, TOKEN, &call, later)
                .status,
            404
        );
    }

    #[tokio::test]
    async fn wrong_or_no_credentials_over_http() {
        let caller = Caller::new().await;
        let url = caller.url(&format!("commits/{SHA}"));
        let plain = reqwest::Client::builder().no_proxy().build().unwrap();

        let no_agent = plain.get(&url).bearer_auth(TOKEN).send().await.unwrap();
        assert_eq!(no_agent.status(), 403);
        assert!(no_agent.text().await.unwrap().contains("User-Agent"));

        for (token, message) in [
            (None, "Requires authentication"),
            (Some("x"), "Bad credentials"),
        ] {
            let mut request = plain.get(&url).header("user-agent", "couplet");
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 401);
            let body: Value = response.json().await.unwrap();
            assert_eq!(
                (&body["message"], &body["status"]),
                (&message.into(), &"401".into())
            );
        }
    }

    #[tokio::test]
    async fn every_answer_tells_what_is_left() {
        let caller = Caller::new().await;
        let first = caller.get(&format!("commits/{SHA}")).await;
        let second = caller.get("nothing").await;
        assert_eq!(first.header("x-ratelimit-remaining"), "4999");
        assert_eq!(second.header("x-ratelimit-remaining"), "4998");
        assert_eq!(second.header("x-ratelimit-limit"), "5000");
        assert_ne!(
            first.header("x-github-request-id"),
            second.header("x-github-request-id")
        );
        assert_eq!(
            first.header("x-accepted-github-permissions"),
            "contents=read"
        );
    }
}
