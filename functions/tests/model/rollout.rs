//! `rollout`, call by call: `functions::{rollout, drive, request, sweep}` as a program counter.
//!
//! A call that only reads and whose answer nothing here depends on is left out (the template, the commit, the scan of
//! an image). RegisterTaskDefinition and the note of it are one step: what was registered in vain is found again by its
//! tags, so that a death between the two is one before both.

use functions::decide::Action;

use super::call::At;
use super::config::{Ask, Kind, System};
use super::real;
use super::rules::Rule;
use super::state::{Heard, Id, Image, Key, Revision, State, Verdict, View};
use super::values;

/// How a call ends.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Goes(At),
    Done,
    /// The function fails, and Lambda tries the event again.
    Fails,
}

use Outcome::{Done, Fails, Goes};

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
                    _ => self.register(id, None),
                },
            },
            At::Supersede { old, id } => {
                self.end(state, old, Verdict::Superseded);
                self.register(id, None)
            }
            At::TakeOver {
                id,
                drives,
                revision,
            } => match self.take_over(state, id, drives) {
                true => Goes(At::Describe { id, revision }),
                false => Done,
            },
            At::Describe { id, revision } => Goes(At::Register {
                id,
                revision: revision.or(state.rollout(id).revision),
                primary: Some(view[0]),
                before: real::before(&self.config, view),
            }),
            At::Register {
                id,
                revision,
                primary,
                before,
            } => {
                let image = state.rollout(id).image;
                if revision.is_none() && self.kind(image) == Kind::Unfit {
                    return Goes(At::Refuse { id });
                }
                let rollout = state.rollout_mut(id);
                let revision = revision.unwrap_or(Revision {
                    rollout: id,
                    nth: rollout.registered,
                });
                rollout.registered = rollout.registered.max(revision.nth + 1);
                if !self.registered(state, id, revision) {
                    return Done;
                }
                match primary.filter(|it| it.revision == Some(revision)) {
                    Some(primary) => Goes(At::Deploying {
                        id,
                        deployment: primary.id,
                        rolls_back_to: before,
                    }),
                    None => Goes(At::Update { id, revision }),
                }
            }
            At::Refuse { id } => Goes(At::GiveRefusal {
                id,
                head: state.head,
            }),
            At::GiveRefusal { id, head } => match self.give(state, id, Verdict::Failed, head) {
                true => Done,
                false => Fails,
            },
            At::Update { id, revision } => {
                let answer = self.update_service(state, revision);
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
        if !self.keeps(Rule::Abandoned)
            && let Some(claimed) = &mut standing.claimed
        {
            claimed.driven_at -= chrono::TimeDelta::minutes(1);
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
            Action::RollOut(release) => Goes(At::Claim {
                key,
                image: values::image_of(&release.digest),
                head: state.head,
                rolls_back_to: self.goes_back_to(&standing),
            }),
            Action::Resume(chosen) => self.resume(state, &chosen),
            Action::Ignore { .. } | Action::Refuse(..) => Done,
        }
    }

    pub(crate) fn resume(&self, state: &State, chosen: &ledger::Rollout) -> Outcome {
        let id = values::id_of(chosen);
        let rollout = state.rollout(id);
        Goes(At::TakeOver {
            id,
            drives: rollout.drives,
            revision: rollout.revision,
        })
    }

    /// Nobody else holds a view of the service from before: it is fresh, and its revision new.
    fn register(&self, id: Id, revision: Option<Revision>) -> Outcome {
        Goes(At::Register {
            id,
            revision,
            primary: None,
            before: None,
        })
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

fn heard_of(key: Key) -> Heard {
    match key {
        Key::Push(image) => Heard::Push(image),
        Key::Ask(number) => Heard::Ask(number),
    }
}
