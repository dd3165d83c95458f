//! How what should run is put back in the place of what has taken it: `place`, `drive::give_way`, and the sweep that looks
//! for such.

use functions::place::{Repair, Rightful};
use ledger::table::Standing;

use super::call::{At, Back};
use super::config::System;
use super::real;
use super::rollout::Outcome::{self, Done, Goes};
use super::rollout::resume;
use super::rules::Rule;
use super::state::{Dep, Image, State, View};
use super::values;

impl System {
    /// What is to be put back is read.
    pub(crate) fn give_way(&self, state: &State) -> Outcome {
        let (newer, id) = match real::rightful(&self.config, state) {
            Rightful::Open(newer, _) => {
                let id = values::id_of(&newer);
                let rolls_back_to = state.rollout(id).rolls_back_to;
                (Back::Open { id, rolls_back_to }, Some(id))
            }
            Rightful::Live(_) if self.keeps(Rule::GivesWayToLive) => {
                let head = state.head;
                (Back::Live { head }, head.live)
            }
            Rightful::Live(_) | Rightful::Nothing => return Done,
        };
        let revision = id.and_then(|id| state.rollout(id).revision);
        revision.map_or(Done, |revision| Goes(At::PutBack { newer, revision }))
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
            false if self.keeps(Rule::GivesWayAgain) => self.give_way(state),
            _ => Done,
        }
    }

    /// `rollout`'s sweep has read the ledger and asked ECS: does what should run?
    pub(crate) fn sweep_open(&self, state: &State, newest: Option<Image>, view: &View) -> Outcome {
        let failed = match self.keeps(Rule::AsksHistory) {
            true => state.ecs.failed,
            false => 0,
        };
        let question = (state.head, state.rollouts.clone(), view.clone(), failed);
        let real = |_: &_| {
            let mut asked = state.clone();
            asked.ecs.failed = failed;
            match real::repair(&self.config, &asked, view, self.keeps(Rule::PutsBack)) {
                Repair::Resume(rollout) => resume(&rollout),
                Repair::PutBack(_) => self.give_way(state),
                Repair::Nothing => Done,
            }
        };
        match self.known.repair.of(question, real) {
            Goes(at) => Goes(at),
            _ => self.list(state.head.held, newest),
        }
    }

    /// What a new rollout notes at its claim as what ECS would go back to.
    pub(crate) fn goes_back_to(&self, standing: &Standing) -> Option<Dep> {
        let is_known = standing.in_flight.is_some() || self.keeps(Rule::BackIsLive);
        real::goes_back_to(standing).filter(|_| is_known && self.config.breaker)
    }
}
