//! What GitHub does not have: a way to push commits and to see everything, for `cargo local push` and the table, which
//! are other processes.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::model::Model;
use super::refusal::{REST, Refusal};
use super::rules;

/// Every path that is not GitHub's begins with this.
pub(super) const PREFIX: &str = "/_model/";

/// `GET /_model/repos/{owner}/{repo}` shows all that is known of a repository, a `POST` to its `/commits` pushes one.
/// Nobody is asked for a token.
pub(super) fn answer(model: &mut Model, call: &Call, now: DateTime<Utc>) -> Answer {
    let answer = match (call.method.as_str(), &call.steps()[..]) {
        ("GET", ["_model", "repos", owner, name]) => model
            .repository(&format!("{owner}/{name}"))
            .map(|it| Answer::new(200, json!(it))),
        ("POST", ["_model", "repos", owner, name, "commits"]) => {
            push(model, &format!("{owner}/{name}"), &call.body, now)
        }
        _ => Err(Refusal::not_found()),
    };
    answer.unwrap_or_else(Answer::from)
}

fn push(
    model: &mut Model,
    repository: &str,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<Answer, Refusal> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let sha = match &body["sha"] {
        Value::Null => format!("{:032x}{:08x}", fastrand::u128(..), fastrand::u32(..)),
        Value::String(sha) if rules::is_sha(sha) => sha.to_lowercase(),
        other => {
            let message = format!("{other} is not a sha of 40 hexadecimal digits");
            return Err(Refusal::new(422, message, REST));
        }
    };
    let message = body["message"].as_str().unwrap_or_default();
    model.add_commit(repository, &sha, message, now);
    Ok(Answer::new(201, json!({ "sha": sha })))
}

#[cfg(test)]
mod tests {
    use super::super::caller::{Caller, SHA};
    use super::*;

    #[tokio::test]
    async fn the_model_can_be_told_and_asked_from_elsewhere() {
        let caller = Caller::new().await;
        let path = "/_model/repos/ada/prose/commits";
        let random = caller.post_at(path, json!({ "message": "a novel" })).await;
        assert_eq!(random.status, 201);
        let random = random.body["sha"].as_str().unwrap().to_owned();
        assert!(rules::is_sha(&random), "{random}");
        let given = caller.post_at(path, json!({ "sha": SHA })).await;
        assert_eq!((given.status, &given.body["sha"]), (201, &json!(SHA)));
        assert_eq!(
            caller.post_at(path, json!({ "sha": "abc" })).await.status,
            422
        );

        let dump = caller.get_at("/_model/repos/ada/prose").await.body;
        assert_eq!(dump["commits"][0]["sha"], random);
        assert_eq!(dump["commits"][0]["message"], "a novel");
        assert_eq!(
            (&dump["commits"][1]["statuses"], &dump["deployments"]),
            (&json!([]), &json!([]))
        );
        assert!(caller.github.requests().is_empty());
    }
}
