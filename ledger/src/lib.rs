//! The five nouns of Couplet and the table that remembers them.
//!
//! ```text
//! target ──follows──► image repository          written by Terraform, read by all
//!   └─ rollout ──brings──► release              claimed by `rollout`
//!        └─ verdict                             given by `verdict`; read by `report` from the stream
//! ```
//!
//! # Layout
//! - [`names`]: what could be swapped by mistake, each with a type of its own
//! - [`target`], [`release`], [`rollout`]: the nouns as values
//! - [`transition`]: the rollout's state machine, a pure function
//! - [`table`]: the only place that speaks to DynamoDB; its keys and access patterns stand at its top

pub mod names;
pub mod release;
pub mod rollout;
pub mod table;
pub mod target;
pub mod transition;

pub use names::{Commit, DeploymentId, Digest, RevisionArn, RolloutId, ServiceKey};
pub use release::Release;
pub use rollout::{Cause, Rollout, Stage, Tasks, Told, Verdict};
pub use table::Ledger;
pub use target::{Severity, TagPolicy, Target};
