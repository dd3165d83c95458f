//! Couplet's three Lambda functions.
//!
//! ```text
//! ECR push, request ──► rollout ──► ledger, then ECS
//! ECS events, schedule ► verdict ──► ledger
//! ledger's stream ─────► report ───► GitHub, then the bus
//! ```
//!
//! Each goes the same way: event → read facts → decide → act.
//!
//! # Layout
//! - [`event`]: EventBridge's JSON → what happened, in our own few fields
//! - [`policy`], [`decide`], [`place`], [`task_definition`], [`outline`], [`image`], [`scan`],
//!   [`telling`]: values in, values out
//! - [`ecs`], [`ecr`], [`github`]: the only files that call each of them; [`limit`]: when GitHub may be called
//! - [`rollout`], [`verdict`], [`report`]: one function each; `revision`: the task definition of a rollout;
//!   [`drive`]: a claimed rollout's way to ECS; [`request`]: what people ask for; [`sweep`]: what events have lost; `stranger`: what `place` decides by;
//!   `tasks`: how far a deployment has come; `asked`: what was asked about an image; `each`: many targets, some at a
//!   time; `tell` and `retire`: what `report` says to GitHub; [`announce`]: to others
//! - [`run`]: what the three binaries share: settings, logs, Lambda's loop

pub mod announce;
mod asked;
pub mod decide;
pub mod drive;
mod each;
pub mod ecr;
pub mod ecs;
pub mod event;
#[cfg(test)]
mod fixtures;
pub mod github;
pub mod image;
pub mod limit;
pub mod outline;
pub mod place;
pub mod policy;
pub mod report;
mod request;
mod retire;
mod revision;
pub mod rollout;
pub mod run;
pub mod scan;
mod stranger;
mod sweep;
pub mod task_definition;
mod tasks;
mod tell;
pub mod telling;
pub mod trace;
pub mod verdict;
