//! The ECS service, as far as it is documented.
//!
//! UpdateService begins a PRIMARY deployment, in the place of one under way, of which no event tells any more. One
//! completes, or the circuit breaker trips: then the last one that completed is PRIMARY again, under its old id, in
//! progress, and is nothing to go back to until it has completed once more.
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>
//!
//! Tasks are not modelled; deployments that are not PRIMARY vanish from the list all at once.

use super::config::{Kind, System};
use super::state::{Dep, Deployment, Ecs, Heard, Id, Progress, Revision, State, View};

impl Ecs {
    /// A service at rest with one deployment.
    pub(crate) fn running(revision: Option<Revision>) -> Ecs {
        let first = Deployment {
            id: 0,
            revision,
            progress: Progress::Completed,
        };
        Ecs {
            listed: vec![first],
            rolling_back: false,
            last: Some(first),
            failed: 0,
            next: 1,
            stale: None,
        }
    }

    pub(crate) fn primary(&self) -> &Deployment {
        &self.listed[0]
    }

    /// Whether a deployment of this rollout has failed, by the history of service deployments.
    pub(crate) fn has_failed(&self, rollout: Id) -> bool {
        self.failed & (1 << rollout) != 0
    }

    /// A deployment other than the PRIMARY one is still listed while that one is under way.
    pub(crate) fn drains(&self) -> bool {
        self.listed.len() > 1 && self.primary().progress == Progress::UnderWay
    }
}

impl System {
    pub(crate) fn completes(&self, state: &State) -> bool {
        let primary = state.ecs.primary();
        primary.progress == Progress::UnderWay
            && (state.ecs.rolling_back || self.lives(state, primary))
    }

    pub(crate) fn trips(&self, state: &State) -> bool {
        let primary = state.ecs.primary();
        primary.progress == Progress::UnderWay
            && self.config.breaker
            && !state.ecs.rolling_back
            && !self.lives(state, primary)
    }

    fn lives(&self, state: &State, deployment: &Deployment) -> bool {
        let rollout = deployment.revision.map(|it| state.rollout(it));
        rollout.is_none_or(|rollout| self.kind(rollout.image) == Kind::Good)
    }

    /// UpdateService. Answers what DescribeServices would now. What asks for the revision that it has begins nothing.
    pub(crate) fn update_service(&self, state: &mut State, revision: Revision) -> View {
        if state.ecs.primary().revision == Some(revision) {
            return state.ecs.listed.clone();
        }
        if self.config.stale {
            state.ecs.stale = Some(state.ecs.listed.clone());
        }
        let deployment = Deployment {
            id: state.ecs.next,
            revision: Some(revision),
            progress: Progress::UnderWay,
        };
        state.ecs.next += 1;
        state.ecs.rolling_back = false;
        state.ecs.listed.insert(0, deployment);
        state.ecs.listed.clone()
    }

    /// The PRIMARY deployment reaches steady state.
    pub(crate) fn complete(&self, state: &mut State) {
        let ecs = &mut state.ecs;
        ecs.listed.truncate(1);
        ecs.listed[0].progress = Progress::Completed;
        ecs.rolling_back = false;
        ecs.last = Some(ecs.listed[0]);
        let Deployment { id, revision, .. } = ecs.listed[0];
        if let Some(revision) = revision {
            state.rollout_mut(revision).completed = true;
        }
        self.tell(state, id, Heard::Completed);
    }

    /// The circuit breaker gives the PRIMARY deployment up, and goes back if there is something to go back to.
    pub(crate) fn trip(&self, state: &mut State) {
        let ecs = &mut state.ecs;
        ecs.listed[0].progress = Progress::Failed;
        let failed = ecs.listed[0];
        ecs.failed |= failed.revision.map_or(0, |it| 1 << it);
        let back = ecs.last.take();
        if let Some(mut back) = back {
            back.progress = Progress::UnderWay;
            ecs.listed = vec![back, failed];
            ecs.rolling_back = true;
        }
        if let Some(revision) = failed.revision {
            let is_release = back.is_some_and(|it| it.revision.is_some());
            let rollout = state.rollout_mut(revision);
            rollout.went_back |= is_release;
            rollout.got_stuck |= !is_release;
        }
        self.tell(state, failed.id, Heard::Failed);
    }

    fn tell(&self, state: &mut State, deployment: Dep, event: fn(Dep) -> Heard) {
        if !self.config.deaf {
            state.send(event(deployment));
        }
    }
}
