//! The three kinds of events that ECS sends about services.

use serde_json::{Value, json};

use super::definition;
use super::deployment::Deployment;
use super::name::{cluster_arn, iso, now};
use super::service::Service;
use super::state::State;
use super::task::Task;
use crate::event::Events;

/// The names of "ECS Deployment State Change"; there are no others, so a deployment that is superseded ends in silence.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html>
#[derive(Clone, Copy)]
pub(super) enum Change {
    InProgress,
    Completed,
    Failed,
}

/// "ECS Deployment State Change". It names neither the cluster nor the task definition: only the id and the service.
pub(super) fn deployment(events: &Events, service: &Service, deployment: &Deployment, to: Change) {
    let (kind, name) = match to {
        Change::InProgress => ("INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS"),
        Change::Completed => ("INFO", "SERVICE_DEPLOYMENT_COMPLETED"),
        Change::Failed => ("ERROR", "SERVICE_DEPLOYMENT_FAILED"),
    };
    let detail = json!({
        "eventType": kind,
        "eventName": name,
        "deploymentId": deployment.id,
        "updatedAt": iso(deployment.updated_at),
        "reason": deployment.reason,
    });
    let title = "ECS Deployment State Change";
    events.send("aws.ecs", title, &[&service.arn], detail);
}

/// The names of "ECS Service Action" that happen here.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html>
#[derive(Clone, Copy)]
pub(super) enum Action {
    SteadyState,
    TaskStartImpaired,
}

/// "ECS Service Action". It names no deployment.
pub(super) fn service(events: &Events, service: &Service, action: Action) {
    let (kind, name) = match action {
        Action::SteadyState => ("INFO", "SERVICE_STEADY_STATE"),
        Action::TaskStartImpaired => ("WARN", "SERVICE_TASK_START_IMPAIRED"),
    };
    let detail = json!({
        "eventType": kind,
        "eventName": name,
        "clusterArn": cluster_arn(&service.cluster),
        "createdAt": iso(now()),
    });
    events.send("aws.ecs", "ECS Service Action", &[&service.arn], detail);
}

/// "ECS Task State Change", sent when a task runs and when it has stopped.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html>
pub(super) fn task(events: &Events, state: &State, task: &Task) {
    if task.quiet {
        return;
    }
    let mut detail: Value = task.show(definition::find(state, &task.definition), iso);
    detail["updatedAt"] = iso(now());
    events.send("aws.ecs", "ECS Task State Change", &[&task.arn()], detail);
}
