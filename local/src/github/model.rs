//! Everything that GitHub remembers.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use super::repository::Repository;

/// All repositories, by name in lower case, because names are not case sensitive.
/// Source: <https://docs.github.com/rest/deployments/deployments#list-deployments>, parameter `repo`
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Model {
    ids: Ids,
    repositories: BTreeMap<String, Repository>,
}

/// The last id that was given to a status or a deployment.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ids(u64);

impl Default for Ids {
    /// Ids of real deployments have passed 2^32 (4442074271 in <https://github.com/nexthink-oss/ghup/pull/135>), so a
    /// client that keeps them in 32 bits must fail here too.
    fn default() -> Ids {
        Ids(4_500_000_000)
    }
}

impl Ids {
    /// Gives the next one.
    pub(super) fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

impl Model {
    /// Pushes a commit, the first one into a new repository.
    pub(super) fn add_commit(&mut self, name: &str, sha: &str, message: &str, now: DateTime<Utc>) {
        self.repositories
            .entry(name.to_lowercase())
            .or_insert_with(|| Repository::new(name))
            .add_commit(sha, message, now);
    }

    /// A repository, to read.
    pub(super) fn repository(&self, name: &str) -> Result<&Repository, Refusal> {
        self.repositories
            .get(&name.to_lowercase())
            .ok_or_else(Refusal::not_found)
    }

    /// A repository, to change, and the ids for what is added to it.
    pub(super) fn change(&mut self, name: &str) -> Result<(&mut Repository, &mut Ids), Refusal> {
        let repository = self
            .repositories
            .get_mut(&name.to_lowercase())
            .ok_or_else(Refusal::not_found)?;
        Ok((repository, &mut self.ids))
    }
}
