//! What GitHub demands of a request's body.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::commit::CommitState;
use super::deployment::DeploymentState;
use super::faults::Faults;
use super::refusal::{DEPLOYMENT_STATUSES, DEPLOYMENTS, REST, Refusal, STATUSES};

/// Source: <https://github.com/runatlantis/atlantis/issues/2506>
const LONGEST_CONTEXT: usize = 255;

/// A commit status as asked for, defaults filled in.
#[derive(Debug)]
pub(super) struct NewStatus {
    pub(super) state: CommitState,
    pub(super) description: Option<String>,
    pub(super) context: String,
    pub(super) target_url: Option<String>,
}

/// A deployment as asked for, defaults filled in.
#[derive(Debug)]
pub(super) struct NewDeployment {
    pub(super) reference: String,
    pub(super) task: String,
    pub(super) auto_merge: bool,
    pub(super) required_contexts: Option<Vec<String>>,
    pub(super) payload: Value,
    pub(super) environment: String,
    pub(super) description: Option<String>,
    pub(super) transient_environment: bool,
    pub(super) production_environment: bool,
}

/// A deployment status as asked for, defaults filled in.
#[derive(Debug)]
pub(super) struct NewDeploymentStatus {
    pub(super) state: DeploymentState,
    pub(super) description: String,
    pub(super) log_url: String,
    pub(super) environment: Option<String>,
    pub(super) environment_url: String,
    pub(super) auto_inactive: bool,
}

/// Reads the body of `POST …/statuses/{sha}`.
pub(super) fn new_status(sha: &str, body: &[u8]) -> Result<NewStatus, Refusal> {
    #[derive(Deserialize)]
    struct Body {
        state: String,
        description: Option<String>,
        context: Option<String>,
        target_url: Option<String>,
    }
    let body: Body = read(body, "state", STATUSES)?;
    let context = body.context.unwrap_or_else(|| "default".to_owned());
    let mut faults = Faults::of("Status");
    // The words of a real answer: https://github.com/FundingCircle/shipment_tracker/issues/29
    faults.unless(is_sha(sha), "sha", "sha must be a 40 character SHA1");
    let state = faults.state(&body.state);
    faults.description(body.description.as_deref().unwrap_or_default());
    faults.longest("context", &context, LONGEST_CONTEXT);
    faults.link("target_url", body.target_url.as_deref().unwrap_or_default());
    Ok(NewStatus {
        state: faults.settle(state, STATUSES)?,
        description: body.description,
        context,
        target_url: body.target_url,
    })
}

/// Reads the body of `POST …/deployments`.
pub(super) fn new_deployment(body: &[u8]) -> Result<NewDeployment, Refusal> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(rename = "ref")]
        reference: String,
        task: Option<String>,
        auto_merge: Option<bool>,
        required_contexts: Option<Vec<String>>,
        payload: Option<Value>,
        environment: Option<String>,
        description: Option<String>,
        transient_environment: Option<bool>,
        production_environment: Option<bool>,
    }
    let body: Body = read(body, "ref", DEPLOYMENTS)?;
    let environment = body.environment.unwrap_or_else(|| "production".to_owned());
    let payload = body.payload.unwrap_or_else(|| json!({}));
    if !payload.is_object() && !payload.is_string() {
        let why = format!("For 'properties/payload', {payload} is not an object or a string.");
        return Err(Refusal::invalid_request(&why, DEPLOYMENTS));
    }
    // Stricter than what is known of GitHub: its reference gives the limits of `description` for statuses only.
    let mut faults = Faults::of("Deployment");
    faults.description(body.description.as_deref().unwrap_or_default());
    faults.settle(Some(()), DEPLOYMENTS)?;
    Ok(NewDeployment {
        reference: body.reference,
        task: body.task.unwrap_or_else(|| "deploy".to_owned()),
        auto_merge: body.auto_merge.unwrap_or(true),
        required_contexts: body.required_contexts,
        payload,
        transient_environment: body.transient_environment.unwrap_or(false),
        // "Default: `true` when `environment` is `production` and `false` otherwise."
        // Source: https://docs.github.com/rest/deployments/deployments#create-a-deployment
        production_environment: body
            .production_environment
            .unwrap_or(environment == "production"),
        environment,
        description: body.description,
    })
}

/// Reads the body of `POST …/deployments/{id}/statuses`.
pub(super) fn new_deployment_status(body: &[u8]) -> Result<NewDeploymentStatus, Refusal> {
    #[derive(Deserialize)]
    struct Body {
        state: String,
        description: Option<String>,
        log_url: Option<String>,
        target_url: Option<String>,
        environment: Option<String>,
        environment_url: Option<String>,
        auto_inactive: Option<bool>,
    }
    let body: Body = read(body, "state", DEPLOYMENT_STATUSES)?;
    let description = body.description.unwrap_or_default();
    let log_url = body.log_url.or(body.target_url).unwrap_or_default();
    let environment_url = body.environment_url.unwrap_or_default();
    let mut faults = Faults::of("DeploymentStatus");
    let state = faults.state(&body.state);
    faults.description(&description);
    faults.link("log_url", &log_url);
    faults.link("environment_url", &environment_url);
    Ok(NewDeploymentStatus {
        state: faults.settle(state, DEPLOYMENT_STATUSES)?,
        description,
        log_url,
        environment: body.environment,
        environment_url,
        auto_inactive: body.auto_inactive.unwrap_or(true),
    })
}

/// Whether this can be a commit: a whole SHA-1 in hexadecimal digits.
pub(super) fn is_sha(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|it| it.is_ascii_hexdigit())
}

/// A JSON object of the wanted form. GitHub tells three faults apart: no JSON, no object, and a wrong form.
/// Source: <https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api#problems-parsing-json>
fn read<T: DeserializeOwned>(
    body: &[u8],
    required: &str,
    page: &'static str,
) -> Result<T, Refusal> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|_| Refusal::new(400, "Problems parsing JSON", REST))?;
    let object: Map<String, Value> = serde_json::from_value(value)
        .map_err(|_| Refusal::new(400, "Body should be a JSON object", REST))?;
    if !object.contains_key(required) {
        let why = format!("\"{required}\" wasn't supplied.");
        return Err(Refusal::invalid_request(&why, page));
    }
    serde_json::from_value(Value::Object(object))
        .map_err(|error| Refusal::invalid_request(&error.to_string(), page))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "6dcb09b5b57875f334f61aebed695e2e4193db5e";

    #[test]
    fn what_a_commit_status_may_say() {
        let accepted = [
            json!({ "state": "pending" }),
            json!({ "state": "error", "description": "é".repeat(140) }),
            json!({ "state": "failure", "description": null, "target_url": null }),
            json!({ "state": "success", "context": "c".repeat(255) }),
            json!({ "state": "success", "target_url": "http://127.0.0.1:1/", "unknown": 1 }),
        ];
        for body in accepted {
            let new = new_status(SHA, body.to_string().as_bytes());
            assert!(new.is_ok(), "{body}: {new:?}");
        }
    }

    #[test]
    fn what_a_commit_status_may_not_say() {
        let refused = [
            (
                json!({ "state": "queued" }),
                "state is not included in the list",
            ),
            (
                json!({ "state": "success", "description": "d".repeat(141) }),
                "description is too long (maximum is 140 characters)",
            ),
            (
                json!({ "state": "success", "description": "shipped 🚀" }),
                "description doesn't accept 4-byte Unicode",
            ),
            (
                json!({ "state": "success", "context": "c".repeat(256) }),
                "context is too long (maximum is 255 characters)",
            ),
            (
                json!({ "state": "success", "target_url": "ftp://host/" }),
                "target_url must use http(s) scheme",
            ),
        ];
        for (body, message) in refused {
            let refusal = new_status(SHA, body.to_string().as_bytes()).unwrap_err();
            assert_eq!(messages(&refusal), [message]);
        }
        let refusal = new_status("6dcb09b", br#"{"state":"success"}"#).unwrap_err();
        assert_eq!(messages(&refusal), ["sha must be a 40 character SHA1"]);
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let body = json!({ "state": "done", "description": "🚀".repeat(141) }).to_string();
        let refusal = new_deployment_status(body.as_bytes()).unwrap_err();
        assert_eq!(
            messages(&refusal),
            [
                "state is not included in the list",
                "description is too long (maximum is 140 characters)",
                "description doesn't accept 4-byte Unicode",
            ]
        );
    }

    #[test]
    fn a_deployment_has_defaults() {
        let new = new_deployment(br#"{"ref":"main"}"#).unwrap();
        assert!(new.auto_merge && new.production_environment && !new.transient_environment);
        assert_eq!(
            (new.task.as_str(), new.environment.as_str()),
            ("deploy", "production")
        );
        assert_eq!((new.required_contexts, new.payload), (None, json!({})));

        let new = new_deployment(br#"{"ref":"main","environment":"staging"}"#).unwrap();
        assert!(!new.production_environment);
    }

    #[test]
    fn links_of_a_deployment_status() {
        let new =
            new_deployment_status(br#"{"state":"in_progress","target_url":"https://a/"}"#).unwrap();
        assert_eq!(
            (new.log_url.as_str(), new.auto_inactive),
            ("https://a/", true)
        );

        let body = br#"{"state":"success","log_url":"a","environment_url":"b"}"#;
        assert_eq!(
            messages(&new_deployment_status(body).unwrap_err()),
            [
                "log_url must use http(s) scheme",
                "environment_url must use http(s) scheme",
            ]
        );
    }

    #[test]
    fn bodies_of_the_wrong_form() {
        let cases: [(&[u8], u16, &str); 6] = [
            (b"", 400, "Problems parsing JSON"),
            (b"{", 400, "Problems parsing JSON"),
            (b"[]", 400, "Body should be a JSON object"),
            (b"{}", 422, "Invalid request.\n\n\"ref\" wasn't supplied."),
            (
                br#"{"ref":1}"#,
                422,
                "Invalid request.\n\ninvalid type: integer `1`, expected a string",
            ),
            (
                br#"{"ref":"main","payload":[1]}"#,
                422,
                "Invalid request.\n\nFor 'properties/payload', [1] is not an object or a string.",
            ),
        ];
        for (body, status, message) in cases {
            let refusal = new_deployment(body).unwrap_err();
            assert_eq!(
                (refusal.status, refusal.body()["message"].as_str()),
                (status, Some(message))
            );
        }
    }

    fn messages(refusal: &Refusal) -> Vec<String> {
        let body = refusal.body();
        assert_eq!(
            (refusal.status, &body["message"]),
            (422, &json!("Validation Failed"))
        );
        let errors = body["errors"].as_array().unwrap();
        errors
            .iter()
            .map(|it| it["message"].as_str().unwrap().to_owned())
            .collect()
    }
}
