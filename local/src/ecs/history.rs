//! Service deployments and service revisions: what ECS remembers of how a service came to be what it is.
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ApiError;
use super::alarms::Watch;
use super::deployment::Breaker;
use super::name::{cluster_arn, now, page, required, text, texts};
use super::rollout;
use super::service::Service;
use super::state::State;

/// `status` of a service deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum RecordStatus {
    Pending,
    InProgress,
    Successful,
    StopRequested,
    Stopped,
    RollbackRequested,
    RollbackInProgress,
    RollbackSuccessful,
}

/// One service deployment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) arn: String,
    /// Failed tasks in a row, as the circuit breaker counts them.
    pub(super) failures: u32,
    status: RecordStatus,
    reason: Option<String>,
    source: Option<String>,
    target: String,
    configuration: Value,
    rollback: Option<Value>,
    /// What has become of its alarms.
    #[serde(default)]
    pub(super) alarms: Watch,
    created_at: f64,
    started_at: Option<f64>,
    finished_at: Option<f64>,
    updated_at: f64,
}

impl Record {
    pub(super) fn new(arn: String, service: &Service, target: &str) -> Record {
        let source = service.deployments.first();
        Record {
            arn,
            failures: 0,
            status: RecordStatus::Pending,
            reason: None,
            source: source.map(|former| former.revision.clone()),
            target: target.to_owned(),
            configuration: service.body["deploymentConfiguration"].clone(),
            rollback: None,
            alarms: Watch::default(),
            created_at: now(),
            started_at: None,
            finished_at: None,
            updated_at: now(),
        }
    }

    pub(super) fn enter(&mut self, status: RecordStatus, reason: Option<&str>) {
        use RecordStatus::{InProgress, RollbackSuccessful, Stopped, Successful};
        self.status = status;
        self.updated_at = now();
        if let Some(reason) = reason {
            self.reason = Some(reason.to_owned());
        }
        match status {
            InProgress => self.started_at = Some(now()),
            Successful | Stopped | RollbackSuccessful => self.finished_at = Some(now()),
            _ => {}
        }
    }

    /// A rollback brings back an earlier revision; it makes neither a new revision nor a new service deployment.
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-revision.html>
    pub(super) fn request_rollback(&mut self, reason: &str, revision: &str) {
        self.enter(RecordStatus::RollbackRequested, Some(reason));
        self.rollback = Some(json!({
            "reason": reason,
            "startedAt": now(),
            "serviceRevisionArn": revision,
        }));
    }

    pub(super) fn is_stop_requested(&self) -> bool {
        self.status == RecordStatus::StopRequested
    }

    fn is_under_way(&self) -> bool {
        use RecordStatus::{InProgress, Pending};
        matches!(self.status, Pending | InProgress)
    }

    fn brief(&self, service: &Service) -> Value {
        let mut view = json!({
            "serviceDeploymentArn": self.arn,
            "serviceArn": service.arn,
            "clusterArn": cluster_arn(&service.cluster),
            "status": self.status,
            "targetServiceRevisionArn": self.target,
            "createdAt": self.created_at,
        });
        if let Some(reason) = &self.reason {
            view["statusReason"] = json!(reason);
        }
        if let Some(at) = self.started_at {
            view["startedAt"] = json!(at);
        }
        if let Some(at) = self.finished_at {
            view["finishedAt"] = json!(at);
        }
        view
    }

    fn full(&self, state: &State, service: &Service) -> Value {
        let mut view = self.brief(service);
        if let Some(fields) = view.as_object_mut() {
            fields.shift_remove("targetServiceRevisionArn");
        }
        let source: Vec<Value> = self
            .source
            .iter()
            .map(|arn| summary(state, service, arn))
            .collect();
        view["sourceServiceRevisions"] = json!(source);
        view["targetServiceRevision"] = summary(state, service, &self.target);
        view["deploymentConfiguration"] = self.configuration.clone();
        view["deploymentCircuitBreaker"] = self.breaker(service);
        view["alarms"] = self.alarms.view(&self.configuration, self.is_under_way());
        view["updatedAt"] = json!(self.updated_at);
        if self.status == RecordStatus::Stopped {
            view["stoppedAt"] = json!(self.finished_at);
        }
        if let Some(rollback) = &self.rollback {
            view["rollback"] = rollback.clone();
        }
        view
    }

    fn breaker(&self, service: &Service) -> Value {
        let breaker = Breaker::of(service);
        let status = match (breaker.enabled, self.status) {
            (false, _) => "DISABLED",
            (true, RecordStatus::Pending | RecordStatus::InProgress) => "MONITORING",
            (true, RecordStatus::Successful) => "MONITORING_COMPLETE",
            (true, _) if self.failures >= breaker.threshold => "TRIGGERED",
            (true, _) => "MONITORING_COMPLETE",
        };
        json!({"status": status, "failureCount": self.failures, "threshold": breaker.threshold})
    }
}

/// The counts of tasks that run one revision.
pub(super) fn summary(state: &State, service: &Service, revision: &str) -> Value {
    let ids: Vec<&str> = service
        .deployments
        .iter()
        .filter(|deployment| deployment.revision == revision)
        .map(|deployment| deployment.id.as_str())
        .collect();
    let wanted = match service.deployments.first() {
        Some(primary) if primary.revision == revision => service.desired(),
        _ => 0,
    };
    let (running, pending) = service.counts(state, |task| ids.contains(&task.deployment.as_str()));
    json!({
        "arn": revision,
        "requestedTaskCount": wanted,
        "runningTaskCount": running,
        "pendingTaskCount": pending,
    })
}

/// Right after UpdateService the new service deployment is not in the list yet (seen live: kayac/ecspresso#929), so
/// a PENDING one is left out; it is there from the scheduler's next look at the service.
pub(super) fn list(state: &State, body: &Value) -> Result<Value, ApiError> {
    let arn = state.service(body)?;
    let service = &state.services[&arn];
    let wanted = texts(body, "status");
    let after = body["createdAt"]["after"].as_f64().unwrap_or(f64::MIN);
    let before = body["createdAt"]["before"].as_f64().unwrap_or(f64::MAX);
    let records = service
        .history
        .iter()
        .filter(|record| record.status != RecordStatus::Pending)
        .filter(|record| (after..=before).contains(&record.created_at))
        .map(|record| record.brief(service))
        .filter(|brief| wanted.is_empty() || wanted.iter().any(|it| brief["status"] == **it))
        .collect();
    Ok(page(body, "serviceDeployments", records))
}

pub(super) fn describe(state: &State, body: &Value) -> Result<Value, ApiError> {
    let mut found = Vec::new();
    let mut failures = Vec::new();
    for arn in texts(body, "serviceDeploymentArns") {
        match find(state, arn) {
            Some((service, record)) => found.push(record.full(state, service)),
            None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
        }
    }
    Ok(json!({ "serviceDeployments": found, "failures": failures }))
}

pub(super) fn revisions(state: &State, body: &Value) -> Result<Value, ApiError> {
    let mut found = Vec::new();
    let mut failures = Vec::new();
    for arn in texts(body, "serviceRevisionArns") {
        let all = state.services.values().flat_map(|it| &it.revisions);
        match all.into_iter().find(|it| it["serviceRevisionArn"] == arn) {
            Some(revision) => found.push(revision.clone()),
            None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
        }
    }
    Ok(json!({ "serviceRevisions": found, "failures": failures }))
}

/// From PENDING or IN_PROGRESS the rollback begins; a rollback that is under way goes on.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stop-service-deployment.html>
pub(super) fn stop(state: &mut State, body: &Value) -> Result<Value, ApiError> {
    let arn = required(body, "serviceDeploymentArn")?;
    if text(body, "stopType").is_some_and(|kind| kind != "ROLLBACK") {
        return Err(ApiError::parameter(
            "The valid value of stopType is ROLLBACK.",
        ));
    }
    let service = state
        .services
        .values_mut()
        .find(|service| service.history.iter().any(|record| record.arn == arn));
    let Some(service) = service else {
        return Err(ApiError::new(
            "ServiceDeploymentNotFoundException",
            "Service deployment not found.",
        ));
    };
    let record = service.record(arn);
    if record.finished_at.is_some() {
        let message = "The service deployment has already finished.";
        return Err(ApiError::new("ConflictException", message));
    }
    if record.is_under_way() {
        if service.last_completed.is_none() {
            let message = "There is no service revision to roll back to.";
            return Err(ApiError::new("ConflictException", message));
        }
        rollout::stop_by_user(service);
    }
    Ok(json!({ "serviceDeploymentArn": arn }))
}

fn find<'a>(state: &'a State, arn: &str) -> Option<(&'a Service, &'a Record)> {
    state.services.values().find_map(|service| {
        let record = service.history.iter().find(|record| record.arn == arn)?;
        Some((service, record))
    })
}
