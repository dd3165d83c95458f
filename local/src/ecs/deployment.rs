//! What a rolling deployment does next. [`plan`] is pure: a service and its tasks in, steps out.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::alarms::{Alarms, Watch};
use super::service::{Service, Status};
use super::task::{Health, Task};

/// `rolloutState` of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum RolloutState {
    InProgress,
    Completed,
    Failed,
}

/// One entry of a service's `deployments[]`. The first entry is the PRIMARY one, all others are ACTIVE.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Deployment {
    pub(super) id: String,
    /// The ARN of the task definition.
    pub(super) definition: String,
    pub(super) created_at: f64,
    pub(super) updated_at: f64,
    pub(super) rollout: RolloutState,
    pub(super) reason: String,
    /// Its IN_PROGRESS event has been sent.
    pub(super) announced: bool,
    pub(super) failed_tasks: u32,
    /// Tasks that failed one after the other, without a healthy one between.
    pub(super) failures: u32,
    /// What the service was set to: a rollback brings this back.
    pub(super) settings: Map<String, Value>,
    /// The service deployment (the API's history) that this one carries out.
    pub(super) record: String,
    /// The service revision that it brings.
    pub(super) revision: String,
    /// While it is rolled back to: the service deployment that failed.
    pub(super) rolls_back: Option<String>,
    /// No task is started before this moment.
    #[serde(skip)]
    pub(super) next_start: Option<Instant>,
}

/// The deployment circuit breaker of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Breaker {
    pub(super) enabled: bool,
    pub(super) rollback: bool,
    pub(super) threshold: u32,
}

impl Breaker {
    /// At least 3, at most 200, half of the desired count between.
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>
    pub(super) fn of(service: &Service) -> Breaker {
        let breaker = &service.body["deploymentConfiguration"]["deploymentCircuitBreaker"];
        Breaker {
            enabled: breaker["enable"] == true,
            rollback: breaker["rollback"] == true,
            threshold: service.desired().div_ceil(2).clamp(3, 200) as u32,
        }
    }
}

/// One small thing to do for a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The PRIMARY deployment begins: say so.
    Announce,
    /// Start one task of the PRIMARY deployment.
    Start,
    /// Take this task out of the load balancer, let it finish, stop it.
    Stop { task: String, why: String },
    /// The circuit breaker has seen enough.
    Trip,
    /// An alarm has gone off.
    Alarm,
    /// The PRIMARY deployment has what it wants, and nothing of the others is left.
    Complete,
    /// An ACTIVE deployment has no tasks any more.
    Forget { deployment: String },
    /// The service is at rest.
    Settle,
    /// A deleted service has no tasks any more.
    Vanish,
}

/// What to do next for `service`, of which `tasks` are all the tasks.
pub(super) fn plan(service: &Service, tasks: &[&Task], now: Instant) -> Vec<Step> {
    let Some(primary) = service.deployments.first() else {
        return Vec::new();
    };
    let alive = |deployment: &Deployment| {
        let mut mine = tasks.iter().filter(|task| task.deployment == deployment.id);
        mine.any(|task| !task.is_stopped())
    };
    if service.status != Status::Active {
        let mut steps = stops(service, primary, tasks);
        if steps.is_empty() && !service.deployments.iter().any(alive) {
            steps.push(Step::Vanish);
        }
        return steps;
    }
    if !primary.announced {
        return vec![Step::Announce];
    }
    if awaits_alarms(service, primary) {
        return Vec::new();
    }
    if trips(service, primary) {
        return vec![Step::Trip];
    }
    if judged(primary) && matches!(service.watch(), Watch::Triggered(_)) {
        return vec![Step::Alarm];
    }

    let mut steps = stops(service, primary, tasks);
    steps.extend(starts(service, primary, tasks, now));
    let former = service.deployments.iter().skip(1);
    let idle = former.filter(|deployment| !alive(deployment));
    steps.extend(idle.map(|deployment| Step::Forget {
        deployment: deployment.id.clone(),
    }));
    if steps.is_empty() && is_settled(service, primary, tasks) {
        match primary.rollout {
            RolloutState::InProgress => steps.push(Step::Complete),
            RolloutState::Completed if service.wants_to_say_steady(now) => {
                steps.push(Step::Settle);
            }
            RolloutState::Completed | RolloutState::Failed => {}
        }
    }
    steps
}

/// The breaker judges a deployment that is under way, once. It does not judge a rollback: the deployment that is
/// rolled back to left COMPLETED, and there is none to go back to from there.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>
fn trips(service: &Service, primary: &Deployment) -> bool {
    let breaker = Breaker::of(service);
    breaker.enabled && judged(primary) && primary.failures >= breaker.threshold
}

fn judged(primary: &Deployment) -> bool {
    primary.rollout == RolloutState::InProgress && primary.rolls_back.is_none()
}

/// Nothing is done until somebody has looked which alarms are on at the beginning.
fn awaits_alarms(service: &Service, primary: &Deployment) -> bool {
    judged(primary) && Alarms::of(service).is_some() && *service.watch() == Watch::Unseen
}

/// A FAILED deployment launches no tasks (same source), and neither does a rollback that fails as often as would
/// trip the breaker: it is stalled, IN_PROGRESS for ever, and no event tells of it.
fn is_stuck(service: &Service, primary: &Deployment) -> bool {
    let stalled =
        primary.rolls_back.is_some() && primary.failures >= Breaker::of(service).threshold;
    primary.rollout == RolloutState::Failed || stalled
}

fn starts(service: &Service, primary: &Deployment, tasks: &[&Task], now: Instant) -> Vec<Step> {
    if is_stuck(service, primary) || primary.next_start.is_some_and(|moment| now < moment) {
        return Vec::new();
    }
    let desired = service.desired();
    let active = tasks.iter().filter(|task| task.is_active()).count() as u64;
    let own = own(primary, tasks).count() as u64;
    let room = (desired * service.percent("maximumPercent", 200) / 100).saturating_sub(active);
    let missing = desired.saturating_sub(own);
    vec![Step::Start; missing.min(room) as usize]
}

/// Unhealthy tasks go, tasks that nobody wants any more go, and healthy ones of earlier deployments go as far as
/// the minimum of healthy tasks allows.
fn stops(service: &Service, primary: &Deployment, tasks: &[&Task]) -> Vec<Step> {
    let desired = match service.status {
        Status::Active => service.desired(),
        Status::Draining | Status::Inactive => 0,
    };
    let scaling = format!("Scaling activity initiated by (deployment {})", primary.id);
    let stop = |task: &&Task, why: &str| Step::Stop {
        task: task.id.clone(),
        why: why.to_owned(),
    };
    let (own_sick, mut own): (Vec<&Task>, Vec<&Task>) =
        own(primary, tasks).partition(|task| task.health == Health::Unhealthy);
    let (mut former_fit, former_unfit): (Vec<&Task>, Vec<&Task>) = tasks
        .iter()
        .filter(|task| task.is_active() && task.deployment != primary.id)
        .partition(|task| task.is_healthy());

    let mut steps: Vec<Step> = own_sick
        .iter()
        .map(|task| stop(task, &sick(service)))
        .collect();
    // The newest and the least proven go first when the service is scaled in.
    own.sort_by_key(|task| task.is_healthy());
    let surplus = own.len().saturating_sub(desired as usize);
    steps.extend(own.drain(..surplus).map(|task| stop(&task, &scaling)));
    steps.extend(former_unfit.iter().map(|task| stop(task, &scaling)));

    let least = (desired * service.percent("minimumHealthyPercent", 100)).div_ceil(100) as usize;
    let fit = former_fit.len() + own.iter().filter(|task| task.is_healthy()).count();
    let spare = fit.saturating_sub(least).min(former_fit.len());
    steps.extend(former_fit.drain(..spare).map(|task| stop(&task, &scaling)));
    steps
}

/// Everything wanted is healthy, and nothing else is left, not even something that is still draining.
fn is_settled(service: &Service, primary: &Deployment, tasks: &[&Task]) -> bool {
    let healthy = own(primary, tasks).filter(|task| task.is_healthy()).count();
    let alive = tasks.iter().filter(|task| !task.is_stopped()).count();
    healthy as u64 == service.desired() && alive == healthy
}

fn own<'a>(primary: &Deployment, tasks: &[&'a Task]) -> impl Iterator<Item = &'a Task> {
    let mine = tasks.iter().filter(|task| task.is_active());
    mine.filter(|task| task.deployment == primary.id).copied()
}

fn sick(service: &Service) -> String {
    match service.target_group() {
        Some(group) => format!("Task failed ELB health checks in (target-group {group})"),
        None => "Task failed container health checks".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ecs::{api, state::State};

    /// A service of `desired` tasks, with `former` healthy tasks of its first deployment and a second one under way.
    fn rolling(desired: u64, configuration: Value, former: usize) -> (Service, Vec<Task>) {
        let mut state = State::default();
        let mut call = |operation: &str, body: Value| {
            api::answer(&mut state, operation, &body).unwrap();
        };
        call("CreateCluster", json!({}));
        let definition = json!({"family": "web", "containerDefinitions": [{"name": "web"}]});
        call("RegisterTaskDefinition", definition);
        call(
            "CreateService",
            json!({"serviceName": "web", "taskDefinition": "web", "desiredCount": desired, "deploymentConfiguration": configuration}),
        );
        let first = state.services.values().next().unwrap().deployments[0]
            .id
            .clone();
        let update = json!({"service": "web", "forceNewDeployment": true});
        api::answer(&mut state, "UpdateService", &update).unwrap();
        let mut service = state.services.values().next().unwrap().clone();
        service.deployments[0].announced = true;
        let tasks = (0..former).map(|_| task(&service, &first, Health::Healthy));
        let tasks = tasks.collect();
        (service, tasks)
    }

    fn task(service: &Service, deployment: &str, health: Health) -> Task {
        let mut task = Task::new(service, deployment, &json!({}), &json!({}));
        task.health = health;
        task
    }

    /// How many tasks are started and how many are stopped next.
    fn next(service: &Service, tasks: &[Task]) -> (usize, usize) {
        let tasks: Vec<&Task> = tasks.iter().collect();
        let steps = plan(service, &tasks, Instant::now());
        let count = |wanted: fn(&Step) -> bool| steps.iter().filter(|step| wanted(step)).count();
        (
            count(|step| *step == Step::Start),
            count(|step| matches!(step, Step::Stop { .. })),
        )
    }

    #[test]
    fn the_percentages_say_how_many_start_and_stop() {
        for (desired, least, most, expected) in [
            (4, 100, 200, (4, 0)),
            (4, 50, 100, (0, 2)),
            (4, 50, 150, (2, 2)),
            (3, 100, 150, (1, 0)),
            (2, 0, 100, (0, 2)),
        ] {
            let configuration = json!({"minimumHealthyPercent": least, "maximumPercent": most});
            let (service, tasks) = rolling(desired, configuration, desired as usize);
            assert_eq!(next(&service, &tasks), expected, "{desired} {least} {most}");
        }
    }

    #[test]
    fn a_former_task_stops_only_when_a_new_one_is_healthy() {
        let (service, mut tasks) = rolling(1, json!({}), 1);
        let new = service.deployments[0].id.clone();
        tasks.push(task(&service, &new, Health::Unknown));
        assert_eq!(next(&service, &tasks), (0, 0));
        tasks[1].health = Health::Healthy;
        assert_eq!(next(&service, &tasks), (0, 1));
    }

    #[test]
    fn an_unhealthy_task_is_stopped_and_replaced() {
        let (service, mut tasks) = rolling(1, json!({}), 1);
        let new = service.deployments[0].id.clone();
        tasks.push(task(&service, &new, Health::Unhealthy));
        assert_eq!(next(&service, &tasks), (0, 1));
    }

    #[test]
    fn the_breaker_trips_at_its_threshold_and_not_without_being_enabled() {
        let on = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
        for (desired, threshold) in [(0, 3), (1, 3), (25, 13), (400, 200), (800, 200)] {
            let (mut service, _) = rolling(desired, on.clone(), 0);
            assert_eq!(Breaker::of(&service).threshold, threshold, "{desired}");
            service.deployments[0].failures = threshold - 1;
            assert!(!plan(&service, &[], Instant::now()).contains(&Step::Trip));
            service.deployments[0].failures = threshold;
            assert_eq!(plan(&service, &[], Instant::now()), [Step::Trip]);
            service.body["deploymentConfiguration"] = json!({});
            assert!(!plan(&service, &[], Instant::now()).contains(&Step::Trip));
        }
    }

    #[test]
    fn a_failed_deployment_starts_nothing() {
        let (mut service, tasks) = rolling(2, json!({}), 1);
        assert_eq!(next(&service, &tasks).0, 2);
        service.deployments[0].rollout = RolloutState::Failed;
        assert_eq!(next(&service, &tasks), (0, 0));
    }
}
