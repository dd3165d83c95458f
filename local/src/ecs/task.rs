use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::ApiError;
use super::definition;
use super::name::{
    cluster_arn, container_arn, last_segment, now, page, service_arn, task_arn, task_id, text,
    texts,
};
use super::process::End;
use super::service::Service;
use super::state::State;

/// Where a task stands, as `lastStatus` says it.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaskStatus {
    Provisioning,
    Pending,
    Running,
    /// Deregistered from the load balancer, finishing the requests that it has.
    Deactivating,
    Stopping,
    Stopped,
}

impl TaskStatus {
    pub(super) fn name(self) -> &'static str {
        match self {
            TaskStatus::Provisioning => "PROVISIONING",
            TaskStatus::Pending => "PENDING",
            TaskStatus::Running => "RUNNING",
            TaskStatus::Deactivating => "DEACTIVATING",
            TaskStatus::Stopping => "STOPPING",
            TaskStatus::Stopped => "STOPPED",
        }
    }

    pub(super) fn is_pending(self) -> bool {
        matches!(self, TaskStatus::Provisioning | TaskStatus::Pending)
    }
}

/// What the health checks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Unknown,
    Healthy,
    Unhealthy,
}

/// One task of a service: one process.
pub(super) struct Task {
    pub(super) id: String,
    pub(super) cluster: String,
    /// The ARN of the service.
    pub(super) service: String,
    /// The id of the deployment that started it.
    pub(super) deployment: String,
    /// The ARN of the task definition.
    pub(super) definition: String,
    pub(super) container: String,
    pub(super) image: String,
    /// None where the service has a launch type.
    pub(super) capacity_provider: Option<String>,
    pub(super) digest: Option<String>,
    pub(super) address: Option<SocketAddr>,
    pub(super) last_status: TaskStatus,
    pub(super) health: Health,
    pub(super) was_healthy: bool,
    /// Started again after a restart of the controller: nobody is told.
    pub(super) quiet: bool,
    /// The scheduler has asked it to stop; gone once it has been sent.
    pub(super) stop: Option<oneshot::Sender<Duration>>,
    pub(super) stopping: bool,
    version: u64,
    created_at: f64,
    started_at: Option<f64>,
    stopping_at: Option<f64>,
    stopped_at: Option<f64>,
    stop_code: Option<&'static str>,
    stopped_reason: Option<String>,
    container_reason: Option<String>,
    exit_code: Option<i32>,
}

impl Task {
    pub(super) fn new(
        service: &Service,
        deployment: &str,
        definition: &Value,
        container: &Value,
    ) -> Task {
        Task {
            id: task_id(),
            cluster: service.cluster.clone(),
            service: service.arn.clone(),
            deployment: deployment.to_owned(),
            definition: text(definition, "taskDefinitionArn")
                .unwrap_or_default()
                .to_owned(),
            container: text(container, "name").unwrap_or_default().to_owned(),
            image: text(container, "image").unwrap_or_default().to_owned(),
            capacity_provider: None,
            digest: None,
            address: None,
            last_status: TaskStatus::Provisioning,
            health: Health::Unknown,
            was_healthy: false,
            quiet: service.quiet,
            stop: None,
            stopping: false,
            version: 1,
            created_at: now(),
            started_at: None,
            stopping_at: None,
            stopped_at: None,
            stop_code: None,
            stopped_reason: None,
            container_reason: None,
            exit_code: None,
        }
    }

    pub(super) fn arn(&self) -> String {
        task_arn(&self.cluster, &self.id)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.last_status == TaskStatus::Stopped
    }

    /// Counts towards what the service has: not told to stop, not stopped.
    pub(super) fn is_active(&self) -> bool {
        !self.stopping && !self.is_stopped()
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.is_active() && self.health == Health::Healthy
    }

    /// When a stopped task was stopped.
    pub(super) fn stopped_at(&self) -> Option<f64> {
        self.stopped_at
    }

    pub(super) fn enter(&mut self, status: TaskStatus) {
        self.last_status = status;
        self.version += 1;
        if status == TaskStatus::Running {
            self.started_at = Some(now());
        }
    }

    /// Tells the process to stop after `delay`, during which the load balancer sends it nothing new.
    pub(super) fn ask_to_stop(&mut self, why: &str, delay: Duration) {
        self.stopping = true;
        self.stopping_at = Some(now());
        self.stop_code = Some("ServiceSchedulerInitiated");
        self.stopped_reason = Some(why.to_owned());
        if self.last_status == TaskStatus::Running {
            self.enter(TaskStatus::Deactivating);
        }
        if let Some(stop) = self.stop.take() {
            // Fails only when the process has just ended by itself, which is on its way to us.
            let _ = stop.send(delay);
        }
    }

    /// The process is gone. What the scheduler asked for is not a fault of the task.
    pub(super) fn end(&mut self, end: End) {
        let (code, reason) = match &end {
            End::CannotPull(why) | End::CannotStart(why) => ("TaskFailedToStart", why.clone()),
            End::Exited(_) | End::NeverStarted => (
                "EssentialContainerExited",
                "Essential container in task exited".to_owned(),
            ),
        };
        if let End::CannotPull(why) | End::CannotStart(why) = &end {
            self.container_reason = Some(why.clone());
        }
        if let End::Exited(code) = end {
            self.exit_code = Some(code);
        }
        self.stop_code.get_or_insert(code);
        self.stopped_reason.get_or_insert(reason);
        self.stopping_at.get_or_insert(now());
        self.stopped_at = Some(now());
        self.enter(TaskStatus::Stopped);
    }

    /// The task as DescribeTasks shows it.
    fn view(&self, definition: Option<&Value>) -> Value {
        self.show(definition, |time| json!(time))
    }

    /// The task as it stands in an event: the same with times as text.
    pub(super) fn show(&self, definition: Option<&Value>, time: fn(f64) -> Value) -> Value {
        let desired = match self.stopping || self.is_stopped() {
            true => "STOPPED",
            false => "RUNNING",
        };
        let mut view = json!({
            "taskArn": self.arn(),
            "taskDefinitionArn": self.definition,
            "clusterArn": cluster_arn(&self.cluster),
            "group": format!("service:{}", last_segment(&self.service)),
            "startedBy": self.deployment,
            "lastStatus": self.last_status.name(),
            "desiredStatus": desired,
            "launchType": "FARGATE",
            "platformVersion": "1.4.0",
            "platformFamily": "Linux",
            "availabilityZone": "us-east-1a",
            "attachments": [],
            "attributes": [],
            "overrides": {"containerOverrides": [{"name": self.container}]},
            "enableExecuteCommand": false,
            "containers": [self.container_view()],
            "version": self.version,
            "createdAt": time(self.created_at),
        });
        if let Some(provider) = &self.capacity_provider {
            view["capacityProviderName"] = json!(provider);
        }
        let times = [
            ("startedAt", self.started_at),
            ("stoppingAt", self.stopping_at),
            ("stoppedAt", self.stopped_at),
        ];
        for key in ["cpu", "memory"] {
            if let Some(size) = definition.and_then(|it| text(it, key)) {
                view[key] = json!(size);
            }
        }
        for (key, at) in times {
            if let Some(at) = at {
                view[key] = time(at);
            }
        }
        if let Some(code) = self.stop_code {
            view["stopCode"] = json!(code);
            view["stoppedReason"] = json!(self.stopped_reason);
        }
        view
    }

    fn container_view(&self) -> Value {
        let status = match self.last_status {
            TaskStatus::Running | TaskStatus::Deactivating | TaskStatus::Stopping => "RUNNING",
            TaskStatus::Stopped => "STOPPED",
            TaskStatus::Provisioning | TaskStatus::Pending => "PENDING",
        };
        let mut view = json!({
            "containerArn": container_arn(&self.cluster, &self.id, &self.container),
            "taskArn": self.arn(),
            "name": self.container,
            "image": self.image,
            "lastStatus": status,
            "runtimeId": format!("{}-0", self.id),
            "networkInterfaces": [{"privateIpv4Address": "127.0.0.1"}],
            "networkBindings": [],
            "cpu": "0",
        });
        if let Some(digest) = &self.digest {
            view["imageDigest"] = json!(digest);
        }
        if let Some(code) = self.exit_code {
            view["exitCode"] = json!(code);
        }
        if let Some(reason) = &self.container_reason {
            view["reason"] = json!(reason);
        }
        view
    }
}

pub(super) fn list(state: &State, body: &Value) -> Result<Value, ApiError> {
    let cluster = state.cluster(body)?;
    let service = text(body, "serviceName").map(|name| service_arn(&cluster, last_segment(name)));
    let wanted = text(body, "desiredStatus").unwrap_or("RUNNING");
    let arns = state
        .tasks
        .iter()
        .filter(|task| task.cluster == cluster)
        .filter(|task| service.as_ref().is_none_or(|arn| *arn == task.service))
        .filter(|task| text(body, "startedBy").is_none_or(|by| by == task.deployment))
        .filter(|task| {
            let (family, _) = last_segment(&task.definition)
                .rsplit_once(':')
                .unwrap_or_default();
            text(body, "family").is_none_or(|wanted| wanted == family)
        })
        .filter(|task| task.is_active() == (wanted == "RUNNING"))
        .map(|task| json!(task.arn()))
        .collect();
    Ok(page(body, "taskArns", arns))
}

pub(super) fn describe(state: &State, body: &Value) -> Result<Value, ApiError> {
    let cluster = state.cluster(body)?;
    let mut tasks = Vec::new();
    let mut failures = Vec::new();
    for wanted in texts(body, "tasks") {
        let id = last_segment(wanted);
        match state.tasks.iter().find(|task| task.id == id) {
            Some(task) => tasks.push(task.view(definition::find(state, &task.definition))),
            None => failures.push(json!({"arn": task_arn(&cluster, id), "reason": "MISSING"})),
        }
    }
    Ok(json!({ "tasks": tasks, "failures": failures }))
}
