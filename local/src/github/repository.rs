//! A repository, and how one request changes it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::commit::{Commit, CommitState, CommitStatus};
use super::deployment::{Deployment, DeploymentState, DeploymentStatus};
use super::model::Ids;
use super::refusal::{Refusal, STATUSES};
use super::rules::{NewDeployment, NewDeploymentStatus, NewStatus};

/// The only branch of every repository; the commit that was added last is its head.
pub(super) const DEFAULT_BRANCH: &str = "main";

/// "There is a limit of 1000 statuses per `sha` and `context` within a repository."
/// Source: <https://docs.github.com/rest/commits/statuses#create-a-commit-status>
const MOST_STATUSES: usize = 1000;

/// One repository.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Repository {
    /// `owner/name`.
    pub(super) name: String,
    /// Oldest first.
    pub(super) commits: Vec<Commit>,
    /// Oldest first.
    pub(super) deployments: Vec<Deployment>,
}

impl Repository {
    /// An empty one.
    pub(super) fn new(name: &str) -> Repository {
        Repository {
            name: name.to_owned(),
            commits: Vec::new(),
            deployments: Vec::new(),
        }
    }

    /// Pushes a commit; one that is there already stays as it is.
    pub(super) fn add_commit(&mut self, sha: &str, message: &str, now: DateTime<Utc>) {
        let sha = sha.to_lowercase();
        if !self.commits.iter().any(|it| it.sha == sha) {
            self.commits.push(Commit {
                sha,
                message: message.to_owned(),
                pushed_at: now,
                statuses: Vec::new(),
            });
        }
    }

    /// The commit that a reference stands for: the default branch, a whole sha, or so much of one that no other fits.
    pub(super) fn commit(&self, reference: &str) -> Option<&Commit> {
        if [DEFAULT_BRANCH, "HEAD"].contains(&reference) {
            return self.commits.last();
        }
        let sha = reference.to_lowercase();
        let mut fitting = self.commits.iter().filter(|it| it.sha.starts_with(&sha));
        match (fitting.next(), fitting.next()) {
            (Some(only), None) if sha.len() >= 7 => Some(only),
            _ => None,
        }
    }

    /// A deployment by its id.
    pub(super) fn deployment(&self, id: u64) -> Result<&Deployment, Refusal> {
        self.deployments
            .iter()
            .find(|it| it.id == id)
            .ok_or_else(Refusal::not_found)
    }

    /// Says something about a commit.
    pub(super) fn add_status(
        &mut self,
        ids: &mut Ids,
        sha: &str,
        new: NewStatus,
        now: DateTime<Utc>,
    ) -> Result<&CommitStatus, Refusal> {
        let commit = self
            .commits
            .iter_mut()
            .find(|it| it.sha == sha.to_lowercase())
            .ok_or_else(|| Refusal::no_commit(sha, STATUSES))?;
        let same_context = commit.statuses.iter().filter(|it| it.is_of(&new.context));
        if same_context.count() >= MOST_STATUSES {
            return Err(Refusal::too_many_statuses());
        }
        Ok(commit.statuses.push_mut(CommitStatus {
            id: ids.next(),
            state: new.state,
            description: new.description,
            context: new.context,
            target_url: new.target_url,
            created_at: now,
        }))
    }

    /// Asks for a deployment.
    pub(super) fn add_deployment(
        &mut self,
        ids: &mut Ids,
        new: NewDeployment,
        now: DateTime<Utc>,
    ) -> Result<&Deployment, Refusal> {
        let commit = self
            .commit(&new.reference)
            .ok_or_else(|| Refusal::no_ref(&new.reference))?;
        // GitHub would try to merge the default branch into a ref that is behind it, and answer 202 when that works. It
        // can't here: the only refs behind are commits of the default branch's own past.
        if new.auto_merge && self.commits.last() != Some(commit) {
            return Err(Refusal::merge_conflict(&new.reference));
        }
        check_contexts(commit, &new)?;
        let sha = commit.sha.clone();
        Ok(self.deployments.push_mut(Deployment {
            id: ids.next(),
            sha,
            reference: new.reference,
            task: new.task,
            payload: new.payload,
            original_environment: new.environment.clone(),
            environment: new.environment,
            description: new.description,
            transient_environment: new.transient_environment,
            production_environment: new.production_environment,
            created_at: now,
            updated_at: now,
            statuses: Vec::new(),
        }))
    }

    /// Says how a deployment stands; a success may end earlier ones.
    pub(super) fn add_deployment_status(
        &mut self,
        ids: &mut Ids,
        deployment: u64,
        new: NewDeploymentStatus,
        now: DateTime<Utc>,
    ) -> Result<&DeploymentStatus, Refusal> {
        let place = self
            .deployments
            .iter()
            .position(|it| it.id == deployment)
            .ok_or_else(Refusal::not_found)?;
        let (earlier, rest) = self.deployments.split_at_mut(place);
        let current = &mut rest[0];
        if let Some(environment) = new.environment {
            current.environment = environment;
        }
        current.updated_at = now;
        let id = ids.next();
        if new.state == DeploymentState::Success && new.auto_inactive {
            for it in earlier {
                if it.gives_way_in(&current.environment) {
                    it.retire(ids.next(), now);
                }
            }
        }
        Ok(current.statuses.push_mut(DeploymentStatus {
            id,
            state: new.state,
            description: new.description,
            environment: current.environment.clone(),
            log_url: new.log_url,
            environment_url: new.environment_url,
            created_at: now,
        }))
    }
}

/// Without `required_contexts` every context on the commit must be a success; an empty list asks for none.
/// Source: <https://docs.github.com/rest/deployments/deployments#create-a-deployment>
fn check_contexts(commit: &Commit, new: &NewDeployment) -> Result<(), Refusal> {
    let latest = commit.latest();
    let success = |it: &&CommitStatus| it.state == CommitState::Success;
    let passed = match &new.required_contexts {
        None => latest.iter().all(success),
        Some(required) => required
            .iter()
            .all(|context| latest.iter().any(|it| it.is_of(context) && success(it))),
    };
    if passed {
        Ok(())
    } else {
        Err(Refusal::contexts_failed(&new.reference, &latest))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::model::Model;
    use super::super::rules;
    use super::*;

    const NAME: &str = "ada/poems";
    const FIRST: &str = "6dcb09b5b57875f334f61aebed695e2e4193db5e";
    const SECOND: &str = "6dcb09bfffffffffffffffffffffffffffffffff";

    #[test]
    fn a_reference_names_one_commit() {
        let model = model();
        let repository = model.repository("Ada/Poems").unwrap();
        let shouted = FIRST.to_uppercase();
        let cases = [
            ("main", Some(SECOND)),
            ("HEAD", Some(SECOND)),
            (FIRST, Some(FIRST)),
            (&shouted, Some(FIRST)),
            (&FIRST[..8], Some(FIRST)),
            (&FIRST[..7], None),
            ("6dcb", None),
            ("develop", None),
        ];
        for (reference, sha) in cases {
            let found = repository.commit(reference).map(|it| it.sha.as_str());
            assert_eq!(found, sha, "{reference}");
        }
    }

    #[test]
    fn a_commit_is_pushed_once() {
        let mut model = model();
        model.add_commit(NAME, &FIRST.to_uppercase(), "again", now());
        let commits = &model.repository(NAME).unwrap().commits;
        assert_eq!((commits.len(), commits[0].message.as_str()), (2, "one"));
    }

    #[test]
    fn the_thousand_and_first_status_of_a_context_is_refused() {
        let mut model = model();
        let (repository, ids) = model.change(NAME).unwrap();
        let mut add = |context: &str| {
            let body = json!({ "state": "pending", "context": context }).to_string();
            let new = rules::new_status(FIRST, body.as_bytes()).unwrap();
            repository
                .add_status(ids, FIRST, new, now())
                .map(|it| it.id)
        };
        let ids: Vec<u64> = (0..1000).map(|_| add("couplet").unwrap()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        let refusal = add("Couplet").unwrap_err();
        assert_eq!(
            refusal.body()["errors"][0]["message"],
            "This SHA and context has reached the maximum number of statuses."
        );
        assert!(add("other").is_ok());
    }

    #[test]
    fn a_success_ends_earlier_successes_in_the_same_passing_place() {
        let ended = |first: Value, status: Value| {
            let mut model = model();
            let earlier = deploy(&mut model, &first);
            tell(&mut model, earlier, &json!({ "state": "success" }));
            let later = deploy(
                &mut model,
                &json!({ "ref": "main", "environment": "staging" }),
            );
            tell(&mut model, later, &status);
            let deployments = &model.repository(NAME).unwrap().deployments;
            assert_ne!(deployments[1].state(), Some(DeploymentState::Inactive));
            deployments[0].state() == Some(DeploymentState::Inactive)
        };
        let staging = json!({ "ref": "main", "environment": "staging" });
        let success = json!({ "state": "success" });

        assert!(ended(staging.clone(), success.clone()));
        assert!(!ended(
            staging.clone(),
            json!({ "state": "success", "auto_inactive": false })
        ));
        assert!(!ended(staging, json!({ "state": "in_progress" })));
        for spared in [
            json!({ "ref": "main", "environment": "qa" }),
            json!({ "ref": "main", "environment": "staging", "production_environment": true }),
            json!({ "ref": "main", "environment": "staging", "transient_environment": true }),
        ] {
            assert!(!ended(spared.clone(), success.clone()), "{spared}");
        }
    }

    #[test]
    fn only_a_success_is_ended() {
        let mut model = model();
        let staging = json!({ "ref": "main", "environment": "staging" });
        let failed = deploy(&mut model, &staging);
        tell(&mut model, failed, &json!({ "state": "success" }));
        tell(&mut model, failed, &json!({ "state": "failure" }));
        let later = deploy(&mut model, &staging);
        tell(&mut model, later, &json!({ "state": "success" }));
        // An earlier deployment that succeeds late does not end a later one.
        tell(&mut model, failed, &json!({ "state": "success" }));

        let deployments = &model.repository(NAME).unwrap().deployments;
        let states: Vec<_> = deployments.iter().map(Deployment::state).collect();
        assert_eq!(states, [Some(DeploymentState::Success); 2]);
        assert_eq!(deployments[0].statuses.len(), 3);
    }

    fn model() -> Model {
        let mut model = Model::default();
        model.add_commit(NAME, FIRST, "one", now());
        model.add_commit(NAME, SECOND, "two", now());
        model
    }

    fn deploy(model: &mut Model, body: &Value) -> u64 {
        let new = rules::new_deployment(body.to_string().as_bytes()).unwrap();
        let (repository, ids) = model.change(NAME).unwrap();
        repository.add_deployment(ids, new, now()).unwrap().id
    }

    fn tell(model: &mut Model, deployment: u64, body: &Value) {
        let new = rules::new_deployment_status(body.to_string().as_bytes()).unwrap();
        let (repository, ids) = model.change(NAME).unwrap();
        repository
            .add_deployment_status(ids, deployment, new, now())
            .unwrap();
    }

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }
}
