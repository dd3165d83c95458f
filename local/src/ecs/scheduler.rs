//! The one loop that moves everything: it takes in what the tasks' runners saw, asks [`plan`] for the next steps of
//! each service, and takes them. All events leave from here, in the order in which things happened.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::controller::Shared;
use super::deployment::{Step, plan};
use super::events::{self, Action};
use super::history::RecordStatus;
use super::name::{now, text, texts};
use super::process::{self, End, Errand, Sight};
use super::service::{Service, Status};
use super::state::State;
use super::task::{Health, Task, TaskStatus};
use super::{alarms, capacity, definition, rollout};

/// Stopped tasks can be described for an hour.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html>
const STOPPED_TASKS_STAY: f64 = 3600.0;

/// The scheduler and the runners that it has started.
pub(super) struct Scheduler {
    shared: Arc<Shared>,
    runners: JoinSet<()>,
    sender: UnboundedSender<(String, Sight)>,
    sights: UnboundedReceiver<(String, Sight)>,
}

impl Scheduler {
    pub(super) fn new(shared: Arc<Shared>) -> Scheduler {
        let (sender, sights) = tokio::sync::mpsc::unbounded_channel();
        Scheduler {
            shared,
            runners: JoinSet::new(),
            sender,
            sights,
        }
    }

    /// Works until it is told to close; then stops every task and waits for them.
    pub(super) async fn run(mut self, mut close: oneshot::Receiver<()>) {
        let mut clock = tokio::time::interval(self.shared.settings.pace.scheduler_tick);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let watch = tokio::spawn(alarms::watch(Arc::clone(&self.shared)));
        loop {
            tokio::select! {
                _ = clock.tick() => self.tick(),
                _ = &mut close => break,
            }
            while self.runners.try_join_next().is_some() {}
        }
        watch.abort();
        for task in &mut self.shared.state().tasks {
            if task.is_active() {
                task.ask_to_stop("The controller is stopping", Duration::ZERO);
            }
        }
        while self.runners.join_next().await.is_some() {}
    }

    fn tick(&mut self) {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state();
        while let Ok((task, sight)) = self.sights.try_recv() {
            self.see(&mut state, &task, sight);
        }
        let arns: Vec<String> = state.services.keys().cloned().collect();
        for arn in arns {
            // Out of the map while it is worked on, so that its tasks can be looked at beside it.
            let Some(mut service) = state.services.remove(&arn) else {
                continue;
            };
            for record in service
                .history
                .iter_mut()
                .filter(|it| it.is_stop_requested())
            {
                record.enter(RecordStatus::Stopped, None);
            }
            let tasks: Vec<&Task> = state.tasks_of(&arn).collect();
            for step in plan(&service, &tasks, Instant::now()) {
                self.take(&mut state, &mut service, step);
            }
            state.services.insert(arn, service);
        }
        let stays = |task: &Task| {
            task.stopped_at()
                .is_none_or(|at| now() - at < STOPPED_TASKS_STAY)
        };
        state.tasks.retain(stays);
        shared.save_if_changed(&mut state);
    }

    fn take(&mut self, state: &mut State, service: &mut Service, step: Step) {
        let to = &self.shared.settings.events;
        let pace = &self.shared.settings.pace;
        state.changed |= !matches!(step, Step::Start | Step::Stop { .. } | Step::Settle);
        match step {
            Step::Announce => rollout::announce(service, to),
            Step::Start => self.start(state, service),
            Step::Stop { task, why } => {
                if let Some(task) = state.tasks.iter_mut().find(|it| it.id == task) {
                    task.ask_to_stop(&why, pace.deregistration_delay);
                }
            }
            Step::Trip => rollout::trip(service, to),
            Step::Alarm => rollout::alarm(service, to),
            Step::Complete => rollout::complete(service, to),
            Step::Forget { deployment } => {
                service.deployments.retain(|it| it.id != deployment);
            }
            Step::Settle => {
                service.is_steady = true;
                service.next_steady = Some(Instant::now() + pace.steady_interval);
                if !std::mem::take(&mut service.quiet) {
                    events::service(to, service, Action::SteadyState);
                }
                for task in state
                    .tasks
                    .iter_mut()
                    .filter(|it| it.service == service.arn)
                {
                    task.quiet = false;
                }
            }
            Step::Vanish => {
                service.status = Status::Inactive;
                service.deployments.clear();
            }
        }
    }

    fn start(&mut self, state: &mut State, service: &mut Service) {
        let primary = &service.deployments[0];
        let balanced = text(&service.body["loadBalancers"][0], "containerName");
        let found = definition::find(state, &primary.definition).and_then(|definition| {
            Some((definition, definition::container(definition, balanced)?))
        });
        // Deleted from under the service: nothing can start until somebody names another one.
        let Some((definition, container)) = found else {
            return;
        };
        let mut task = Task::new(service, &primary.id, definition, container);
        let own = state.tasks_of(&service.arn);
        let own: Vec<&Task> = own.filter(|it| it.deployment == primary.id).collect();
        task.capacity_provider = capacity::next(service, &own);
        let list = |key: &str| {
            texts(container, key)
                .into_iter()
                .map(str::to_owned)
                .collect()
        };
        let environment = container["environment"].as_array().into_iter().flatten();
        let own = environment
            .filter_map(|pair| Some((text(pair, "name")?, pair["value"].as_str()?)))
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = &self.shared.settings;
        let errand = Errand {
            task: task.id.clone(),
            image: task.image.clone(),
            entry_point: list("entryPoint"),
            command: list("command"),
            environment: own
                .chain(settings.task_environment.iter().cloned())
                .collect(),
            target_group: service.target_group().map(str::to_owned),
            log: settings.work_dir.join(format!("tasks/{}.log", task.id)),
            pace: settings.pace.clone(),
            images: Arc::clone(&self.shared.images),
            checks: Arc::clone(&self.shared.checks),
        };
        let (stop, stopped) = oneshot::channel();
        task.stop = Some(stop);
        task.enter(TaskStatus::Pending);
        state.tasks.push(task);
        self.runners
            .spawn(process::run(errand, self.sender.clone(), stopped));
    }

    fn see(&self, state: &mut State, id: &str, sight: Sight) {
        let Some(place) = state.tasks.iter().position(|task| task.id == id) else {
            return;
        };
        let to = &self.shared.settings.events;
        let task = &mut state.tasks[place];
        match sight {
            Sight::Pulled { digest } => {
                task.digest = Some(digest.clone());
                let (service, deployment) = (task.service.clone(), task.deployment.clone());
                let container = task.container.clone();
                resolve(state, &service, &deployment, &container, &digest);
            }
            Sight::Running { address } => {
                task.address = Some(address);
                if task.is_active() {
                    task.enter(TaskStatus::Running);
                    events::task(to, state, &state.tasks[place]);
                }
            }
            Sight::Healthy => {
                task.health = Health::Healthy;
                task.was_healthy = true;
                let (service, deployment) = (task.service.clone(), task.deployment.clone());
                // resetOnHealthyTask is true unless somebody says otherwise.
                // Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentCircuitBreaker.html>
                if let Some(service) = state.services.get_mut(&service) {
                    let mut all = service.deployments.iter_mut();
                    if let Some(deployment) = all.find(|it| it.id == deployment) {
                        deployment.failures = 0;
                    }
                }
            }
            Sight::Unhealthy => {
                task.health = Health::Unhealthy;
                if task.is_active() && !task.was_healthy {
                    self.count_failure(state, place);
                }
            }
            Sight::Stopping => task.enter(TaskStatus::Stopping),
            Sight::Stopped(end) => {
                let own_fault = !task.stopping && !matches!(end, End::NeverStarted);
                let failed = own_fault && !task.was_healthy && task.health != Health::Unhealthy;
                task.end(end);
                events::task(to, state, &state.tasks[place]);
                if failed {
                    self.count_failure(state, place);
                }
            }
        }
        let service = state.tasks[place].service.clone();
        if let Some(service) = state.services.get_mut(&service)
            && state.tasks[place].is_stopped()
        {
            service.is_steady = false;
        }
    }

    fn count_failure(&self, state: &mut State, place: usize) {
        let settings = &self.shared.settings;
        let task = &state.tasks[place];
        if let Some(service) = state.services.get_mut(&task.service) {
            rollout::count_failure(service, &task.deployment, &settings.pace, &settings.events);
        }
    }
}

/// The service revision tells the digest that was really pulled.
fn resolve(state: &mut State, service: &str, deployment: &str, container: &str, digest: &str) {
    let Some(service) = state.services.get_mut(service) else {
        return;
    };
    let mut all = service.deployments.iter();
    let Some(deployment) = all.find(|it| it.id == deployment) else {
        return;
    };
    let revision = service
        .revisions
        .iter_mut()
        .find(|it| it["serviceRevisionArn"] == deployment.revision.as_str());
    let images = revision.and_then(|it| it["containerImages"].as_array_mut());
    for image in images.into_iter().flatten() {
        if image["containerName"] == container {
            image["imageDigest"] = json!(digest);
        }
    }
}
