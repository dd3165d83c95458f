//! What is wrong with the values of a request's body.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::refusal::Refusal;

/// Source: <https://docs.github.com/rest/deployments/statuses#create-a-deployment-status>; for commit statuses the
/// reference is silent, the answer is not: <https://github.com/zalando/zappr/issues/378>
const LONGEST_DESCRIPTION: usize = 140;

/// Everything that is wrong with one body: GitHub tells it all at once.
pub(super) struct Faults {
    resource: &'static str,
    list: Vec<Value>,
}

impl Faults {
    /// Nothing yet; `resource` is what the body describes.
    pub(super) fn of(resource: &'static str) -> Faults {
        Faults {
            resource,
            list: Vec::new(),
        }
    }

    /// Adds a fault.
    pub(super) fn add(&mut self, field: &str, message: &str) {
        self.list.push(json!({
            "resource": self.resource,
            "code": "custom",
            "field": field,
            "message": message,
        }));
    }

    /// Adds a fault unless it is `right`.
    pub(super) fn unless(&mut self, right: bool, field: &str, message: &str) {
        if !right {
            self.add(field, message);
        }
    }

    /// Reads one of the words that are states.
    /// The words of a real answer: <https://github.com/DamageLabs/clahub/pull/100>
    pub(super) fn state<T: DeserializeOwned>(&mut self, word: &str) -> Option<T> {
        let state = serde_json::from_value(Value::from(word)).ok();
        self.unless(
            state.is_some(),
            "state",
            "state is not included in the list",
        );
        state
    }

    /// The words of a real answer: <https://github.com/ouzi-dev/commit-status-updater/issues/526>
    pub(super) fn description(&mut self, text: &str) {
        self.longest("description", text, LONGEST_DESCRIPTION);
        self.unless(
            text.chars().all(|it| it.len_utf8() < 4),
            "description",
            "description doesn't accept 4-byte Unicode",
        );
    }

    /// The words of a real answer: <https://github.com/zalando/zappr/issues/378>
    pub(super) fn longest(&mut self, field: &str, text: &str, most: usize) {
        self.unless(
            text.chars().count() <= most,
            field,
            &format!("{field} is too long (maximum is {most} characters)"),
        );
    }

    /// The words of a real answer: <https://github.com/jenkinsci/ghprb-plugin/issues/661>
    pub(super) fn link(&mut self, field: &str, url: &str) {
        let web = ["http://", "https://"]
            .iter()
            .any(|scheme| url.starts_with(scheme));
        self.unless(
            web || url.is_empty(),
            field,
            &format!("{field} must use http(s) scheme"),
        );
    }

    /// The value, if there is one and nothing was wrong.
    pub(super) fn settle<T>(self, value: Option<T>, page: &'static str) -> Result<T, Refusal> {
        match value {
            Some(value) if self.list.is_empty() => Ok(value),
            _ => Err(Refusal::validation_failed(self.list, page)),
        }
    }
}
