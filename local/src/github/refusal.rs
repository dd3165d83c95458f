//! How GitHub says no.

use serde_json::{Value, json};

use super::commit::CommitStatus;
use super::repository::DEFAULT_BRANCH;

/// The page about all of the API.
pub(super) const REST: &str = "https://docs.github.com/rest";
/// The page about the tokens of a GitHub App.
pub(super) const APPS: &str =
    "https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app";
/// The page about posting a commit status.
pub(super) const STATUSES: &str =
    "https://docs.github.com/rest/commits/statuses#create-a-commit-status";
/// The page about reading a commit.
pub(super) const COMMITS: &str = "https://docs.github.com/rest/commits/commits#get-a-commit";
/// The page about asking for a deployment.
pub(super) const DEPLOYMENTS: &str =
    "https://docs.github.com/rest/deployments/deployments#create-a-deployment";
/// The page about saying how a deployment stands.
pub(super) const DEPLOYMENT_STATUSES: &str =
    "https://docs.github.com/rest/deployments/statuses#create-a-deployment-status";

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    message: String,
    errors: Vec<Value>,
    page: &'static str,
}

impl Refusal {
    /// A refusal in one sentence.
    pub(super) fn new(status: u16, message: impl Into<String>, page: &'static str) -> Refusal {
        Refusal {
            status,
            message: message.into(),
            errors: Vec::new(),
            page,
        }
    }

    /// An unknown route, repository or deployment.
    pub(super) fn not_found() -> Refusal {
        Refusal::new(404, "Not Found", REST)
    }

    /// A good token of a kind that cannot ask for this, or was not given the permission.
    /// Source: <https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api#resource-not-accessible>
    pub(super) fn not_for_this_token() -> Refusal {
        Refusal::new(403, "Resource not accessible by integration", REST)
    }

    /// The words of a real answer: <https://github.com/rust-lang/homu/issues/141>
    pub(super) fn no_commit(sha: &str, page: &'static str) -> Refusal {
        Refusal::new(422, format!("No commit found for SHA: {sha}"), page)
    }

    /// The words of a real answer: <https://github.com/Pix4D/cogito/pull/110>
    pub(super) fn too_many_statuses() -> Refusal {
        let message = "This SHA and context has reached the maximum number of statuses.";
        let error = json!({ "resource": "Status", "code": "custom", "message": message });
        Refusal::validation_failed(vec![error], STATUSES)
    }

    /// GitHub's reference gives 422 for a `ref` that names nothing; its words here are those that GitHub uses for an
    /// unknown `ref` when a workflow is dispatched.
    pub(super) fn no_ref(reference: &str) -> Refusal {
        Refusal::new(422, format!("No ref found for: {reference}"), DEPLOYMENTS)
    }

    /// The words of a real answer: <https://github.com/chrnorm/deployment-action/issues/1>
    pub(super) fn merge_conflict(reference: &str) -> Refusal {
        let message = format!("Conflict merging {DEFAULT_BRANCH} into {reference}.");
        Refusal::new(409, message, DEPLOYMENTS)
    }

    /// The form of a real answer: <https://github.com/drevops/vortex/issues/1903>
    pub(super) fn contexts_failed(reference: &str, contexts: &[&CommitStatus]) -> Refusal {
        let contexts: Vec<Value> = contexts
            .iter()
            .map(|it| json!({ "context": it.context, "state": it.state }))
            .collect();
        let message = format!("Conflict: Commit status checks failed for {reference}.");
        Refusal {
            errors: vec![json!({
                "contexts": contexts,
                "resource": "Deployment",
                "field": "required_contexts",
                "code": "invalid",
            })],
            ..Refusal::new(409, message, DEPLOYMENTS)
        }
    }

    /// The body does not have the form that the reference gives for it.
    /// Source: <https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api#invalid-request>
    pub(super) fn invalid_request(why: &str, page: &'static str) -> Refusal {
        Refusal::new(422, format!("Invalid request.\n\n{why}"), page)
    }

    /// The body has the right form, but GitHub does not take its values.
    /// Source: <https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api#validation-failed>
    pub(super) fn validation_failed(errors: Vec<Value>, page: &'static str) -> Refusal {
        Refusal {
            errors,
            ..Refusal::new(422, "Validation Failed", page)
        }
    }

    /// The body of the answer.
    pub(super) fn body(&self) -> Value {
        let mut body = json!({
            "message": self.message,
            "documentation_url": self.page,
            "status": self.status.to_string(),
        });
        if !self.errors.is_empty() {
            body["errors"] = json!(self.errors);
        }
        body
    }
}
