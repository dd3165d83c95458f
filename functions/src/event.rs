//! What was heard: EventBridge's JSON becomes our own small structs here, and nowhere else.
//!
//! Unknown fields are welcome. A missing one has a rule: what every sample carries must be there, what AWS's
//! schema calls optional may be absent or null. An error names the event's kind and the field.

use anyhow::{Context, Result, bail, ensure};
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use chrono::{DateTime, Utc};
use ledger::transition::Seen;
use ledger::{DeploymentId, Digest, ServiceKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What `rollout` hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// Something happened to an image.
    Image(ImageAction),
    /// An image was scanned.
    Scanned(ImageScan),
    /// Somebody asks for a rollout.
    Request(Request),
    /// It is time to look for what no event told.
    Sweep {
        /// When the clock struck.
        at: DateTime<Utc>,
    },
}

/// "ECR Image Action" and "ECR Replication Action", which says the same in the destination's region.
/// Source: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html>
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ImageAction {
    /// `PUSH`, `DELETE`, `REPLICATE`, or an action of ECR's archive.
    pub action_type: String,
    /// `SUCCESS` or `FAILURE`; a replication says `FAILED`.
    pub result: String,
    /// The repository's name, without a registry.
    pub repository_name: String,
    /// Absent when an image is deleted by its tag.
    pub image_digest: Option<Digest>,
    /// Absent, or an empty string, for the parts of a multi-architecture push.
    pub image_tag: Option<String>,
}

/// "ECR Image Scan". What was found is asked for, as everything is.
/// Source: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html>
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ImageScan {
    /// The repository's name, without a registry.
    pub repository_name: String,
    /// What was scanned.
    pub image_digest: Digest,
    /// Its tags: none for the parts of a multi-architecture push.
    pub image_tags: Option<Vec<String>>,
}

/// Our own event "Rollout Requested".
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The event's id: the same request, delivered twice, is carried out once.
    pub id: String,
    /// What is asked.
    pub ask: Ask,
}

/// The detail of "Rollout Requested".
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Ask {
    /// What to do.
    pub action: AskedAction,
    /// The target's name.
    pub target: String,
    /// The release to go to; without it, the one that the action means by itself.
    pub digest: Option<Digest>,
    /// For a promotion, the target on which the release has succeeded.
    pub from: Option<String>,
    /// Who asks.
    pub by: String,
    /// Why, for the history.
    pub why: Option<String>,
}

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AskedAction {
    /// Go back to an earlier release.
    Rollback,
    /// Roll out again what runs or is on its way, as the template is now.
    Redeploy,
    /// Bring what another target runs, or a release that has succeeded there.
    Promote,
    /// Roll out nothing that is pushed, until it is released.
    Hold,
    /// Roll out pushes again, and the newest of those that came meanwhile.
    Release,
}

impl AskedAction {
    /// The word for it in events and in the history.
    pub fn as_str(self) -> &'static str {
        match self {
            AskedAction::Rollback => "rollback",
            AskedAction::Redeploy => "redeploy",
            AskedAction::Promote => "promote",
            AskedAction::Hold => "hold",
            AskedAction::Release => "release",
        }
    }
}

/// What `verdict` hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Watched {
    /// Something was seen of a service.
    Service(ServiceKey, Seen),
    /// A task of a service's deployment runs.
    Started(ServiceKey, DeploymentId),
    /// It is time to ask ECS about every open rollout.
    Sweep,
    /// An event of a kind that is heard, but with nothing in it for us.
    Nothing {
        /// Why there is nothing.
        why: &'static str,
    },
}

/// When an event was sent, if it says so.
pub fn sent(event: &Value) -> Option<DateTime<Utc>> {
    event["time"].as_str()?.parse().ok()
}

/// Parses what `rollout` hears.
pub fn heard(event: Value) -> Result<Heard> {
    let event = envelope(event)?;
    match (event.source.as_str(), event.detail_type.as_str()) {
        ("aws.ecr", "ECR Image Action" | "ECR Replication Action") => {
            Ok(Heard::Image(detail(event)?))
        }
        ("aws.ecr", "ECR Image Scan") => Ok(Heard::Scanned(detail(event)?)),
        ("couplet", "Rollout Requested") => request(event).map(Heard::Request),
        ("aws.events", "Scheduled Event") => Ok(Heard::Sweep {
            at: event.time.context("a \"Scheduled Event\" has no time")?,
        }),
        (source, kind) => bail!("rollout does not know the event \"{kind}\" from {source}"),
    }
}

fn request(event: EventBridgeEvent) -> Result<Request> {
    let id = event.id.clone();
    let id = id.context("a \"Rollout Requested\" event has no id")?;
    let ask: Ask = detail(event)?;
    ensure!(
        ask.action != AskedAction::Promote || ask.from.is_some(),
        "a \"Rollout Requested\" event asks for a promotion and does not say `from` which target"
    );
    Ok(Request { id, ask })
}

/// Parses what `verdict` hears.
pub fn watched(event: Value) -> Result<Watched> {
    let event = envelope(event)?;
    match (event.source.as_str(), event.detail_type.as_str()) {
        ("aws.ecs", "ECS Deployment State Change") => deployment(event),
        ("aws.ecs", "ECS Service Action") => service_action(event),
        ("aws.ecs", "ECS Task State Change") => task(event),
        ("aws.events", "Scheduled Event") => Ok(Watched::Sweep),
        (source, kind) => bail!("verdict does not know the event \"{kind}\" from {source}"),
    }
}

/// The event names its service only in `resources`, and the deployment only by its id.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html>
fn deployment(event: EventBridgeEvent) -> Result<Watched> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Detail {
        event_name: String,
        deployment_id: DeploymentId,
        reason: Option<String>,
    }
    let service = service(&event)?;
    let Detail {
        event_name,
        deployment_id,
        reason,
    } = detail(event)?;
    let seen = match event_name.as_str() {
        "SERVICE_DEPLOYMENT_IN_PROGRESS" => Seen::InProgress(deployment_id),
        "SERVICE_DEPLOYMENT_COMPLETED" => Seen::Completed(deployment_id),
        "SERVICE_DEPLOYMENT_FAILED" => Seen::Failed {
            deployment: deployment_id,
            reason: reason.unwrap_or_default(),
        },
        _ => {
            return Ok(Watched::Nothing {
                why: "an event name that ECS did not document when this was written",
            });
        }
    };
    Ok(Watched::Service(service, seen))
}

/// Errors of the service scheduler: early words about what goes wrong. They name no deployment.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html>
fn service_action(event: EventBridgeEvent) -> Result<Watched> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Detail {
        event_type: String,
        event_name: String,
        reason: Option<String>,
    }
    let service = service(&event)?;
    let detail: Detail = detail(event)?;
    if detail.event_type != "ERROR" {
        return Ok(Watched::Nothing {
            why: "a service action that is not an error",
        });
    }
    let reason = match detail.reason {
        Some(reason) => format!("{}: {reason}", detail.event_name),
        None => detail.event_name,
    };
    Ok(Watched::Service(
        service,
        Seen::Trouble {
            deployment: None,
            reason,
        },
    ))
}

/// A task that runs, or that ended by itself or did not get healthy. `startedBy` is the deployment's id.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html>
fn task(event: EventBridgeEvent) -> Result<Watched> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Detail {
        cluster_arn: String,
        group: Option<String>,
        started_by: Option<String>,
        last_status: String,
        desired_status: Option<String>,
        stop_code: Option<String>,
        stopped_reason: Option<String>,
        containers: Option<Vec<Container>>,
    }
    let detail: Detail = detail(event)?;
    let group = detail.group.as_deref().unwrap_or_default();
    let Some(service) = group.strip_prefix("service:") else {
        return Ok(Watched::Nothing {
            why: "a task that belongs to no service",
        });
    };
    // A task that people started by hand in the service's group belongs to no deployment.
    let started_by = detail.started_by.as_deref().unwrap_or_default();
    let Ok(deployment) = DeploymentId::parse(started_by) else {
        return Ok(Watched::Nothing {
            why: "a task that no deployment started",
        });
    };
    let cluster = detail.cluster_arn.rsplit('/').next().unwrap_or_default();
    let key = ServiceKey::parse(&format!("{cluster}/{service}"))
        .context("an \"ECS Task State Change\" event names no service")?;
    if detail.last_status == "RUNNING" && detail.desired_status.as_deref() == Some("RUNNING") {
        return Ok(Watched::Started(key, deployment));
    }
    let stopped_reason = detail
        .stopped_reason
        .as_deref()
        .unwrap_or("the task stopped");
    // The scheduler stops tasks in the course of its work, and unhealthy ones: only its words tell them apart.
    // Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html>
    let unhealthy = stopped_reason.starts_with("Task failed ");
    let by_itself = matches!(
        detail.stop_code.as_deref(),
        Some("TaskFailedToStart" | "EssentialContainerExited")
    );
    if detail.last_status != "STOPPED" || !(by_itself || unhealthy) {
        return Ok(Watched::Nothing {
            why: "a task that neither began to run nor ended by itself",
        });
    }
    let containers = detail.containers.as_deref().unwrap_or_default();
    let reason = match unhealthy {
        true => stopped_reason.to_owned(),
        false => stop_reason(containers, stopped_reason),
    };
    let seen = Seen::Trouble {
        deployment: Some(deployment),
        reason,
    };
    Ok(Watched::Service(key, seen))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    name: String,
    exit_code: Option<i64>,
    reason: Option<String>,
}

/// "container web exited 137: OutOfMemoryError: …", or the task's own reason when no container ran.
fn stop_reason(containers: &[Container], stopped_reason: &str) -> String {
    let failed = containers
        .iter()
        .find(|container| container.exit_code.is_some_and(|code| code != 0))
        .or_else(|| {
            containers
                .iter()
                .find(|container| container.exit_code.is_some())
        });
    match failed {
        Some(Container {
            name,
            exit_code: Some(code),
            reason,
        }) => {
            let reason = reason.as_deref().unwrap_or(stopped_reason);
            format!("container {name} exited {code}: {reason}")
        }
        _ => stopped_reason.to_owned(),
    }
}

fn service(event: &EventBridgeEvent) -> Result<ServiceKey> {
    let resource = event
        .resources
        .as_deref()
        .and_then(|resources| resources.first())
        .with_context(|| format!("a \"{}\" event names no service", event.detail_type))?;
    ServiceKey::from_service_arn(resource)
        .with_context(|| format!("malformed \"{}\" event", event.detail_type))
}

fn envelope(event: Value) -> Result<EventBridgeEvent> {
    serde_path_to_error::deserialize(event).context("not an EventBridge event")
}

fn detail<T: DeserializeOwned>(event: EventBridgeEvent) -> Result<T> {
    serde_path_to_error::deserialize(event.detail)
        .with_context(|| format!("malformed \"{}\" event", event.detail_type))
}
