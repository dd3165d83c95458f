//! The model checker's machine: how everything begins, and what comes of each thing that happens.

use stateright::{Model, Property};

use super::call::Run;
use super::config::System;
use super::happens::Happens;
use super::promises;
use super::rollout::Outcome;
use super::state::{Ecs, Head, Heard, Key, Letter, Stage, State, Verdict, View};
use super::values;

impl Model for System {
    type State = State;
    type Action = Happens;

    fn init_states(&self) -> Vec<State> {
        vec![self.beginning()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Happens>) {
        self.what_can_happen(state, actions);
    }

    fn next_state(&self, state: &State, action: Happens) -> Option<State> {
        let mut next = state.clone();
        match action {
            Happens::Push => {
                if !self.config.unheard {
                    next.send(Heard::Push(next.pushed));
                }
                next.pushed += 1;
            }
            Happens::Ask => {
                next.send(Heard::Ask(next.asked));
                next.asked += 1;
            }
            Happens::Comes { letter, again } => {
                match again {
                    true => next.faults.duplicates -= 1,
                    false => take(&mut next.letters, letter),
                }
                self.begins(&mut next, letter);
            }
            Happens::Lost(letter) => {
                next.faults.drops -= 1;
                take(&mut next.letters, letter);
            }
            Happens::Call { run, stale } => {
                let run = next.runs.remove(run);
                let view = view(state, stale);
                let outcome = self.call(&mut next, &run, &view);
                self.goes_on(&mut next, run.letter, outcome);
            }
            Happens::Dies { run } => {
                next.faults.crashes -= 1;
                let run = next.runs.remove(run);
                self.goes_on(&mut next, run.letter, Outcome::Fails);
            }
            Happens::Sweep { heard, stale } => next = self.swept(state, heard, stale),
            Happens::SweepBegins { heard } => {
                next.faults.racing_sweeps -= 1;
                self.begins(&mut next, Letter::of(heard));
            }
            Happens::Completes => self.complete(&mut next),
            Happens::Trips => self.trip(&mut next),
            Happens::Drains => next.ecs.listed.truncate(1),
            Happens::Minute => next = self.after_a_minute(state),
            Happens::Deadline => {
                for rollout in next.rollouts.iter_mut().filter(|it| it.verdict.is_none()) {
                    rollout.late = true;
                }
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<System>> {
        promises::all()
    }
}

impl System {
    fn beginning(&self) -> State {
        let live = self.config.live;
        let rollouts = (0..live).map(|image| {
            let mut rollout = values::claimed(&self.config, Key::Push(image), image);
            rollout.stage = Stage::Ended;
            rollout.verdict = Some(Verdict::Succeeded);
            rollout.verdicts = 1;
            rollout.revision = Some(image);
            rollout.deployment = (image + 1 == live).then_some(0);
            rollout.completed = true;
            rollout
        });
        let rollouts: Vec<_> = rollouts.collect();
        let newest = live.checked_sub(1);
        State {
            pushed: live,
            aged: live,
            asked: 0,
            head: Head {
                version: 2 * live,
                newest,
                live: newest,
                in_flight: None,
                held: false,
            },
            ecs: Ecs::running(rollouts.last().and_then(|it| it.revision)),
            rollouts,
            letters: Vec::new(),
            runs: Vec::new(),
            faults: self.config.faults,
            went_backwards: false,
            moved_while_held: false,
        }
    }

    fn begins(&self, state: &mut State, letter: Letter) {
        let heard = letter.heard;
        let outcome = match heard.is_for_verdict() {
            true => self.begin_verdict(state, heard, &view(state, false)),
            false => self.begin_rollout(state, heard),
        };
        self.goes_on(state, letter, outcome);
    }

    fn call(&self, state: &mut State, run: &Run, view: &View) -> Outcome {
        let heard = run.letter.heard;
        match heard.is_for_verdict() {
            true => self.step_verdict(state, heard, run.at.clone(), view),
            false => self.step_rollout(state, run.at.clone(), view),
        }
    }

    fn goes_on(&self, state: &mut State, letter: Letter, outcome: Outcome) {
        match outcome {
            Outcome::Goes(at) => state.put(Run { letter, at }),
            // Lambda tries twice more, and then the failure queue has it. A sweep is not waited for; another comes.
            Outcome::Fails if letter.failures < 2 && !letter.heard.is_sweep() => {
                state.post(Letter {
                    failures: letter.failures + 1,
                    waits: true,
                    ..letter
                });
            }
            Outcome::Fails | Outcome::Done => {}
        }
    }

    /// The state after a sweep that nothing comes between.
    pub(crate) fn swept(&self, state: &State, heard: Heard, stale: bool) -> State {
        let mut next = state.clone();
        let view = view(state, stale);
        let mut outcome = match heard.is_for_verdict() {
            true => self.begin_verdict(&next, heard, &view),
            false => self.begin_rollout(&next, heard),
        };
        let letter = Letter::of(heard);
        while let Outcome::Goes(at) = outcome {
            outcome = self.call(&mut next, &Run { letter, at }, &view);
        }
        next
    }

    pub(crate) fn after_a_minute(&self, state: &State) -> State {
        let mut next = state.clone();
        for rollout in next.rollouts.iter_mut().filter(|it| it.verdict.is_none()) {
            rollout.abandoned = true;
            rollout.settled |= rollout.deployment.is_some();
        }
        for letter in &mut next.letters {
            letter.waits = false;
        }
        next.letters.sort_unstable();
        next.aged = next.pushed;
        next.ecs.stale = None;
        next
    }
}

fn view(state: &State, stale: bool) -> View {
    match &state.ecs.stale {
        Some(before) if stale => before.clone(),
        _ => state.ecs.listed.clone(),
    }
}

fn take(letters: &mut Vec<Letter>, letter: Letter) {
    if let Some(place) = letters.iter().position(|it| *it == letter) {
        letters.remove(place);
    }
}
