//! Services as the API sees them, kept as the JSON that was sent.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::alarms::Watch;
use super::deployment::Deployment;
use super::history::Record;
use super::name::{includes, last_segment, now, page, required, service_arn, text, texts};
use super::state::State;
use super::task::{Task, TaskStatus};
use super::view::view;
use super::{ApiError, capacity, definition, rollout, tags};
use crate::event::ACCOUNT;

/// What starts a deployment when it changes. The desired count does not, nor does the deployment configuration.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
pub(super) const TRIGGERS: [&str; 7] = [
    "taskDefinition",
    "networkConfiguration",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
];

/// What CreateService and UpdateService take and a service does not show under that name.
const INPUT_ONLY: [&str; 7] = [
    "cluster",
    "service",
    "serviceName",
    "role",
    "tags",
    "clientToken",
    "forceNewDeployment",
];

/// `status` of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Status {
    Active,
    Draining,
    Inactive,
}

/// One service.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Service {
    pub(super) arn: String,
    pub(super) name: String,
    /// The name of the cluster.
    pub(super) cluster: String,
    pub(super) status: Status,
    /// Every field that was sent, and the defaults.
    pub(super) body: Value,
    /// Newest first; the first is the PRIMARY one.
    pub(super) deployments: Vec<Deployment>,
    /// What the circuit breaker would go back to.
    pub(super) last_completed: Option<Deployment>,
    /// Newest first.
    pub(super) history: Vec<Record>,
    pub(super) revisions: Vec<Value>,
    pub(super) created_at: f64,
    /// It is at rest and has said so.
    #[serde(skip)]
    pub(super) is_steady: bool,
    /// When it says so again.
    #[serde(skip)]
    pub(super) next_steady: Option<Instant>,
    /// Its tasks are started again after a restart, and nobody is told.
    #[serde(skip)]
    pub(super) quiet: bool,
}

impl Service {
    pub(super) fn desired(&self) -> u64 {
        self.body["desiredCount"].as_u64().unwrap_or(0)
    }

    pub(super) fn percent(&self, key: &str, default: u64) -> u64 {
        let configuration = &self.body["deploymentConfiguration"];
        configuration[key].as_u64().unwrap_or(default)
    }

    /// The ARN of the target group, when a load balancer is in front.
    pub(super) fn target_group(&self) -> Option<&str> {
        text(&self.body["loadBalancers"][0], "targetGroupArn")
    }

    pub(super) fn wants_to_say_steady(&self, now: Instant) -> bool {
        !self.is_steady || self.next_steady.is_some_and(|moment| now >= moment)
    }

    /// The service deployment with this ARN.
    pub(super) fn record(&mut self, arn: &str) -> &mut Record {
        self.history
            .iter_mut()
            .find(|record| record.arn == arn)
            .expect("a deployment's record is kept as long as its service")
    }

    /// What has become of the alarms in the PRIMARY deployment.
    pub(super) fn watch(&self) -> &Watch {
        let primary = self.deployments.first();
        let record = primary.and_then(|it| self.history.iter().find(|one| one.arn == it.record));
        record.map_or(&Watch::Unseen, |record| &record.alarms)
    }

    /// How many tasks run and how many are on the way, of those that are chosen.
    pub(super) fn counts(&self, state: &State, chosen: impl Fn(&Task) -> bool) -> (usize, usize) {
        let mine: Vec<&Task> = state.tasks_of(&self.arn).filter(|it| chosen(it)).collect();
        let running = |task: &&&Task| task.last_status == TaskStatus::Running;
        let pending = |task: &&&Task| task.is_active() && task.last_status.is_pending();
        (
            mine.iter().filter(running).count(),
            mine.iter().filter(pending).count(),
        )
    }
}

pub(super) fn create(state: &mut State, body: &Value) -> Result<Value, ApiError> {
    let cluster = state.cluster(body)?;
    let name = required(body, "serviceName")?.to_owned();
    let arn = service_arn(&cluster, &name);
    if let Some(service) = state.services.get(&arn)
        && service.status != Status::Inactive
    {
        return Err(ApiError::parameter(match service.status {
            Status::Draining => "Unable to Start a service that is still Draining.",
            _ => "Creation of service was not idempotent.",
        }));
    }
    capacity::check_service(state, &cluster, body)?;
    let mut service = Service {
        arn: arn.clone(),
        name,
        status: Status::Active,
        body: with_defaults(state, &cluster, body),
        deployments: Vec::new(),
        last_completed: None,
        history: Vec::new(),
        revisions: Vec::new(),
        created_at: now(),
        next_steady: None,
        is_steady: false,
        quiet: false,
        cluster,
    };
    if let Some(wanted) = text(body, "taskDefinition") {
        service.body["taskDefinition"] = json!(definition::active_arn(state, wanted)?);
    }
    rollout::begin(state, &mut service);
    state.services.insert(arn.clone(), service);
    tags::replace(state, &arn, &body["tags"]);
    Ok(json!({ "service": view(state, &arn, true) }))
}

pub(super) fn describe(state: &State, body: &Value) -> Result<Value, ApiError> {
    let cluster = state.cluster(body)?;
    let mut services = Vec::new();
    let mut failures = Vec::new();
    for wanted in texts(body, "services") {
        let arn = service_arn(&cluster, last_segment(wanted));
        if state.services.contains_key(&arn) {
            services.push(view(state, &arn, includes(body, "TAGS")));
        } else {
            failures.push(json!({"arn": arn, "reason": "MISSING"}));
        }
    }
    Ok(json!({ "services": services, "failures": failures }))
}

pub(super) fn update(state: &mut State, body: &Value) -> Result<Value, ApiError> {
    let arn = state.service(body)?;
    let mut service = state.services[&arn].clone();
    if service.status != Status::Active {
        let message = "Service was not ACTIVE.";
        return Err(ApiError::new("ServiceNotActiveException", message));
    }
    capacity::check_service(state, &service.cluster, body)?;
    let mut changes = body.as_object().cloned().unwrap_or_default();
    for key in INPUT_ONLY {
        changes.shift_remove(key);
    }
    if let Some(wanted) = text(body, "taskDefinition") {
        let controller = &service.body["deploymentController"]["type"];
        if controller == "CODE_DEPLOY" {
            return Err(ApiError::parameter(
                "Unable to update task definition on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment.",
            ));
        }
        let definition = definition::active_arn(state, wanted)?;
        changes.insert("taskDefinition".into(), json!(definition));
    }
    // Without forceNewDeployment a request that changes nothing starts nothing.
    // Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
    let redeploys = body["forceNewDeployment"] == true
        || TRIGGERS
            .iter()
            .any(|key| changes.get(*key).is_some_and(|to| service.body[key] != *to));
    merge(&mut service.body, changes);
    capacity::choose(&mut service.body);
    service.is_steady = false;
    if redeploys {
        rollout::begin(state, &mut service);
    }
    state.services.insert(arn.clone(), service);
    Ok(json!({ "service": view(state, &arn, true) }))
}

pub(super) fn delete(state: &mut State, body: &Value) -> Result<Value, ApiError> {
    let arn = state.service(body)?;
    if let Some(service) = state.services.get_mut(&arn) {
        if service.desired() > 0 && body["force"] != true {
            return Err(ApiError::parameter(
                "The service cannot be stopped while it is scaled above 0.",
            ));
        }
        if service.status == Status::Active {
            service.status = Status::Draining;
            service.body["desiredCount"] = json!(0);
        }
    }
    Ok(json!({ "service": view(state, &arn, true) }))
}

pub(super) fn list(state: &State, body: &Value) -> Result<Value, ApiError> {
    let cluster = state.cluster(body)?;
    let mine = state.services.values().filter(|it| it.cluster == cluster);
    let arns = mine
        .filter(|service| service.status != Status::Inactive)
        .map(|service| json!(service.arn))
        .collect();
    Ok(page(body, "serviceArns", arns))
}

/// What AWS fills in. AvailabilityZoneRebalancing is ENABLED when a request to create says nothing.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>
fn with_defaults(state: &State, cluster: &str, body: &Value) -> Value {
    let mut filled = json!({
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {"enable": false, "rollback": false},
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
            "strategy": "ROLLING",
            "bakeTimeInMinutes": 0,
        },
        "desiredCount": 0,
        "platformVersion": "LATEST",
        "platformFamily": "Linux",
        "propagateTags": "NONE",
        "enableECSManagedTags": false,
        "enableExecuteCommand": false,
        "availabilityZoneRebalancing": "ENABLED",
        "healthCheckGracePeriodSeconds": 0,
        "loadBalancers": [],
        "serviceRegistries": [],
        "placementConstraints": [],
        "placementStrategy": [],
        "roleArn": format!("arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"),
        "createdBy": format!("arn:aws:iam::{ACCOUNT}:root"),
    });
    let mut sent = body.as_object().cloned().unwrap_or_default();
    let strategy = &state.clusters[cluster]["defaultCapacityProviderStrategy"];
    if !sent.contains_key("launchType") && !capacity::is_strategy(&body["capacityProviderStrategy"])
    {
        match capacity::is_strategy(strategy) {
            true => sent.insert("capacityProviderStrategy".into(), strategy.clone()),
            false => sent.insert("launchType".into(), json!("EC2")),
        };
    }
    if let Some(role) = text(body, "role") {
        sent.insert("roleArn".into(), json!(role));
    }
    for key in INPUT_ONLY {
        sent.shift_remove(key);
    }
    merge(&mut filled, sent);
    capacity::choose(&mut filled);
    filled
}

/// Puts `changes` over `body`; a null changes nothing, and the deployment configuration is changed field by field.
fn merge(body: &mut Value, changes: Map<String, Value>) {
    for (key, value) in changes {
        match value {
            Value::Null => {}
            Value::Object(parts) if key == "deploymentConfiguration" => {
                merge(&mut body[key], parts);
            }
            value => body[key] = value,
        }
    }
}
