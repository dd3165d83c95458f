//! What can be done with a target, as forms that need no script.

use ledger::{Digest, Verdict};
use maud::{Markup, html};

use super::{links, parts};
use crate::act::{Action, Answer};
use crate::board::{State, States};

/// So many earlier releases are offered.
const EARLIER: usize = 10;

/// Whether the reader may act on a target.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Acting {
    /// Nobody can act from a page.
    Nobody,
    /// Whoever signs in may find out.
    SignIn,
    /// They are known, and may only look.
    OnlyLook(String),
    /// They may.
    Act,
}

/// Something that can be asked of a target now.
#[derive(Debug, PartialEq, Eq)]
enum Offer<'a> {
    /// Back to a release that ran before: its digest, and what it is called.
    Rollback(Vec<(&'a Digest, &'a str)>),
    Redeploy,
    /// What runs on one of these targets.
    Promote(Vec<&'a str>),
    Hold,
    Release,
}

/// What the reader can do with the target in `state`, one of `states`.
pub(super) fn actions(state: &State, states: &States, acting: &Acting) -> Markup {
    let target = &state.target;
    let name = &target.name;
    match acting {
        Acting::Nobody => html! {},
        Acting::SignIn => html! {
            section.actions #actions {
                p.dim { a href={ (links::sign_in(&format!("/targets/{name}"))) } { "Sign in" } " to roll back, redeploy or hold." }
            }
        },
        Acting::OnlyLook(who) => html! {
            section.actions #actions {
                p.dim { (who) " may not write to " (target.github_repository) ", and so may only look." }
            }
        },
        Acting::Act => html! {
            section.actions #actions aria-label="Actions" {
                @for offer in offers(state, states) { (form(name, &offer)) }
            }
        },
    }
}

/// What has become of what the reader has asked for.
pub(super) fn answer(answer: &Answer) -> Markup {
    html! {
        p.notice #asked role="status" {
            @match (&answer.rollout, answer.answered) {
                (Some(rollout), _) => {
                    "What you asked for is " a href=(parts::rollout_path(rollout)) { "a rollout of " (rollout.release.label()) } ": "
                    (parts::chip(rollout))
                },
                (None, true) => "What you asked for is done.",
                (None, false) => {
                    "Asked for. It is carried out as soon as it is heard; if nothing comes of it, the log of "
                    code { "rollout" } " says why."
                },
            }
        }
    }
}

/// What makes sense now.
fn offers<'a>(state: &'a State, states: &'a States) -> Vec<Offer<'a>> {
    let mut offers = Vec::new();
    let live = state.live.as_ref().map(|live| &live.release.digest);
    let earlier = earlier(state, live);
    if !earlier.is_empty() {
        offers.push(Offer::Rollback(earlier));
    }
    if live.is_some() || state.in_flight.is_some() {
        offers.push(Offer::Redeploy);
    }
    let sources = states.targets.iter().filter(|other| {
        let theirs = other.live.as_ref().map(|live| &live.release.digest);
        other.target.name != state.target.name
            && other.target.github_repository == state.target.github_repository
            && theirs.is_some()
            && theirs != live
    });
    let sources: Vec<_> = sources.map(|other| other.target.name.as_str()).collect();
    if !sources.is_empty() {
        offers.push(Offer::Promote(sources));
    }
    offers.push(match state.held {
        Some(_) => Offer::Release,
        None => Offer::Hold,
    });
    offers
}

/// The releases that succeeded and do not run, newest first, each once.
fn earlier<'a>(state: &'a State, live: Option<&Digest>) -> Vec<(&'a Digest, &'a str)> {
    let mut earlier: Vec<(&Digest, &str)> = Vec::new();
    let ran = |verdict| verdict == Some(Verdict::Succeeded);
    for rollout in state.history.iter().filter(|it| ran(it.verdict)) {
        let digest = &rollout.release.digest;
        if Some(digest) != live && earlier.iter().all(|(known, _)| *known != digest) {
            earlier.push((digest, rollout.release.label()));
        }
    }
    earlier.truncate(EARLIER);
    earlier
}

fn form(target: &str, offer: &Offer<'_>) -> Markup {
    let (action, title, hint) = match offer {
        Offer::Rollback(_) => (
            Action::Rollback,
            "Roll back",
            "Brings an earlier release back.",
        ),
        Offer::Redeploy => (
            Action::Redeploy,
            "Redeploy",
            "Rolls out again what runs or is on its way, from the template as it is now.",
        ),
        Offer::Promote(_) => (
            Action::Promote,
            "Promote",
            "Brings what another target runs.",
        ),
        Offer::Hold => (
            Action::Hold,
            "Hold",
            "What is pushed waits until somebody releases it.",
        ),
        Offer::Release => (
            Action::Release,
            "Release",
            "Ends the hold and rolls out the newest of what was pushed meanwhile.",
        ),
    };
    let danger = matches!(offer, Offer::Rollback(_)).then_some("danger");
    html! {
        details.action name="action" {
            summary { (title) }
            form.action method="post" action={ "/targets/" (target) "/" (action.as_str()) } {
                p.dim { (hint) }
                @match offer {
                    Offer::Rollback(earlier) => {
                        label {
                            "To"
                            select name="digest" {
                                option value="" { "the release before" }
                                @for (digest, label) in earlier {
                                    option value=(digest) { (label) " · " (digest.short()) }
                                }
                            }
                        }
                    },
                    Offer::Promote(sources) => {
                        label {
                            "From"
                            select name="from" { @for source in sources { option value=(source) { (source) } } }
                        }
                    },
                    _ => {},
                }
                label { "Why" input type="text" name="why" maxlength="200" autocomplete="off"; }
                button class=[danger] { (title) " " (target) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::fixtures::{after, ended, open, states, target};

    #[test]
    fn only_what_makes_sense_is_offered() {
        let (web, staging) = (
            target("web", "production"),
            target("web-staging", "staging"),
        );
        let mut other = target("mail", "production");
        other.github_repository = "owner/mail".into();
        let new = after(&web, vec![]);
        let all = states(vec![new.clone()]);
        assert_eq!(offers(&new, &all), [Offer::Hold]);

        let mut state = after(
            &web,
            vec![
                open(&web, 900),
                ended(&web, 700, Verdict::Succeeded),
                ended(&web, 500, Verdict::RolledBack),
                ended(&web, 300, Verdict::Succeeded),
            ],
        );
        let all = states(vec![
            state.clone(),
            after(&staging, vec![ended(&staging, 800, Verdict::Succeeded)]),
            after(&other, vec![ended(&other, 810, Verdict::Succeeded)]),
        ]);
        let before = ended(&web, 300, Verdict::Succeeded).release;
        let rollback = Offer::Rollback(vec![(&before.digest, before.label())]);
        let promote = Offer::Promote(vec!["web-staging"]);
        assert_eq!(
            offers(&state, &all),
            [rollback, Offer::Redeploy, promote, Offer::Hold]
        );
        state.held = Some(ledger::table::Held {
            by: "ada".into(),
            why: None,
            at: before.pushed_at,
        });
        assert_eq!(offers(&state, &all).last(), Some(&Offer::Release));
    }

    #[test]
    fn whoever_may_not_act_sees_no_form() {
        let web = target("web", "production");
        let state = after(&web, vec![ended(&web, 700, Verdict::Succeeded)]);
        let all = states(vec![state.clone()]);
        let shown = |acting| actions(&state, &all, &acting).into_string();
        assert_eq!(shown(Acting::Nobody), "");
        assert!(shown(Acting::SignIn).contains(r#"href="/sign-in?to=/targets/web""#));
        let only_look = shown(Acting::OnlyLook("eve".into()));
        assert!(
            only_look.contains("eve may not write to owner/web"),
            "{only_look}"
        );
        for shown in [shown(Acting::SignIn), only_look] {
            assert!(!shown.contains("<form"), "{shown}");
        }
        let forms = shown(Acting::Act);
        assert!(
            forms.contains(r#"action="/targets/web/redeploy""#),
            "{forms}"
        );
        assert!(!forms.contains("/rollback"), "{forms}");
    }
}
