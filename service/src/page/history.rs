//! Rollouts in a table.

use ledger::Rollout;
use maud::{Markup, html};

use super::{View, links, parts};
use crate::age;
use crate::board::State;

/// The rollouts of a target, each with what it changed.
pub(super) fn of_target(state: &State, view: View<'_>) -> Markup {
    let rows = state
        .history
        .iter()
        .map(|rollout| (rollout, state.live_before(rollout)));
    table(rows, false, view)
}

/// The rollouts of several targets.
pub(super) fn of_all<'a>(rollouts: impl Iterator<Item = &'a Rollout>, view: View<'_>) -> Markup {
    table(rollouts.map(|rollout| (rollout, None)), true, view)
}

fn table<'a>(
    rows: impl Iterator<Item = (&'a Rollout, Option<&'a Rollout>)>,
    with_target: bool,
    view: View<'_>,
) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th { "Verdict" }
                    @if with_target { th { "Target" } }
                    th { "Release" }
                    th { "Cause" }
                    th.reason { "Reason" }
                    th.took { "Took" }
                    th.claimed { "Claimed" }
                }
            }
            tbody { @for (rollout, before) in rows { (row(rollout, before, with_target, view)) } }
        }
    }
}

fn row(rollout: &Rollout, before: Option<&Rollout>, with_target: bool, view: View<'_>) -> Markup {
    let repository = &rollout.github_repository;
    let compare = before
        .and_then(|before| links::compare(&before.release, &rollout.release, repository, view));
    html! {
        tr {
            td { a href=(parts::rollout_path(rollout)) { (parts::chip(rollout)) } }
            @if with_target {
                td.target {
                    a href={ "/targets/" (rollout.target) } { (rollout.target) }
                    " " span.dim { (rollout.environment) }
                }
            }
            td.release {
                (parts::release(&rollout.release, repository, view))
                @if let Some(compare) = compare { " " (compare) }
            }
            td.cause.dim { (rollout.cause) }
            td.reason { @if let Some(reason) = &rollout.reason { (reason) } }
            td.took {
                @match rollout.verdict {
                    Some(_) => (age::exact(parts::took(rollout, view))),
                    None => (parts::lasting(rollout.claimed_at, view)),
                }
            }
            td.claimed.dim { (parts::ago(rollout.claimed_at, view)) }
        }
    }
}
