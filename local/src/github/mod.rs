//! GitHub's commits, commit statuses and deployments, in memory, behind its REST API.
//!
//! What `report` says to GitHub, it says to this: over HTTP, with the same client and the same refusals.
//!
//! - `model`, `repository`, `commit`, `deployment`: what GitHub remembers, and how one request changes it
//! - `rules`, `faults`, `refusal`: what GitHub demands of a request, and how it says no
//! - `shape`, `page`: how GitHub writes things down
//! - `api`, `call`: which request asks for what; `app`: what a GitHub App asks for as itself
//! - `sign_in`, `user`: how people sign in, and what each may do
//! - `side_door`: what GitHub does not have
//! - `failure`: the faults that a test or the story can order
//! - `door`: what every request passes before the API, and what every answer carries
//! - `description`: GitHub's own description of all this, by which requests and answers are held to be right or wrong
//! - `server`: HTTP, around all of this, which knows nothing of it

mod api;
mod app;
mod call;
#[cfg(test)]
mod caller;
mod commit;
mod deployment;
mod description;
mod door;
mod failure;
mod faults;
mod model;
mod page;
mod refusal;
mod repository;
mod rules;
mod server;
mod shape;
mod side_door;
mod sign_in;
#[cfg(test)]
mod tests;
mod user;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use chrono::{TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;

pub use self::app::App;
pub use self::commit::{Commit, CommitState, CommitStatus};
pub use self::deployment::{Deployment, DeploymentState, DeploymentStatus};
use self::door::Door;
pub use self::failure::Failure;
use self::model::Model;
use self::repository::Repository;
pub use self::server::Served;
use self::sign_in::SignIn;
pub use self::user::Access;

/// A handle on one GitHub; cloned freely, all clones see the same.
#[derive(Clone)]
pub struct GitHub(Arc<Mutex<State>>);

/// What stands behind the handle.
struct State {
    door: Door,
    model: Model,
    sign_in: SignIn,
}

/// One request as it arrived, whatever became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The JSON body; null when there was none.
    pub body: Value,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        match &self.body {
            Value::Null => Ok(()),
            body => write!(f, " {body}"),
        }
    }
}

impl GitHub {
    /// A GitHub without repositories that knows this one token.
    pub fn new(token: &str) -> GitHub {
        let state = State {
            door: Door::new(token, Utc::now()),
            model: Model::default(),
            sign_in: SignIn::default(),
        };
        GitHub(Arc::new(Mutex::new(state)))
    }

    /// Answers on `address` (port 0: any free one) until the result is dropped or stopped.
    pub async fn serve(&self, address: SocketAddr) -> anyhow::Result<Served> {
        server::serve(self.clone(), address).await
    }

    /// Pushes a commit to the default branch of `repository` (`owner/name`), which comes to be with its first commit.
    pub fn add_commit(&self, repository: &str, sha: &str, message: &str) {
        self.state()
            .model
            .add_commit(repository, sha, message, Utc::now());
    }

    /// Registers the app that people sign in to, with the one address that they are sent back to. A `client_id` that
    /// begins with `Iv` makes it a GitHub App, any other an OAuth app.
    pub fn oauth(&self, client_id: &str, client_secret: &str, redirect_uri: &str) {
        self.state()
            .sign_in
            .register(client_id, client_secret, redirect_uri);
    }

    /// Lets somebody do this with `repository` (`owner/name`) from now on; they come to be with the first such call. They
    /// do not see the other repositories.
    pub fn give(&self, login: &str, repository: &str, access: Access) {
        self.state().sign_in.give(login, repository, access);
    }

    /// The statuses of a commit, oldest first.
    pub fn statuses(&self, repository: &str, sha: &str) -> Vec<CommitStatus> {
        self.read(repository, |it| {
            it.commit(sha).map(|it| it.statuses.clone())
        })
        .unwrap_or_default()
    }

    /// The deployments of a repository, oldest first, each with its statuses, oldest first.
    pub fn deployments(&self, repository: &str) -> Vec<Deployment> {
        self.read(repository, |it| Some(it.deployments.clone()))
            .unwrap_or_default()
    }

    /// The one state that GitHub shows beside a commit: `success`, `failure` or `pending`.
    pub fn combined_status(&self, repository: &str, sha: &str) -> String {
        self.read(repository, |it| it.commit(sha).map(Commit::combined))
            .unwrap_or(CommitState::Pending)
            .to_string()
    }

    /// Every request so far, refused ones too.
    pub fn requests(&self) -> Vec<Request> {
        self.state().door.requests.clone()
    }

    /// What was wrong, by GitHub's own description of its API, with requests until now and with the answers to them.
    pub fn violations(&self) -> Vec<String> {
        self.state().door.violations.clone()
    }

    /// Installs an App on `repository` (`owner/name`); the key that it comes with is the one that counts from now on.
    pub fn install(&self, app: App, repository: &str) {
        self.state().door.apps.install(app, repository);
    }

    /// How long the tokens of Apps are good from now on: an hour, unless this says otherwise.
    pub fn tokens_live_for(&self, lifetime: TimeDelta) {
        self.state().door.apps.tokens_live_for(lifetime);
    }

    /// No token that an App was given counts any more.
    pub fn take_back_tokens(&self) {
        self.state().door.apps.take_back_tokens();
    }

    /// Lets the next `times` requests fail (`usize::MAX`: all of them). Orders are carried out one after the other.
    pub fn fail_next(&self, failure: Failure, times: usize) {
        self.state().door.order(failure, times);
    }

    /// Lets all requests of the next time fail, for so long.
    pub fn fail_for(&self, failure: Failure, lasting: TimeDelta) {
        self.state().door.order_until(failure, Utc::now() + lasting);
    }

    /// All repositories, for [`GitHub::restore`] in a later process.
    pub fn save(&self) -> Value {
        serde_json::to_value(&self.state().model).expect("the model is plain data with string keys")
    }

    /// Forgets its repositories and takes over those that [`GitHub::save`] gave.
    pub fn restore(&self, saved: Value) -> anyhow::Result<()> {
        self.state().model = serde_json::from_value(saved).context("read the saved GitHub")?;
        Ok(())
    }

    fn read<T>(&self, repository: &str, get: impl Fn(&Repository) -> Option<T>) -> Option<T> {
        get(self.state().model.repository(repository).ok()?)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
