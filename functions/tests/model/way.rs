//! How an overtaken rollout that has taken a newer one's place in ECS gives way: `drive::give_way`, and the sweep that
//! looks for such.

use super::call::{At, Back};
use super::config::System;
use super::real;
use super::rollout::Outcome::{self, Done, Fails, Goes};
use super::rules::Rule;
use super::state::{Dep, Deployment, Id, Image, Progress, Rollout, Stage, State, Verdict, View};

impl System {
    /// What is to be put back is read; `ours` is the deployment that may stand in its place.
    pub(crate) fn give_way(&self, state: &State, ours: Dep) -> Outcome {
        let head = state.head;
        let open = head.in_flight.map(|id| (id, state.rollout(id)));
        let coming = |it: &Rollout| it.stage != Stage::Failing || !self.keeps(Rule::GivesWayToLive);
        match open.filter(|(_, it)| coming(it)) {
            Some((_, newer)) if self.has_gone_back(state, newer, ours) => Done,
            Some((id, newer)) => newer.revision.map_or(Done, |revision| {
                let rolls_back_to = newer.rolls_back_to;
                let newer = Back::Open { id, rolls_back_to };
                Goes(At::PutBack { newer, revision })
            }),
            None if self.keeps(Rule::GivesWayToLive) => {
                let live = head.live.and_then(|id| state.rollout(id).revision);
                live.map_or(Done, |revision| {
                    let newer = Back::Live { head };
                    Goes(At::PutBack { newer, revision })
                })
            }
            None => Fails,
        }
    }

    /// That it was put back is noted, if it still is what is to run.
    pub(crate) fn note_put_back(&self, state: &mut State, newer: Back, deployment: Dep) -> Outcome {
        let noted = match newer {
            Back::Open { id, rolls_back_to } => {
                self.deploying(state, id, deployment, rolls_back_to)
            }
            Back::Live { head } => state.head.version == head.version,
        };
        match noted {
            false if self.keeps(Rule::GivesWayAgain) => self.give_way(state, deployment),
            _ => Done,
        }
    }

    /// Whether ECS itself has gone back to `ours`, and the newer one is not to be tried again.
    fn has_gone_back(&self, state: &State, newer: &Rollout, ours: Dep) -> bool {
        let has_failed = state.ecs.has_failed(newer.deployment) || !self.keeps(Rule::AsksHistory);
        newer.rolls_back_to == Some(ours) && has_failed
    }

    /// `rollout`'s sweep has asked ECS: is the open rollout left alone, and does what is to run?
    pub(crate) fn sweep_open(&self, state: &State, newest: Option<Image>, view: &View) -> Outcome {
        let primary = view[0];
        let outcome = match state.open() {
            _ if self.keeps(Rule::PutsBack) && self.is_out_of_place(state, &primary) => {
                let revision = primary.revision;
                revision.map_or(Done, |revision| Goes(At::Overtaken { revision }))
            }
            Some(open) => {
                let question = (open, state.rollouts.clone(), primary);
                let real = |(open, rollouts, primary): &(Id, Vec<Rollout>, Deployment)| {
                    let action = real::on_sweep(&self.config, *open, rollouts, primary);
                    self.carry_on(rollouts, action)
                };
                match self.known.on_sweep.of(question, real) {
                    Goes(At::Overtaken { .. }) if self.keeps(Rule::PutsBack) => Done,
                    outcome => outcome,
                }
            }
            None => Done,
        };
        match outcome {
            Goes(at) => Goes(at),
            _ => self.list(state.head.held, newest),
        }
    }

    /// Whether an ended rollout runs where the open one should, or what is live, and ECS has not gone back to it.
    fn is_out_of_place(&self, state: &State, primary: &Deployment) -> bool {
        let Some(runs) = primary.revision.map(|it| it.rollout) else {
            return false;
        };
        let is_stuck = primary.progress == Progress::Failed;
        match (state.head.in_flight, state.head.live) {
            (Some(open), _) => {
                let rollout = state.rollout(open);
                let has_failed =
                    self.keeps(Rule::AsksHistory) && state.ecs.has_failed(rollout.deployment);
                runs != open
                    && match rollout.stage {
                        Stage::Deploying => !has_failed || is_stuck,
                        Stage::Failing => is_stuck,
                        Stage::Claimed | Stage::Registered | Stage::Ended => false,
                    }
            }
            (None, Some(live)) => {
                let is_overtaken = state.rollout(runs).verdict == Some(Verdict::Superseded);
                runs != live && (is_stuck || runs < live && is_overtaken)
            }
            (None, None) => false,
        }
    }

    /// What a new rollout notes at its claim as what ECS would go back to.
    pub(crate) fn goes_back_to(&self, state: &State) -> Option<Dep> {
        let live = state.head.live.map(|id| state.rollout(id));
        let live = live.filter(|_| self.keeps(Rule::BackIsLive));
        match state.head.in_flight {
            Some(id) => state.rollout(id).rolls_back_to,
            None => live.and_then(|it| it.deployment),
        }
    }
}
