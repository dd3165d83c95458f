use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ApiError;
use super::deployment::RolloutState;
use super::name::{last_segment, required, service_arn, text};
use super::service::Service;
use super::task::Task;

/// Everything that the controller knows. Tasks are processes and do not outlive it, so they are not written down.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Name → cluster, as the API shows it.
    pub(super) clusters: BTreeMap<String, Value>,
    /// Family → its revisions, oldest first; the number of a revision is its place, counted from one.
    pub(super) definitions: BTreeMap<String, Vec<Value>>,
    /// ARN → service.
    pub(super) services: BTreeMap<String, Service>,
    /// ARN of anything → its tags.
    pub(super) tags: BTreeMap<String, Vec<Value>>,
    /// Oldest first; stopped tasks stay for a while.
    #[serde(skip)]
    pub(super) tasks: Vec<Task>,
    /// How many of the next registrations are refused.
    #[serde(skip)]
    pub(super) refusals: usize,
    /// Something has changed since the state was last written.
    #[serde(skip)]
    pub(super) changed: bool,
}

impl State {
    /// Reads what an earlier controller left. Its tasks are gone: the services start them again, in silence where
    /// nothing was under way.
    pub(super) fn restore(file: &Path) -> anyhow::Result<State> {
        if !file.exists() {
            return Ok(State::default());
        }
        let read = || format!("reading the state of the services in {}", file.display());
        let bytes = std::fs::read(file).with_context(read)?;
        let mut state: State = serde_json::from_slice(&bytes).with_context(read)?;
        for service in state.services.values_mut() {
            service.deployments.truncate(1);
            service.quiet = service
                .deployments
                .first()
                .is_some_and(|primary| primary.rollout == RolloutState::Completed);
        }
        Ok(state)
    }

    /// Writes the state so that a reader never sees half of it.
    pub(super) fn save(&mut self, file: &Path) -> anyhow::Result<()> {
        let write = || format!("writing the state of the services to {}", file.display());
        let draft = file.with_extension("draft");
        std::fs::write(&draft, serde_json::to_vec(self)?).with_context(write)?;
        std::fs::rename(&draft, file).with_context(write)?;
        self.changed = false;
        Ok(())
    }

    /// The name of the ACTIVE cluster that a request is about.
    pub(super) fn cluster(&self, body: &Value) -> Result<String, ApiError> {
        let name = last_segment(text(body, "cluster").unwrap_or("default"));
        match self.clusters.get(name) {
            Some(cluster) if cluster["status"] == "ACTIVE" => Ok(name.to_owned()),
            _ => Err(ApiError::new(
                "ClusterNotFoundException",
                "Cluster not found.",
            )),
        }
    }

    /// The ARN of the service that a request is about; it exists, but need not be ACTIVE.
    pub(super) fn service(&self, body: &Value) -> Result<String, ApiError> {
        let cluster = self.cluster(body)?;
        let arn = service_arn(&cluster, last_segment(required(body, "service")?));
        if self.services.contains_key(&arn) {
            Ok(arn)
        } else {
            let message = "Service not found.";
            Err(ApiError::new("ServiceNotFoundException", message))
        }
    }

    /// All tasks of a service, stopped ones too.
    pub(super) fn tasks_of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Task> {
        self.tasks
            .iter()
            .filter(move |task| task.service == service)
    }
}
