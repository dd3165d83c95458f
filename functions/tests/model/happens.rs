//! What can happen next.
//!
//! Any invocation makes its next call, or dies; an event comes, comes twice or never; ECS does what it does; time
//! passes. Sweeps come as often as they change anything: at once, and some of them call by call among the others.
//! Time passes only while nothing runs, for a function may run for half a minute and a minute is what passes.

use super::call::Run;
use super::config::System;
use super::state::{Heard, Letter, Rollout, State};

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happens {
    Push,
    Ask,
    /// An event comes, and may come again.
    Comes {
        letter: Letter,
        again: bool,
    },
    /// An event never comes.
    Lost(Letter),
    /// The invocation at this place makes its next call; what it is told may be stale.
    Call {
        run: usize,
        stale: bool,
    },
    /// The invocation at this place dies, and Lambda tries the event again.
    Dies {
        run: usize,
    },
    /// A sweep, all at once.
    Sweep {
        heard: Heard,
        stale: bool,
    },
    /// A sweep, call by call.
    SweepBegins {
        heard: Heard,
    },
    Completes,
    Trips,
    Drains,
    Minute,
    Deadline,
}

const SWEEPS: [Heard; 2] = [Heard::RolloutSweep, Heard::VerdictSweep];

impl System {
    pub(crate) fn what_can_happen(&self, state: &State, actions: &mut Vec<Happens>) {
        self.what_functions_do(state, actions);
        self.what_comes(state, actions);
        if self.completes(state) {
            actions.push(Happens::Completes);
        }
        if self.trips(state) {
            actions.push(Happens::Trips);
        }
        if self.config.drains && state.ecs.drains() {
            actions.push(Happens::Drains);
        }
        if state.runs.is_empty() {
            if self.after_a_minute(state) != *state {
                actions.push(Happens::Minute);
            } else if self.may_be_late(state, actions) {
                actions.push(Happens::Deadline);
            }
        }
    }

    fn what_functions_do(&self, state: &State, actions: &mut Vec<Happens>) {
        let faults = &state.faults;
        for run in 0..state.runs.len() {
            if run > 0 && state.runs[run] == state.runs[run - 1] {
                continue;
            }
            actions.push(Happens::Call { run, stale: false });
            if state.ecs.stale.is_some() && state.runs[run].at.looks() {
                actions.push(Happens::Call { run, stale: true });
            }
            if faults.crashes > 0 {
                actions.push(Happens::Dies { run });
            }
        }
        for heard in SWEEPS {
            for stale in [false, true] {
                let is_time = self.config.busy_sweeps || state.runs.is_empty();
                let can = is_time && (!stale || state.ecs.stale.is_some());
                if can && self.swept(state, heard, stale) != *state {
                    actions.push(Happens::Sweep { heard, stale });
                }
            }
            if faults.racing_sweeps > 0 {
                actions.push(Happens::SweepBegins { heard });
            }
        }
    }

    fn what_comes(&self, state: &State, actions: &mut Vec<Happens>) {
        let faults = &state.faults;
        for (place, letter) in state.letters.iter().enumerate() {
            if place > 0 && state.letters[place - 1] == *letter {
                continue;
            }
            let heard = letter.heard;
            let of_same = |run: &&Run| run.letter.heard.is_for_verdict() == heard.is_for_verdict();
            let running = state.runs.iter().filter(of_same).count();
            let most = match heard.is_for_verdict() {
                true => self.config.at_once.1,
                false => self.config.at_once.0,
            };
            if !letter.waits && running < most {
                for again in [false, true] {
                    if !again || faults.duplicates > 0 {
                        let letter = *letter;
                        actions.push(Happens::Comes { letter, again });
                    }
                }
            }
            if faults.drops > 0 {
                actions.push(Happens::Lost(*letter));
            }
        }
        if usize::from(state.pushed) < self.config.images.len() {
            actions.push(Happens::Push);
        }
        // People ask for the next thing when they were answered.
        let asked = |heard: Heard| matches!(heard, Heard::Ask(_));
        let waiting = state.letters.iter().any(|it| asked(it.heard))
            || state.runs.iter().any(|it| asked(it.letter.heard));
        if usize::from(state.asked) < self.config.asks.len() && !waiting {
            actions.push(Happens::Ask);
        }
    }

    /// The deadline is many minutes away. It passes when nothing else can happen any more; in a slow configuration also
    /// while ECS works and events are on their way.
    fn may_be_late(&self, state: &State, others: &[Happens]) -> bool {
        let is_slow = |other: &Happens| {
            let sweeps = matches!(other, Happens::Sweep { .. });
            self.config.slow && !sweeps
        };
        let never = |other: &Happens| {
            matches!(
                other,
                Happens::SweepBegins { .. } | Happens::Lost(_) | Happens::Drains
            )
        };
        let is_open = |rollout: &Rollout| rollout.verdict.is_none() && !rollout.late;
        state.rollouts.iter().any(is_open) && others.iter().all(|it| is_slow(it) || never(it))
    }

    /// Whether nothing can happen any more.
    pub(crate) fn is_at_rest(&self, state: &State) -> bool {
        if !state.runs.is_empty() || !state.letters.is_empty() {
            return false;
        }
        let mut actions = Vec::new();
        self.what_can_happen(state, &mut actions);
        actions.retain(|it| !matches!(it, Happens::SweepBegins { .. } | Happens::Drains));
        actions.is_empty()
    }
}
