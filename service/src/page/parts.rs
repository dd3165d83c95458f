//! What the pages have in common.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use ledger::{Commit, Digest, Release, Rollout, Stage, TagPolicy, Target, Verdict};
use maud::{Markup, html};

use super::View;
use crate::age;
use crate::board::State;

/// The path of a rollout's page.
pub(super) fn rollout_path(rollout: &Rollout) -> String {
    format!("/rollouts/{}/{}", rollout.service, rollout.id)
}

/// The verdict of a rollout, or how far it has come: a colour and a word.
pub(super) fn chip(rollout: &Rollout) -> Markup {
    let (class, word) = match (rollout.verdict, rollout.stage) {
        (Some(Verdict::Succeeded), _) => ("good", "succeeded"),
        (Some(Verdict::RolledBack), _) => ("warn", "rolled back"),
        (Some(Verdict::Failed), _) => ("bad", "failed"),
        (Some(Verdict::TimedOut), _) => ("bad", "timed out"),
        (Some(Verdict::Superseded), _) => ("calm", "superseded"),
        (Some(Verdict::Stopped), _) => ("calm", "stopped"),
        (None, Stage::Failing) => ("warn", "failing"),
        (None, Stage::Claimed) => ("busy", "claimed"),
        (None, Stage::Registered) => ("busy", "registered"),
        (None, Stage::Deploying | Stage::Ended) => ("busy", "deploying"),
    };
    html! { span class={ "chip " (class) } { (word) } }
}

/// What a release is called: the commit with its link if it is known, and the tag.
pub(super) fn release(release: &Release, github_repository: &str, view: View<'_>) -> Markup {
    html! {
        @if let Some(commit) = &release.commit {
            (commit_link(commit, commit.short(), github_repository, view))
            " "
        }
        span.tag title=(release.tag) { (release.tag) }
    }
}

/// A link to a commit on GitHub.
pub(super) fn commit_link(commit: &Commit, text: &str, repository: &str, view: View<'_>) -> Markup {
    let url = format!("{}/{repository}/commit/{commit}", view.github_url);
    html! { a.commit href=(url) { (text) } }
}

/// A digest's beginning; the whole of it when pointed at.
pub(super) fn digest(digest: &Digest) -> Markup {
    html! { code title=(digest) { (digest.short()) } }
}

/// A moment as its distance from now; the moment itself when pointed at.
pub(super) fn ago(then: DateTime<Utc>, view: View<'_>) -> Markup {
    html! { time datetime=(moment(then)) title=(moment(then)) data-tick="ago" { (age::ago(then, view.now)) } }
}

/// How long something has lasted since a moment; the moment itself when pointed at.
fn lasting(since: DateTime<Utc>, view: View<'_>) -> Markup {
    let length = age::span(view.now - since);
    html! { time datetime=(moment(since)) title=(moment(since)) data-tick="span" { (length) } }
}

/// A moment for machines.
pub(super) fn moment(then: DateTime<Utc>) -> String {
    then.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// How long the rollout took, or takes until now.
pub(super) fn took(rollout: &Rollout, view: View<'_>) -> TimeDelta {
    rollout.ended_at.unwrap_or(view.now) - rollout.claimed_at
}

/// The open rollout: how far it is, and how much of its time is gone.
pub(super) fn in_flight(rollout: &Rollout, view: View<'_>) -> Markup {
    let given = rollout.deadline - rollout.claimed_at;
    let gone = took(rollout, view);
    html! {
        p.line {
            (chip(rollout)) " "
            a href=(rollout_path(rollout)) { (rollout.release.label()) }
            span.dim { (lasting(rollout.claimed_at, view)) " of " (age::span(given)) }
        }
        progress value=(gone.num_seconds().max(0)) max=(given.num_seconds().max(1))
            data-from=(moment(rollout.claimed_at)) aria-label="Time gone until the deadline" {}
        @if let Some(reason) = &rollout.reason { p.reason { (reason) } }
    }
}

/// A target in three columns: who it is, what runs, and what happens or happened last.
pub(super) fn target_row(state: &State, who: &Markup, view: View<'_>) -> Markup {
    let target = &state.target;
    html! {
        div.who { (who) }
        div.runs {
            @match &state.live {
                Some(live) => {
                    p.line { (release(&live.release, &target.github_repository, view)) }
                    p.dim {
                        (digest(&live.release.digest))
                        @if let Some(since) = live.since { " · live for " (lasting(since, view)) }
                    }
                },
                None if state.history.is_empty() => p.dim { (no_release_yet(target)) },
                None => p.dim { "Nothing runs yet" },
            }
        }
        div.last {
            @match (&state.in_flight, state.history.first()) {
                (Some(rollout), _) => (in_flight(rollout, view)),
                (None, Some(rollout)) => {
                    p.line {
                        (chip(rollout)) " "
                        a href=(rollout_path(rollout)) { (rollout.release.label()) }
                        span.dim {
                            "after " (age::span(took(rollout, view))) ", "
                            (ago(rollout.ended_at.unwrap_or(rollout.claimed_at), view))
                        }
                    }
                    @if let (Some(reason), true) = (&rollout.reason, state.trouble().is_some()) {
                        p.reason { (reason) }
                    }
                },
                (None, None) => {},
            }
        }
    }
}

/// The newest rollouts in a table, with or without a column for their target.
pub(super) fn history<'a>(
    rollouts: impl IntoIterator<Item = &'a Rollout>,
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
            tbody {
                @for rollout in rollouts {
                    tr {
                        td { a href=(rollout_path(rollout)) { (chip(rollout)) } }
                        @if with_target {
                            td {
                                a href={ "/targets/" (rollout.target) } { (rollout.target) }
                                " " span.dim { (rollout.environment) }
                            }
                        }
                        td.release { (release(&rollout.release, &rollout.github_repository, view)) }
                        td.cause.dim { (rollout.cause) }
                        td.reason { @if let Some(reason) = &rollout.reason { (reason) } }
                        td.took { (age::span(took(rollout, view))) }
                        td.claimed.dim { (ago(rollout.claimed_at, view)) }
                    }
                }
            }
        }
    }
}

/// What to do so that `target` gets its first release.
fn no_release_yet(target: &Target) -> Markup {
    let (words, pattern) = match &target.tag_policy {
        TagPolicy::Exact(tag) => ("with the tag", tag),
        TagPolicy::Glob(pattern) | TagPolicy::Regex(pattern) => {
            ("with a tag that matches", pattern)
        }
        TagPolicy::Semver(range) => ("with a version as its tag, within", range),
    };
    html! {
        "No release yet: push an image to " code { (target.repository) } " " (words) " " code { (pattern) } "."
    }
}
