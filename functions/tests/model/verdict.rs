//! `verdict`, call by call: `functions::verdict` as a program counter.

use super::call::{At, Becomes};
use super::config::System;
use super::real;
use super::rollout::Outcome::{self, Done, Goes};
use super::rules::Rule;
use super::state::{Deployment, Head, Heard, Id, Progress, Rollout, Stage, State, Verdict, View};

impl System {
    /// The first calls after an event has come: nothing is written yet.
    pub(crate) fn begin_verdict(&self, state: &State, heard: Heard, view: &View) -> Outcome {
        match heard {
            Heard::VerdictSweep if state.open().is_none() => self.follow(state, view),
            Heard::VerdictSweep if self.keeps(Rule::SweepsVerdicts) => {
                Goes(At::Judge { view: view.clone() })
            }
            Heard::VerdictSweep => Done,
            _ => self.judge(state, heard, None),
        }
    }

    /// One outgoing call, or some that nothing can come between.
    pub(crate) fn step_verdict(
        &self,
        state: &mut State,
        heard: Heard,
        at: At,
        view: &View,
    ) -> Outcome {
        match at {
            At::Look => Goes(At::Judge { view: view.clone() }),
            At::Judge { view } => self.judge(state, heard, Some(view)),
            At::Apply { id, becomes, view } => match becomes {
                Becomes::Failing => match self.failing(state, id) {
                    true if view.is_none() => Goes(At::Look),
                    true => Done,
                    false => self.judge(state, heard, view),
                },
                Becomes::Ended(verdict) => Goes(At::Give {
                    id,
                    verdict,
                    head: state.head,
                    view,
                }),
            },
            At::Give {
                id,
                verdict,
                head,
                view,
            } => match self.give(state, id, verdict, head) {
                true => Done,
                false => self.judge(state, heard, view),
            },
            At::Follow { head, live } => {
                if state.head.version == head.version {
                    let version = head.version + 1;
                    let live = Some(live);
                    state.head = Head {
                        version,
                        live,
                        ..head
                    };
                }
                Done
            }
            _ => Done,
        }
    }

    /// ECS was asked, and the head read: has a rollout completed after it was given up, or was one gone back to?
    fn follow(&self, state: &State, view: &View) -> Outcome {
        let head = state.head;
        let primary = view[0];
        let completed = primary
            .revision
            .filter(|_| primary.progress == Progress::Completed);
        match completed.map(|it| it.rollout) {
            Some(live) if Some(live) > head.live && self.keeps(Rule::LiveFollows) => {
                Goes(At::Follow { head, live })
            }
            _ => Done,
        }
    }

    /// The open rollout is read, and the real decision is made.
    fn judge(&self, state: &State, heard: Heard, view: Option<View>) -> Outcome {
        let Some(id) = state.open() else {
            return Done;
        };
        match self.next(state, id, heard, view.as_ref()) {
            Some(becomes) => Goes(At::Apply { id, becomes, view }),
            None => Done,
        }
    }

    fn next(
        &self,
        state: &State,
        id: Id,
        mut heard: Heard,
        view: Option<&View>,
    ) -> Option<Becomes> {
        let mut rollout = *state.rollout(id);
        rollout.settled |= !self.keeps(Rule::Settling);
        if let (Heard::Completed(completed), Some(own), None) = (heard, rollout.deployment, view) {
            if !self.keeps(Rule::OwnCompletion) {
                heard = Heard::Completed(own);
            }
            if !self.keeps(Rule::FailsFirst) && completed != own {
                rollout.stage = Stage::Failing;
            }
        }
        let question = (rollout, heard, view.cloned());
        let real = |question: &_| real::next(&self.config, question);
        let next = self.known.next.of(question, real);
        match view {
            Some(view) => self.ahead(state, &rollout, view[0], next),
            None => next,
        }
    }

    /// What the code does not say yet of a service that was asked about.
    fn ahead(
        &self,
        state: &State,
        rollout: &Rollout,
        primary: Deployment,
        next: Option<Becomes>,
    ) -> Option<Becomes> {
        if primary.revision.is_none() || rollout.deployment.is_none() {
            return next;
        }
        let is_own = primary.revision == rollout.revision;
        let is_stuck = is_own && primary.progress == Progress::Failed;
        let has_failed = state.ecs.has_failed(rollout.deployment);
        let is_given_up =
            rollout.stage == Stage::Failing || self.keeps(Rule::AsksHistory) && has_failed;
        match next {
            _ if is_stuck && self.keeps(Rule::StuckIsFailed) => {
                Some(Becomes::Ended(Verdict::Failed))
            }
            Some(Becomes::Failing) => next,
            _ if is_own => next,
            _ if is_given_up && self.keeps(Rule::AnyBack) => match primary.progress {
                Progress::Completed => Some(Becomes::Ended(Verdict::RolledBack)),
                _ if rollout.late => Some(Becomes::Ended(Verdict::TimedOut)),
                _ => None,
            },
            _ if !is_given_up && self.keeps(Rule::AsksHistory) => {
                rollout.late.then_some(Becomes::Ended(Verdict::TimedOut))
            }
            next => next,
        }
    }
}
