//! `verdict`, call by call: `functions::verdict` as a program counter.

use super::call::{At, Becomes, Told};
use super::config::System;
use super::real;
use super::rollout::Outcome::{self, Done, Goes};
use super::rules::Rule;
use super::state::{Head, Heard, Id, Stage, State, Verdict, View};

impl System {
    /// The first calls after an event has come: nothing is written yet.
    pub(crate) fn begin_verdict(&self, state: &State, heard: Heard, view: &View) -> Outcome {
        match heard {
            Heard::VerdictSweep if state.open().is_none() => self.follow(state, view),
            Heard::VerdictSweep if self.keeps(Rule::SweepsVerdicts) => Goes(At::Judge {
                told: self.told(state, view),
            }),
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
            At::Look => Goes(At::Judge {
                told: self.told(state, view),
            }),
            At::Judge { told } => self.judge(state, heard, Some(told)),
            At::Apply { id, becomes, told } => match becomes {
                Becomes::Failing => match self.failing(state, id) {
                    true if told.is_none() => Goes(At::Look),
                    true => Done,
                    false => self.judge(state, heard, told),
                },
                Becomes::Ended(verdict) => Goes(At::Give {
                    id,
                    verdict,
                    head: state.head,
                    told,
                }),
            },
            At::Give {
                id,
                verdict,
                head,
                told,
            } => match self.give(state, id, verdict, head) {
                true => Done,
                false => self.judge(state, heard, told),
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
        let question = (head, state.rollouts.clone(), view.clone());
        let real = |_: &_| real::follows(&self.config, state, view);
        match self.known.follows.of(question, real) {
            Some(live) if self.keeps(Rule::LiveFollows) => Goes(At::Follow { head, live }),
            _ => Done,
        }
    }

    fn told(&self, state: &State, view: &View) -> Told {
        let open = state.open().filter(|_| self.keeps(Rule::AsksHistory));
        Told {
            view: view.clone(),
            gave_up: open.filter(|id| state.ecs.has_failed(*id)),
        }
    }

    /// The open rollout is read, and the real decision is made.
    fn judge(&self, state: &State, heard: Heard, told: Option<Told>) -> Outcome {
        let Some(id) = state.open() else {
            return Done;
        };
        match self.next(state, id, heard, told.as_ref()) {
            Some(becomes) => Goes(At::Apply { id, becomes, told }),
            None => Done,
        }
    }

    fn next(
        &self,
        state: &State,
        id: Id,
        mut heard: Heard,
        told: Option<&Told>,
    ) -> Option<Becomes> {
        let mut rollout = *state.rollout(id);
        rollout.settled |= !self.keeps(Rule::Settling);
        if let (Heard::Completed(completed), Some(own), None) = (heard, rollout.deployment, told) {
            if !self.keeps(Rule::OwnCompletion) {
                heard = Heard::Completed(own);
            }
            if !self.keeps(Rule::FailsFirst) && completed != own {
                rollout.stage = Stage::Failing;
            }
        }
        let gave_up = told.is_some_and(|told| told.gave_up == Some(id));
        let view = told.map(|told| told.view.clone());
        let question = (rollout, heard, view, gave_up);
        let real = |question: &_| real::next(&self.config, question);
        let next = self.known.next.of(question, real);
        let primary = told.map(|told| told.view[0]);
        match (next, primary) {
            (Some(Becomes::Ended(Verdict::RolledBack)), Some(primary))
                if !self.keeps(Rule::AnyBack) && rollout.rolls_back_to != Some(primary.id) =>
            {
                None
            }
            (Some(Becomes::Ended(Verdict::Failed)), Some(primary))
                if !self.keeps(Rule::StuckIsFailed) && primary.revision == rollout.revision =>
            {
                None
            }
            (next, _) => next,
        }
    }
}
