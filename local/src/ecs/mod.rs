//! Amazon ECS on Fargate, as far as a deployer sees it, in this process: rolling deployments whose tasks are
//! processes of the pushed image's own program.
//!
//! - `api` answers one operation of awsJson1.1: `cluster`, `definition`, `service`, `history` (service deployments and
//!   revisions), `task` and `tags` each answer theirs. Nothing there waits, nothing there sends events.
//! - `scheduler` is the one loop. It asks `deployment` (pure) what a service needs next and takes these steps;
//!   `rollout` is what they do to deployments, `events` what is told of it.
//! - `process` runs one task: `pull` gets and unpacks the image, `health` asks whether it answers.
//! - `alarms` watches the CloudWatch alarms of deployments, `capacity` says on which provider a task runs.
//! - `state` is everything that is known, in one lock, and its file.
//!
//! Absent: other deployment strategies than rolling, sidecars (only the named container is started), RunTask,
//! placement, tags of tasks, and account settings. Kept and shown but not read: a container's own health check, its
//! stopTimeout and its secrets, the circuit breaker's thresholds and resetOnHealthyTask, bakeTimeInMinutes,
//! availabilityZoneRebalancing, healthCheckGracePeriodSeconds, enableECSManagedTags and propagateTags.

mod alarms;
mod api;
mod capacity;
mod cluster;
mod controller;
mod definition;
mod deployment;
mod error;
mod events;
mod health;
mod history;
mod name;
mod pace;
mod process;
mod pull;
mod rollout;
mod scheduler;
mod service;
mod state;
mod tags;
mod task;
mod view;

#[cfg(test)]
mod tests;

pub use controller::{Controller, Settings, TaskView};
pub use error::ApiError;
pub use pace::Pace;
