use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::health::Checks;
use super::name::last_segment;
use super::pace::Pace;
use super::pull::Images;
use super::scheduler::Scheduler;
use super::state::State;
use super::task::{Task, TaskStatus};
use super::{ApiError, api};
use crate::event::Events;

/// What a controller needs to work.
pub struct Settings {
    /// Where its events go.
    pub events: Events,
    /// Base of the image registry and of the query APIs, for example `http://127.0.0.1:7401`.
    pub registry: String,
    /// What the Fargate agent would put into every task: endpoint, credentials, region.
    pub task_environment: Vec<(String, String)>,
    /// For unpacked images, the tasks' logs and the state.
    pub work_dir: PathBuf,
    /// How fast everything goes.
    pub pace: Pace,
}

/// Amazon ECS in this process.
pub struct Controller {
    shared: Arc<Shared>,
    /// Tells the scheduler to close, and the scheduler itself; taken by the first [`Controller::stop`].
    scheduler: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

/// A task as the story and the tests look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskView {
    /// The task's id.
    pub id: String,
    /// The digest of the image that it runs, once it has been pulled.
    pub digest: Option<String>,
    /// The ARN of its task definition.
    pub revision: String,
    /// The id of the deployment that started it.
    pub deployment: String,
    /// `lastStatus`, for example `RUNNING`.
    pub status: String,
    /// Where it listens, once it runs.
    pub address: Option<SocketAddr>,
}

/// What the API and the scheduler share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) images: Arc<Images>,
    pub(super) checks: Arc<Checks>,
    state: Mutex<State>,
}

impl Controller {
    /// Starts the scheduler; services of an earlier controller in the same folder start their tasks again.
    pub async fn start(settings: Settings) -> anyhow::Result<Arc<Controller>> {
        for folder in ["images", "tasks"] {
            let folder = settings.work_dir.join(folder);
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("making the folder {}", folder.display()))?;
        }
        let client = reqwest::Client::builder()
            .no_proxy()
            // A kept connection to a task that stops would look like a failed health check of the next one.
            .pool_max_idle_per_host(0)
            .build()
            .context("making the client of the image registry")?;
        let images = settings.work_dir.join("images");
        let shared = Arc::new(Shared {
            state: Mutex::new(State::restore(&settings.state_file())?),
            images: Arc::new(Images::new(&settings.registry, images, client.clone())),
            checks: Arc::new(Checks::new(&settings.registry, client)),
            settings,
        });
        let (close, closed) = oneshot::channel();
        let scheduler = tokio::spawn(Scheduler::new(Arc::clone(&shared)).run(closed));
        Ok(Arc::new(Controller {
            shared,
            scheduler: Mutex::new(Some((close, scheduler))),
        }))
    }

    /// Answers one awsJson1.1 operation.
    pub async fn call(&self, operation: &str, body: Value) -> Result<Value, ApiError> {
        api::answer(&mut self.shared.state(), operation, &body)
    }

    /// Saves the state and stops every task: SIGTERM, then SIGKILL. Returns when all are gone; does nothing when
    /// called again.
    pub async fn stop(&self) {
        let scheduler = lock(&self.scheduler).take();
        let Some((close, scheduler)) = scheduler else {
            return;
        };
        self.shared.state().changed = true;
        self.shared.save_if_changed(&mut self.shared.state());
        // Fails only when the scheduler has ended already.
        let _ = close.send(());
        let _ = scheduler.await;
    }

    /// The registered and healthy targets behind the load balancer, of one service (name or ARN) or of all.
    pub fn healthy_targets(&self, service: Option<&str>) -> Vec<SocketAddr> {
        let state = self.shared.state();
        let balanced = |task: &Task| {
            let service = state.services.get(&task.service);
            service.is_some_and(|service| service.target_group().is_some())
        };
        let wanted = |task: &Task| {
            service.is_none_or(|name| last_segment(&task.service) == last_segment(name))
        };
        let targets = state
            .tasks
            .iter()
            .filter(|task| task.is_healthy() && task.last_status == TaskStatus::Running)
            .filter(|task| wanted(task) && balanced(task));
        targets.filter_map(|task| task.address).collect()
    }

    /// The tasks of a service (name or ARN), oldest first, stopped ones too.
    pub fn tasks(&self, service: &str) -> Vec<TaskView> {
        let state = self.shared.state();
        let mine = |task: &&Task| last_segment(&task.service) == last_segment(service);
        let view = |task: &Task| TaskView {
            id: task.id.clone(),
            digest: task.digest.clone(),
            revision: task.definition.clone(),
            deployment: task.deployment.clone(),
            status: task.last_status.name().to_owned(),
            address: task.address,
        };
        state.tasks.iter().filter(mine).map(view).collect()
    }

    /// The next `n` registrations of a task definition are refused as too many at once.
    pub fn refuse_next_registrations(&self, n: usize) {
        self.shared.state().refusals = n;
    }
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// A state that cannot be written is no reason to stop serving: the next start is a cold one then.
    pub(super) fn save_if_changed(&self, state: &mut State) {
        if state.changed
            && let Err(error) = state.save(&self.settings.state_file())
        {
            eprintln!("{error:#}");
            state.changed = false;
        }
    }
}

impl Settings {
    fn state_file(&self) -> PathBuf {
        self.work_dir.join("state.json")
    }
}

/// The data is whole after each step, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
