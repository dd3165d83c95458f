//! `rollout`, call by call: `functions::{rollout, drive, request, sweep}` as a program counter.
//!
//! A call that only reads and whose answer nothing here depends on is left out (the template, the commit, the scan of
//! an image). RegisterTaskDefinition and the claim are one step: a revision that nobody has claimed is nothing to anybody, so
//! that a death between the two is one before both.

use functions::decide::Action;

use super::call::At;
use super::config::{Ask, Kind, System};
use super::real;
use super::rules::Rule;
use super::state::{Heard, Id, Image, Key, State, Verdict, View};
use super::values;

/// How a call ends.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Goes(At),
    Done,
    /// The function fails, and Lambda tries the event again.
    Fails,
}

use Outcome::{Done, Goes};

impl System {
    /// The first calls after an event has come: nothing is written yet.
    pub(crate) fn begin_rollout(&self, state: &State, heard: Heard) -> Outcome {
        let look = |key| {
            let claimed = state.claimed(key).filter(|_| self.keeps(Rule::Claims));
            Goes(At::Standing { key, claimed })
        };
        match heard {
            Heard::Push(image) => look(Key::Push(image)),
            Heard::Ask(number) => match self.ask(number) {
                Ask::Rollback | Ask::Redeploy => look(Key::Ask(number)),
                ask => Goes(At::Hold {
                    head: state.head,
                    held: ask == Ask::Hold,
                }),
            },
            _ if self.keeps(Rule::SweepsOpen) => Goes(At::SweepOpen {
                newest: state.head.newest,
            }),
            _ => self.list(state.head.held, state.head.newest),
        }
    }

    /// One outgoing call, or some that nothing can come between.
    pub(crate) fn step_rollout(&self, state: &mut State, at: At, view: &View) -> Outcome {
        match at {
            At::Standing { key, claimed } => self.decide(state, key, claimed),
            At::Claim {
                key,
                image,
                head,
                rolls_back_to,
            } => match self.claim(state, key, image, head, rolls_back_to) {
                None => self.begin_rollout(state, heard_of(key)),
                Some(id) => match head.in_flight {
                    Some(old) if !self.keeps(Rule::SupersedeInClaim) => {
                        Goes(At::Supersede { old, id })
                    }
                    _ => Goes(At::Update { id }),
                },
            },
            At::Refuse { key, image, head } => match self.refuse(state, key, image, head) {
                true => Done,
                false => self.begin_rollout(state, heard_of(key)),
            },
            At::Supersede { old, id } => {
                self.end(state, old, Verdict::Superseded);
                Goes(At::Update { id })
            }
            // What an earlier try began is adopted.
            At::Describe { id } if view[0].revision == Some(id) => Goes(At::Deploying {
                id,
                deployment: view[0].id,
                rolls_back_to: real::before(&self.config, view),
            }),
            At::Describe { id } => Goes(At::Update { id }),
            At::Update { id } => {
                let answer = self.update_service(state, id);
                Goes(At::Deploying {
                    id,
                    deployment: answer[0].id,
                    rolls_back_to: real::before(&self.config, &answer),
                })
            }
            At::Deploying {
                id,
                deployment,
                rolls_back_to,
            } => match self.deploying(state, id, deployment, rolls_back_to) {
                false if self.keeps(Rule::GivesWay) => self.give_way(state),
                _ => Done,
            },
            At::PutBack { newer, revision } => {
                let deployment = self.update_service(state, revision)[0].id;
                Goes(At::NotePutBack { newer, deployment })
            }
            At::NotePutBack { newer, deployment } => self.note_put_back(state, newer, deployment),
            At::SweepOpen { newest } => self.sweep_open(state, newest, view),
            At::List { newest } => self.unheard(state, newest, state.aged == state.pushed),
            At::Hold { head, held } => match self.hold(state, head, held) {
                true if held => Done,
                true => Goes(At::Released),
                false => Goes(At::Hold {
                    head: state.head,
                    held,
                }),
            },
            At::Released => self.unheard(state, state.head.newest, true),
            At::Look
            | At::Judge { .. }
            | At::Apply { .. }
            | At::Give { .. }
            | At::Follow { .. } => Done,
        }
    }

    pub(crate) fn ask(&self, number: u8) -> Ask {
        self.config.asks[usize::from(number)]
    }

    /// The head and the rollouts are read, and the real decision is made.
    fn decide(&self, state: &State, key: Key, claimed: Option<Id>) -> Outcome {
        let config = &self.config;
        let mut standing = values::standing(config, state, claimed);
        if !self.keeps(Rule::IsNewer) {
            standing.head.newest = None;
        }
        if !self.keeps(Rule::Held) {
            standing.head.held = None;
        }
        if !self.keeps(Rule::StaysOut) {
            standing.claimed = standing
                .claimed
                .filter(|it| it.verdict != Some(ledger::Verdict::RolledBack));
        }
        let action = match key {
            Key::Push(image) => real::on_push(config, image, &standing),
            Key::Ask(number) => real::on_request(
                self.ask(number),
                &standing,
                &values::history(config, &state.rollouts),
            ),
        };
        match action {
            Action::RollOut(release) => {
                let (image, head) = (values::image_of(&release.digest), state.head);
                match self.kind(image) {
                    Kind::Unfit => Goes(At::Refuse { key, image, head }),
                    Kind::Good | Kind::Bad => Goes(At::Claim {
                        key,
                        image,
                        head,
                        rolls_back_to: self.goes_back_to(&standing),
                    }),
                }
            }
            Action::Resume(chosen) => resume(&chosen),
            Action::Ignore { .. } | Action::Refuse(..) => Done,
        }
    }

    fn unheard(&self, state: &State, newest: Option<Image>, is_time: bool) -> Outcome {
        let question = (state.pushed, newest, is_time);
        let found = self
            .known
            .unheard
            .of(question, |(pushed, newest, is_time)| {
                real::unheard(&self.config, *pushed, *newest, *is_time)
            });
        match found {
            Some(image) => self.begin_rollout(state, Heard::Push(image)),
            None => Done,
        }
    }

    pub(crate) fn list(&self, held: bool, newest: Option<Image>) -> Outcome {
        match held || !self.keeps(Rule::SweepsImages) {
            true => Done,
            false => Goes(At::List { newest }),
        }
    }
}

/// A half-done rollout is carried on.
pub(crate) fn resume(chosen: &ledger::Rollout) -> Outcome {
    let id = values::id_of(chosen);
    Goes(At::Describe { id })
}

fn heard_of(key: Key) -> Heard {
    match key {
        Key::Push(image) => Heard::Push(image),
        Key::Ask(number) => Heard::Ask(number),
    }
}
