//! GitHub's own description of its API, cut down to the calls that are answered here.
//! Source: the npm package `@octokit/openapi`, by `.ci/tests/trim_github.py`

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Answer, Call};

/// The calls by name: `get /repos/{owner}/{repo}/deployments`.
static DESCRIPTION: LazyLock<BTreeMap<String, Operation>> = LazyLock::new(|| {
    let text = include_str!("../../../.ci/tests/github.json");
    let described: BTreeMap<String, Described> =
        serde_json::from_str(text).expect("GitHub's description is committed as it was trimmed");
    let operations = described.into_iter();
    operations
        .map(|(name, described)| (name, described.into()))
        .collect()
});

/// A call as the file has it: schemas, and null where there is nothing to say.
#[derive(Deserialize)]
struct Described {
    query: BTreeMap<String, Value>,
    body: Value,
    #[serde(default)]
    answers: BTreeMap<u16, Value>,
}

struct Operation {
    query: BTreeMap<String, Value>,
    body: Option<Validator>,
    answers: BTreeMap<u16, Option<Validator>>,
}

impl From<Described> for Operation {
    fn from(described: Described) -> Operation {
        let answers = described.answers.into_iter();
        Operation {
            query: described.query,
            body: validator(closed(described.body)),
            answers: answers
                .map(|(status, schema)| match status {
                    // In refusals there is more than is described: the status, for one.
                    400.. => (status, validator(schema)),
                    _ => (status, validator(closed(schema))),
                })
                .collect(),
        }
    }
}

fn validator(schema: Value) -> Option<Validator> {
    let known = !schema.is_null();
    known.then(|| jsonschema::validator_for(&schema).expect("GitHub describes itself by schemas"))
}

fn closed(mut schema: Value) -> Value {
    close(&mut schema);
    schema
}

/// GitHub leaves fields alone that it does not know; here they are mistakes.
fn close(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Object(fields) => {
            fields.values_mut().for_each(close);
            if fields.get("properties").is_some_and(Value::is_object) && fields.contains_key("type")
            {
                fields
                    .entry("additionalProperties")
                    .or_insert_with(|| json!(false));
            }
        }
        _ => {}
    }
}

fn faults(validator: Option<&Validator>, body: &Value) -> Vec<String> {
    let errors = validator.into_iter().flat_map(|it| it.iter_errors(body));
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// What is wrong with a call that was made, and with the answer to it. Faults of GitHub's own, and refusals that it does
/// not describe, are nobody's mistake.
pub(super) fn violations(call: &Call, answer: &Answer) -> Vec<String> {
    let what = format!("{} {}", call.method, call.path());
    let Some(operation) = operation(call) else {
        return vec![format!("{what}: GitHub knows no such call")];
    };
    let mut wrong = Vec::new();
    for (name, value) in &call.query {
        match operation.query.get(name) {
            None => wrong.push(format!("{what} has no parameter {name}")),
            Some(schema) if schema["type"] == "integer" && value.parse::<u64>().is_err() => {
                wrong.push(format!("{what}: {name} is no number"));
            }
            Some(_) => {}
        }
    }
    if call.method != "GET" {
        let body = serde_json::from_slice(&call.body).unwrap_or_default();
        let faults = faults(operation.body.as_ref(), &body).into_iter();
        wrong.extend(faults.map(|fault| format!("{what}, request {fault}")));
    }
    let status = answer.status;
    if let Some(described) = operation.answers.get(&status) {
        let faults = faults(described.as_ref(), &answer.body).into_iter();
        wrong.extend(faults.map(|fault| format!("{what}, answer {status} {fault}")));
    } else if status < 300 {
        wrong.push(format!("{what} is not answered with {status}"));
    }
    wrong
}

/// The more is written out in a path, the nearer it is: a name such as `statuses` may also stand where a number does.
fn operation(call: &Call) -> Option<&'static Operation> {
    let steps = call.steps();
    let fitting = DESCRIPTION.iter().filter(|(name, _)| {
        let Some((method, path)) = name.split_once(" /") else {
            return false;
        };
        let path: Vec<&str> = path.split('/').collect();
        let fits = |(wanted, step): (&&str, &&str)| wanted.starts_with('{') || wanted == step;
        method.eq_ignore_ascii_case(&call.method)
            && path.len() == steps.len()
            && path.iter().zip(&steps).all(fits)
    });
    let nearest = fitting.min_by_key(|(name, _)| name.matches('{').count());
    nearest.map(|(_, operation)| operation)
}

#[cfg(test)]
mod tests {
    use super::super::caller::{Caller, REPOSITORY, SHA};
    use super::*;

    #[tokio::test]
    async fn what_the_model_answers_is_as_github_describes_it() {
        let caller = Caller::new().await;
        let status = json!({ "state": "success", "context": "couplet" });
        caller.post(&format!("statuses/{SHA}"), status).await;
        let deployment = json!({ "ref": SHA, "payload": { "rollout": "7" } });
        let made = caller.post("deployments", deployment).await;
        let path = format!("deployments/{}", made.body["id"]);
        let status = json!({ "state": "in_progress", "log_url": "https://board/1" });
        caller.post(&format!("{path}/statuses"), status).await;
        for path in [
            &format!("commits/{SHA}"),
            &format!("commits/{SHA}/status"),
            &format!("commits/{SHA}/statuses?per_page=1"),
            "deployments?environment=production",
            &path,
            &format!("{path}/statuses"),
            "deployments/7",
        ] {
            caller.get(path).await;
        }
        assert_eq!(caller.github.violations(), [""; 0]);
    }

    #[tokio::test]
    async fn what_is_wrong_is_named() {
        let caller = Caller::new().await;
        caller.get("issues/1/timeline").await;
        caller.get("deployments?per_page=many&colour=red").await;
        caller
            .post(
                &format!("statuses/{SHA}"),
                json!({ "state": "done", "by": 1 }),
            )
            .await;
        let wrong = caller.github.violations();
        let repository = format!("/repos/{REPOSITORY}");
        let expected = [
            format!("GET {repository}/issues/1/timeline: GitHub knows no such call"),
            format!("GET {repository}/deployments: per_page is no number"),
            format!("GET {repository}/deployments has no parameter colour"),
        ];
        assert_eq!(wrong[..3], expected);
        assert_eq!(wrong.len(), 5, "{wrong:#?}");
        assert!(
            wrong[3..].iter().all(|it| it.contains(", request ")),
            "{wrong:#?}"
        );
    }

    #[test]
    fn an_answer_that_github_would_not_give_is_named() {
        let call = Call::get("/repos/ada/poems/deployments/7");
        let made_up = Answer::new(200, json!({ "id": "seven" }));
        let wrong = violations(&call, &made_up);
        assert!(
            wrong.iter().any(|it| it.contains("answer 200 /id")),
            "{wrong:#?}"
        );
        let odd = violations(&call, &Answer::new(204, Value::Null));
        assert_eq!(
            odd,
            ["GET /repos/ada/poems/deployments/7 is not answered with 204"]
        );
        let outage = Answer::new(503, Value::Null);
        assert_eq!(violations(&call, &outage), [""; 0]);
    }
}
