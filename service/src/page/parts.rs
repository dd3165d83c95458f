//! What the pages have in common.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use ledger::table::Held;
use ledger::{Commit, Digest, Release, Rollout, Stage, TagPolicy, Target, Verdict};
use maud::{Markup, html};

use super::{View, links};
use crate::age;
use crate::board::State;

/// How many verdicts stand beside a target.
const STRIP: usize = 16;

/// The path of a rollout's page.
pub(super) fn rollout_path(rollout: &Rollout) -> String {
    format!("/rollouts/{}/{}", rollout.service, rollout.id)
}

/// The verdict of a rollout, or how far it has come: a colour and a word.
pub(super) fn chip(rollout: &Rollout) -> Markup {
    let (class, word) = match (rollout.verdict, rollout.stage) {
        (Some(verdict), _) => (class(verdict), said(verdict)),
        (None, Stage::Failing) => ("warn", "failing"),
        (None, Stage::Claimed) => ("busy", "claimed"),
        (None, Stage::Deploying | Stage::Ended) => ("busy", "deploying"),
    };
    html! { span class={ "chip " (class) } { (word) } }
}

/// A verdict in words.
pub(super) fn said(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Succeeded => "succeeded",
        Verdict::RolledBack => "rolled back",
        Verdict::Failed => "failed",
        Verdict::Superseded => "superseded",
        Verdict::Stopped => "stopped",
        Verdict::TimedOut => "timed out",
    }
}

/// A verdict as a colour.
pub(super) fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Succeeded => "good",
        Verdict::RolledBack => "warn",
        Verdict::Failed | Verdict::TimedOut => "bad",
        Verdict::Superseded | Verdict::Stopped => "calm",
    }
}

/// What a release is called: the commit with its link if it is known, and the tag.
pub(super) fn release(release: &Release, github_repository: &str, view: View<'_>) -> Markup {
    html! {
        @if let Some(commit) = &release.commit {
            (links::commit(commit, commit.short(), github_repository, view))
            " "
        }
        @let tag = beside(release);
        @if !tag.is_empty() { span.tag title=(release.tag) { (tag) } }
    }
}

/// The tag without the commit that stands beside it: of `main-<commit>`, `main`.
fn beside(release: &Release) -> &str {
    let tag = release.tag.as_str();
    let (front, last) = tag.rsplit_once(['-', '_', '.']).unwrap_or(("", tag));
    let is_commit =
        |commit: &Commit| last.starts_with(commit.short()) && commit.as_str().starts_with(last);
    match release.commit.as_ref().is_some_and(is_commit) {
        true => front,
        false => tag,
    }
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
pub(super) fn lasting(since: DateTime<Utc>, view: View<'_>) -> Markup {
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

/// The open rollout: which it is, and its [`progress`].
pub(super) fn in_flight(rollout: &Rollout, view: View<'_>) -> Markup {
    html! {
        p.line {
            (chip(rollout)) " "
            a href=(rollout_path(rollout)) { (rollout.release.label()) }
            (elapsed(rollout, view))
        }
        (progress(rollout, view))
    }
}

/// How long the open rollout has taken of the time that it has.
pub(super) fn elapsed(rollout: &Rollout, view: View<'_>) -> Markup {
    let given = age::span(rollout.deadline - rollout.claimed_at);
    html! { span.dim { (lasting(rollout.claimed_at, view)) " of " (given) } }
}

/// How much of the open rollout's time is gone, how many of its tasks run, and what goes wrong.
pub(super) fn progress(rollout: &Rollout, view: View<'_>) -> Markup {
    let given = rollout.deadline - rollout.claimed_at;
    let gone = took(rollout, view);
    html! {
        progress value=(gone.num_seconds().max(0)) max=(given.num_seconds().max(1))
            data-from=(moment(rollout.claimed_at)) aria-label="Time gone until the deadline" {}
        (tasks(rollout))
        @if let Some(reason) = &rollout.reason { p.reason { (reason) } }
    }
}

/// How many of its tasks run: nothing before that is known, and nothing once ECS has given it up.
fn tasks(rollout: &Rollout) -> Markup {
    let known = rollout.tasks.filter(|tasks| tasks.desired > 0);
    html! {
        @if let (Some(tasks), Stage::Deploying) = (known, rollout.stage) {
            p.tasks.dim {
                progress value=(tasks.running) max=(tasks.desired) aria-label="Tasks that run" {}
                (tasks.running) " of " (tasks.desired) @if tasks.desired == 1 { " task runs" } @else { " tasks run" }
            }
        }
    }
}

/// A target in three columns: who it is, what runs, and what happens or happened last.
pub(super) fn target_row(state: &State, who: &Markup, view: View<'_>) -> Markup {
    let target = &state.target;
    html! {
        div.who { (who) (strip(&state.history)) }
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
            @if let Some(held) = &state.held { (self::held(held, view)) }
        }
        div.last {
            @match (&state.in_flight, state.history.first()) {
                (Some(rollout), _) => (in_flight(rollout, view)),
                (None, Some(rollout)) => (ended(state, rollout, view)),
                (None, None) => {},
            }
        }
    }
}

/// The newest rollout when it is over.
fn ended(state: &State, rollout: &Rollout, view: View<'_>) -> Markup {
    html! {
        p.line {
            (chip(rollout)) " "
            a href=(rollout_path(rollout)) { (rollout.release.label()) }
            span.dim {
                "after " (age::exact(took(rollout, view))) ", "
                (ago(rollout.ended_at.unwrap_or(rollout.claimed_at), view))
            }
        }
        @if let (Some(reason), true) = (&rollout.reason, state.trouble().is_some()) {
            p.reason { (reason) }
        }
    }
}

/// That pushes wait, and because of whom.
fn held(held: &Held, view: View<'_>) -> Markup {
    html! {
        p.held {
            span.chip.warn { "held" } " by " (held.by) ", " (ago(held.at, view))
            @if let Some(why) = &held.why { ": " (why) }
        }
    }
}

/// The last verdicts, oldest first: a shape and a colour for each, and a sentence.
fn strip(history: &[Rollout]) -> Markup {
    let verdicts = history.iter().filter_map(|rollout| rollout.verdict);
    let mut last: Vec<Verdict> = verdicts.take(STRIP).collect();
    last.reverse();
    let good = last.iter().filter(|it| **it == Verdict::Succeeded);
    let sentence = format!("{} of the last {} succeeded", good.count(), last.len());
    html! {
        @if !last.is_empty() {
            p.strip role="img" aria-label=(sentence) title=(sentence) {
                @for verdict in last { i class=(class(verdict)) {} }
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

#[cfg(test)]
mod tests {
    use ledger::Tasks;

    use super::*;
    use crate::board::fixtures::{open, target};

    #[test]
    fn a_tag_does_not_repeat_the_commit_beside_it() {
        let commit = "0367675f4a0b6c7d8e9f0a1b2c3d4e5f60718293";
        let mut release = open(&target("web", "production"), 100).release;
        release.commit = Commit::parse(commit).ok();
        let whole = format!("main-{commit}");
        let rows = [
            (whole.as_str(), "main"),
            ("main-0367675f", "main"),
            (commit, ""),
            ("main-036767", "main-036767"),
            ("main-0367676", "main-0367676"),
            ("v2.13.4", "v2.13.4"),
            ("latest", "latest"),
        ];
        for (tag, expected) in rows {
            release.tag = tag.to_owned();
            assert_eq!(beside(&release), expected);
        }
        release.commit = None;
        release.tag = whole.clone();
        assert_eq!(beside(&release), whole);
    }

    #[test]
    fn tasks_are_counted_while_they_are_brought_up() {
        let count = |running, desired| Some(Tasks { running, desired });
        let rows = [
            (Stage::Deploying, count(0, 1), "0 of 1 task runs"),
            (Stage::Deploying, count(2, 3), "2 of 3 tasks run"),
            (Stage::Deploying, count(0, 0), ""),
            (Stage::Deploying, None, ""),
            (Stage::Failing, count(2, 3), ""),
        ];
        for (stage, count, expected) in rows {
            let mut rollout = open(&target("web", "production"), 100);
            (rollout.stage, rollout.tasks) = (stage, count);
            let shown = tasks(&rollout).into_string();
            assert!(shown.contains(expected), "{shown}");
            assert_eq!(shown.is_empty(), expected.is_empty(), "{shown}");
        }
    }
}
