//! The ledger's conditional writes, as `ledger::table::write` makes them. Each answers whether it was written.

use super::config::System;
use super::rules::Rule;
use super::state::{Dep, Head, Id, Image, Key, Stage, State, Verdict};
use super::values;

impl System {
    /// One transaction: the claim item, the rollout, the head, and the verdict of the rollout that it supersedes.
    pub(crate) fn claim(
        &self,
        state: &mut State,
        key: Key,
        image: Image,
        head: Head,
        rolls_back_to: Option<Dep>,
    ) -> Option<Id> {
        let is_open = |old| self.is_open(state, old, Rule::VerdictOnce);
        if !head.in_flight.is_none_or(is_open) {
            return None;
        }
        let id = self.write_claim(state, key, image, head)?;
        state.head.in_flight = Some(id);
        let rollout = state.rollout_mut(id);
        rollout.revision = Some(id);
        if self.keeps(Rule::Inherits) {
            rollout.rolls_back_to = rolls_back_to;
        }
        if let Some(old) = head.in_flight
            && self.keeps(Rule::SupersedeInClaim)
        {
            self.end(state, old, Verdict::Superseded);
        }
        Some(id)
    }

    /// One transaction: the claim item, a rollout that has ended, and the head. What is in flight goes on.
    pub(crate) fn refuse(&self, state: &mut State, key: Key, image: Image, head: Head) -> bool {
        let id = self.write_claim(state, key, image, head);
        if let Some(id) = id {
            self.end(state, id, Verdict::Failed);
        }
        id.is_some()
    }

    fn write_claim(&self, state: &mut State, key: Key, image: Image, head: Head) -> Option<Id> {
        let is_claimed = state.claimed(key).is_some_and(|id| {
            let failed = state.rollout(id).verdict == Some(Verdict::RolledBack);
            self.keeps(Rule::StaysOut) || !failed
        });
        let only_once = self.keeps(Rule::ClaimOnce) && self.keeps(Rule::Claims);
        if is_claimed && only_once || !self.is_current(state, head) {
            return None;
        }
        let id = state.rollouts.len() as Id;
        state
            .rollouts
            .push(values::claimed(&self.config, key, image));
        let mut next = head;
        next.version += 1;
        if matches!(key, Key::Push(_)) || !self.keeps(Rule::NewestByPush) {
            next.newest = Some(image);
        }
        let rank = |newest: Option<Image>| newest.map(|image| self.rank(image));
        state.went_backwards |= rank(next.newest) < rank(state.head.newest);
        state.moved_while_held |= matches!(key, Key::Push(_)) && state.head.held;
        state.head = next;
        Some(id)
    }

    pub(crate) fn deploying(
        &self,
        state: &mut State,
        id: Id,
        deployment: Dep,
        rolls_back_to: Option<Dep>,
    ) -> bool {
        let is_open = self.is_open(state, id, Rule::NoteOpenOnly);
        if is_open {
            let rollout = state.rollout_mut(id);
            rollout.stage = Stage::Deploying;
            rollout.deployment = Some(deployment);
            rollout.settled = false;
            rollout.rolls_back_to = rolls_back_to.or(rollout.rolls_back_to);
        }
        is_open
    }

    pub(crate) fn failing(&self, state: &mut State, id: Id) -> bool {
        let is_open = self.is_open(state, id, Rule::NoteOpenOnly);
        if is_open {
            let rollout = state.rollout_mut(id);
            rollout.stage = Stage::Failing;
            rollout.settled = false;
        }
        is_open
    }

    /// One transaction: the verdict, and the head if it points to this rollout.
    pub(crate) fn give(&self, state: &mut State, id: Id, verdict: Verdict, head: Head) -> bool {
        let moves = head.in_flight == Some(id);
        let is_open = self.is_open(state, id, Rule::VerdictOnce);
        if !is_open || moves && !self.is_current(state, head) {
            return false;
        }
        self.end(state, id, verdict);
        if moves {
            let mut next = head;
            next.version += 1;
            next.in_flight = None;
            if verdict == Verdict::Succeeded {
                next.live = Some(id);
            }
            state.head = next;
        }
        true
    }

    pub(crate) fn hold(&self, state: &mut State, head: Head, held: bool) -> bool {
        let is_current = self.is_current(state, head);
        if is_current {
            state.head = Head {
                version: head.version + 1,
                held,
                ..head
            };
        }
        is_current
    }

    pub(crate) fn end(&self, state: &mut State, id: Id, verdict: Verdict) {
        let rollout = state.rollout_mut(id);
        rollout.stage = Stage::Ended;
        rollout.verdict = Some(verdict);
        rollout.verdicts += 1;
        // Nobody asks for these of a rollout that has ended: fewer states differ without them.
        rollout.rolls_back_to = None;
        (rollout.abandoned, rollout.settled, rollout.late) = (false, false, false);
    }

    fn is_open(&self, state: &State, id: Id, rule: Rule) -> bool {
        state.rollout(id).verdict.is_none() || !self.keeps(rule)
    }

    fn is_current(&self, state: &State, head: Head) -> bool {
        state.head.version == head.version || !self.keeps(Rule::HeadVersion)
    }
}
