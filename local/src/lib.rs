//! The whole of Couplet on one machine: AWS and GitHub replaced at their addresses, everything else as it is.
//!
//! # Layout
//! - [`system`]: all of it, brought up and taken down; [`site`]: where it can be reached
//! - [`story`]: what `cargo local` shows and checks; [`follow`]: the same from another terminal
//! - [`developer`]: commits, images, pushes, requests; [`image`]: OCI images and the registry protocol
//! - [`cargo`], [`package`], [`terraform`]: the binaries as Lambda wants them, and the real `terraform/` applied
//! - [`front`]: the address of AWS: ECS and events are answered here, the rest goes to [`ministack`]
//! - [`rights`]: whether the calls that were made are the calls that policies allow
//! - [`ecs`], [`balancer`]: an ECS whose tasks are processes, and the load balancer before them
//! - [`bus`], [`event`]: events, by the rules that Terraform made
//! - [`bench`]: how fast, small and frugal it is, beside what people use today
//! - [`github`]: an in-memory model of deployments and statuses

pub mod aws;
pub mod balancer;
pub mod bench;
pub mod bus;
mod cargo;
pub mod developer;
pub mod ecs;
pub mod event;
pub mod follow;
pub mod front;
pub mod github;
mod headers;
pub mod image;
pub mod ministack;
pub mod package;
pub mod paths;
pub mod progress;
pub mod rights;
mod run;
pub mod site;
mod state;
pub mod story;
pub mod system;
pub mod terraform;
