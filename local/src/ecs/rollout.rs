//! What happens to a service's deployments: one begins, completes, fails, is superseded, is rolled back to.

use std::time::Instant;

use serde_json::{Value, json};

use super::alarms::Alarms;
use super::definition;
use super::deployment::{Breaker, Deployment, RolloutState};
use super::events::{self, Action, Change};
use super::history::{Record, RecordStatus};
use super::name::{
    cluster_arn, deployment_id, now, service_deployment_arn, service_revision_arn, text,
};
use super::pace::Pace;
use super::service::{Service, TRIGGERS};
use super::state::State;
use crate::event::Events;

/// Makes a new PRIMARY deployment of what the service is set to. The former one becomes ACTIVE; if it was still under
/// way it ends here, without any event: its service deployment goes STOP_REQUESTED and then STOPPED.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>
pub(super) fn begin(state: &State, service: &mut Service) {
    let id = deployment_id();
    let revision = service_revision_arn(&service.cluster, &service.name);
    let arn = service_deployment_arn(&service.cluster, &service.name);
    let record = Record::new(arn.clone(), service, &revision);
    let definition = text(&service.body, "taskDefinition")
        .unwrap_or_default()
        .to_owned();
    if let Some(former) = service.deployments.first()
        && former.rollout == RolloutState::InProgress
    {
        let stopped = former.rolls_back.as_ref().unwrap_or(&former.record).clone();
        service.record(&stopped).enter(
            RecordStatus::StopRequested,
            Some("A new service deployment was started."),
        );
    }
    let deployment = Deployment {
        reason: format!("ECS deployment {id} in progress."),
        settings: TRIGGERS
            .iter()
            .filter(|key| !service.body[**key].is_null())
            .map(|key| ((*key).to_owned(), service.body[*key].clone()))
            .collect(),
        id,
        created_at: now(),
        updated_at: now(),
        rollout: RolloutState::InProgress,
        announced: false,
        failed_tasks: 0,
        failures: 0,
        record: arn,
        revision: revision.clone(),
        rolls_back: None,
        next_start: None,
        definition,
    };
    let revision = revision_view(state, service, &deployment);
    service.revisions.push(revision);
    service.history.insert(0, record);
    service.deployments.insert(0, deployment);
    service.is_steady = false;
    service.quiet = false;
}

/// The PRIMARY deployment has been noticed by the scheduler.
pub(super) fn announce(service: &mut Service, events: &Events) {
    let primary = &mut service.deployments[0];
    primary.announced = true;
    let primary = primary.clone();
    match &primary.rolls_back {
        Some(failed) => service
            .record(failed)
            .enter(RecordStatus::RollbackInProgress, None),
        None => service
            .record(&primary.record)
            .enter(RecordStatus::InProgress, None),
    }
    events::deployment(events, service, &primary, Change::InProgress);
}

/// The PRIMARY deployment is where it was to be. After a rollback that is an earlier deployment, with its own old id:
/// COMPLETED of that id means that the newer one was rolled back.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>
pub(super) fn complete(service: &mut Service, events: &Events) {
    let primary = &mut service.deployments[0];
    primary.rollout = RolloutState::Completed;
    primary.reason = format!("ECS deployment {} completed.", primary.id);
    primary.updated_at = now();
    primary.failures = 0;
    let failed = primary.rolls_back.take();
    let primary = primary.clone();
    match failed {
        Some(failed) => service
            .record(&failed)
            .enter(RecordStatus::RollbackSuccessful, None),
        None => service
            .record(&primary.record)
            .enter(RecordStatus::Successful, None),
    }
    events::deployment(events, service, &primary, Change::Completed);
    service.last_completed = Some(primary);
}

/// The circuit breaker trips. With the rollback option and an earlier COMPLETED deployment that one is brought back;
/// otherwise the failed deployment stays PRIMARY and launches nothing any more.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>
pub(super) fn trip(service: &mut Service, events: &Events) {
    let rollback = Breaker::of(service).rollback;
    give_up(
        service,
        events,
        rollback,
        "ECS deployment circuit breaker",
        "tasks failed to start",
    );
}

/// An alarm has gone off. Everything else is as with the breaker, but by the alarms' own rollback option. Of the
/// words only those of the service event are known, "deployment failed: alarm detected.", from
/// <https://github.com/aws/copilot-cli>; the deployment's reason is not documented and made like the breaker's.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html>
pub(super) fn alarm(service: &mut Service, events: &Events) {
    let rollback = Alarms::of(service).is_some_and(|alarms| alarms.rollback);
    give_up(
        service,
        events,
        rollback,
        "ECS deployment failed",
        "alarm detected",
    );
}

fn give_up(service: &mut Service, events: &Events, rollback: bool, what: &str, why: &str) {
    let reason = format!("{what}: {why}.");
    fail(service, &reason);
    events::deployment(events, service, &service.deployments[0], Change::Failed);
    if rollback && service.last_completed.is_some() {
        roll_back(service, &reason, |id| {
            format!("{what}: rolling back to deploymentId {id}.")
        });
    } else {
        let record = service.deployments[0].record.clone();
        service
            .record(&record)
            .enter(RecordStatus::StopRequested, Some(&reason));
    }
}

/// StopServiceDeployment. That it sends no FAILED event, and the wording of the reason, are not documented.
pub(super) fn stop_by_user(service: &mut Service) {
    const REASON: &str = "Service deployment was stopped by a user.";
    fail(service, REASON);
    roll_back(service, REASON, |id| {
        format!("ECS deployment {id} in progress.")
    });
}

/// A task ended before it was ever healthy. Only the PRIMARY deployment counts; once it has COMPLETED its tasks are
/// replaced for ever, with a growing pause, and no breaker looks.
pub(super) fn count_failure(service: &mut Service, deployment: &str, pace: &Pace, events: &Events) {
    let Some(primary) = service.deployments.first_mut() else {
        return;
    };
    if primary.id != deployment {
        return;
    }
    primary.failures += 1;
    primary.updated_at = now();
    primary.next_start = Some(Instant::now() + pace.back_off(primary.failures));
    if primary.rollout == RolloutState::InProgress {
        primary.failed_tasks += 1;
    }
    let failures = primary.failures;
    if primary.rolls_back.is_none() {
        let record = primary.record.clone();
        service.record(&record).failures = failures;
    }
    if failures == 3 || failures % 10 == 0 {
        events::service(events, service, Action::TaskStartImpaired);
    }
}

fn fail(service: &mut Service, reason: &str) {
    let primary = &mut service.deployments[0];
    primary.rollout = RolloutState::Failed;
    primary.reason = reason.to_owned();
    primary.updated_at = now();
}

/// The last COMPLETED deployment becomes PRIMARY again under its old id and goes back to IN_PROGRESS, which is why
/// there is nothing to roll back to until it has completed once more.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>
fn roll_back(service: &mut Service, why: &str, reason: impl Fn(&str) -> String) {
    let Some(mut back) = service.last_completed.take() else {
        return;
    };
    let failed = service.deployments[0].record.clone();
    service
        .record(&failed)
        .request_rollback(why, &back.revision);
    service.deployments.retain(|other| other.id != back.id);
    back.rollout = RolloutState::InProgress;
    back.reason = reason(&back.id);
    back.updated_at = now();
    back.announced = false;
    back.failed_tasks = 0;
    back.rolls_back = Some(failed);
    back.next_start = None;
    for key in TRIGGERS {
        match back.settings.get(key) {
            Some(value) => service.body[key] = value.clone(),
            None if service.body[key].is_null() => {}
            None => service.body[key] = Value::Null,
        }
    }
    service.deployments.insert(0, back);
    service.is_steady = false;
}

fn revision_view(state: &State, service: &Service, deployment: &Deployment) -> Value {
    let definition = definition::find(state, &deployment.definition);
    let containers = definition.and_then(|it| it["containerDefinitions"].as_array());
    let images: Vec<Value> = containers
        .into_iter()
        .flatten()
        .map(|container| {
            let image = text(container, "image").unwrap_or_default();
            let mut view = json!({"containerName": container["name"], "image": image});
            if let Some((_, digest)) = image.split_once('@') {
                view["imageDigest"] = json!(digest);
            }
            view
        })
        .collect();
    let mut view = json!({
        "serviceRevisionArn": deployment.revision,
        "serviceArn": service.arn,
        "clusterArn": cluster_arn(&service.cluster),
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "containerImages": images,
        "guardDutyEnabled": false,
        "createdAt": deployment.created_at,
    });
    for (key, value) in &deployment.settings {
        if key != "platformVersion" {
            view[key] = value.clone();
        }
    }
    for key in ["launchType", "capacityProviderStrategy"] {
        if !service.body[key].is_null() {
            view[key] = service.body[key].clone();
        }
    }
    view
}
