use serde_json::{Value, json};

use super::deployment::RolloutState;
use super::name::cluster_arn;
use super::service::Service;
use super::state::State;
use super::{history, tags};

/// The service as the API shows it.
pub(super) fn view(state: &State, arn: &str, with_tags: bool) -> Value {
    let service = &state.services[arn];
    let mut view = service.body.clone();
    let (running, pending) = service.counts(state, |_| true);
    let deployments: Vec<Value> = (0..service.deployments.len())
        .map(|place| deployment_view(state, service, place))
        .collect();
    let revisions: Vec<Value> = service
        .deployments
        .iter()
        .map(|deployment| history::summary(state, service, &deployment.revision))
        .collect();
    view["serviceArn"] = json!(arn);
    view["serviceName"] = json!(service.name);
    view["clusterArn"] = json!(cluster_arn(&service.cluster));
    view["status"] = json!(service.status);
    view["runningCount"] = json!(running);
    view["pendingCount"] = json!(pending);
    view["deployments"] = json!(deployments);
    view["events"] = json!([]);
    view["createdAt"] = json!(service.created_at);
    view["currentServiceRevisions"] = json!(revisions);
    if let Some(record) = service.history.first() {
        view["currentServiceDeployment"] = json!(record.arn);
    }
    if with_tags {
        view["tags"] = tags::of(state, arn);
    }
    view
}

fn deployment_view(state: &State, service: &Service, place: usize) -> Value {
    let deployment = &service.deployments[place];
    let (running, pending) = service.counts(state, |task| task.deployment == deployment.id);
    let mut view = json!({
        "id": deployment.id,
        "status": if place == 0 { "PRIMARY" } else { "ACTIVE" },
        "taskDefinition": deployment.definition,
        "desiredCount": if place == 0 { service.desired() } else { running as u64 },
        "runningCount": running,
        "pendingCount": pending,
        "failedTasks": deployment.failed_tasks,
        "createdAt": deployment.created_at,
        "updatedAt": deployment.updated_at,
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
    });
    for key in ["launchType", "capacityProviderStrategy"] {
        if !service.body[key].is_null() {
            view[key] = service.body[key].clone();
        }
    }
    for key in [
        "networkConfiguration",
        "serviceConnectConfiguration",
        "volumeConfigurations",
    ] {
        if let Some(value) = deployment.settings.get(key) {
            view[key] = value.clone();
        }
    }
    // Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html>: only for rolling updates.
    if service.body["deploymentController"]["type"] == "ECS" {
        view["rolloutState"] = json!(match deployment.rollout {
            RolloutState::InProgress => "IN_PROGRESS",
            RolloutState::Completed => "COMPLETED",
            RolloutState::Failed => "FAILED",
        });
        view["rolloutStateReason"] = json!(deployment.reason);
    }
    view
}
