//! A rollout's page: how it ended and why, and when each step was.

use chrono::{DateTime, Utc};
use ledger::{Cause, Rollout};
use maud::{Markup, html};

use super::{Refresh, View, layout, links, parts, reader};
use crate::age;

/// A rollout's page, with what ran before it if that is known. After the verdict nothing on it changes.
pub(super) fn page(rollout: &Rollout, before: Option<&Rollout>, view: View<'_>) -> Markup {
    let release = &rollout.release;
    let refresh = match rollout.verdict {
        Some(_) => Refresh::Never,
        None => Refresh::From(view.print),
    };
    let compare = before.and_then(|before| {
        links::compare(&before.release, release, &rollout.github_repository, view)
    });
    let body = html! {
        main #main {
            p.crumbs {
                a href={ "/targets/" (rollout.target) } { (rollout.target) }
                " in " (rollout.environment)
            }
            h1 {
                (release.label())
                @if rollout.verdict.is_some() { " " (parts::chip(rollout)) }
            }
            @match rollout.verdict {
                Some(_) => {
                    p.dim { "after " (age::span(parts::took(rollout, view))) ", " (parts::ago(rollout.ended_at.unwrap_or(rollout.claimed_at), view)) }
                    @if let Some(reason) = &rollout.reason { p.reason.large { (reason) } }
                },
                None => div.panel { (parts::in_flight(rollout, view)) },
            }
            section {
                h2 { "Steps" }
                ol.steps { (steps(rollout)) }
            }
            section {
                h2 { "Release" }
                dl {
                    @if let Some(commit) = &release.commit {
                        dt { "Commit" }
                        dd { (links::commit(commit, commit.as_str(), &rollout.github_repository, view)) }
                    }
                    @if let (Some(before), Some(compare)) = (before, compare) {
                        dt { "Before it" }
                        dd { a href=(parts::rollout_path(before)) { (before.release.label()) } " · " (compare) }
                    }
                    dt { "Image" }
                    dd { code { (release.repository) ":" (release.tag) } }
                    dt { "Digest" }
                    dd { code { (release.digest) } }
                }
            }
            section {
                h2 { "Rollout" }
                dl { (facts(rollout, view)) }
            }
        }
    };
    let title = format!("{} to {}", release.label(), rollout.target);
    layout(
        &title,
        refresh,
        view.now,
        &reader::shown(view.reader),
        &body,
    )
}

/// Every step that the ledger knows the time of, and those ahead. Terse where nothing happened: only a rollout
/// that was taken over was driven later than it was claimed, and only a failing one has failed before its end.
fn steps(rollout: &Rollout) -> Markup {
    let verdict = rollout.verdict.map_or("verdict", parts::said);
    let retaken = (rollout.driven_at > rollout.claimed_at).then_some(rollout.driven_at);
    let open = rollout.verdict.is_none();
    html! {
        (step("pushed", rollout.release.pushed_at, rollout))
        (step("claimed", rollout.claimed_at, rollout))
        @if let Some(at) = retaken { (step("taken over", at, rollout)) }
        @match (rollout.deployed_at, rollout.revision.is_some()) {
            (Some(at), _) => (step("service updated", at, rollout)),
            (None, registered) if open => {
                @if registered { (timeless("done", "registered")) }
                (timeless("ahead", "service updated"))
            },
            // It ended before ECS was asked for anything.
            (None, _) => {},
        }
        @if let Some(at) = rollout.failing_at { (step("failing", at, rollout)) }
        @match rollout.ended_at {
            Some(at) => (step(verdict, at, rollout)),
            None => (timeless("ahead", verdict)),
        }
    }
}

fn timeless(class: &str, name: &str) -> Markup {
    html! { li class=(class) { span.name { (name) } } }
}

/// A step and when it was, counted from the claim. A rollback brings what was pushed long before.
fn step(name: &str, at: DateTime<Utc>, rollout: &Rollout) -> Markup {
    html! {
        li {
            span.name { (name) }
            time datetime=(parts::moment(at)) { (at.format("%Y-%m-%d %H:%M:%S UTC")) }
            @if at > rollout.claimed_at { span.dim { "+" (age::span(at - rollout.claimed_at)) } }
        }
    }
}

fn facts(rollout: &Rollout, view: View<'_>) -> Markup {
    html! {
        dt { "Cause" }
        dd {
            (rollout.cause)
            @if let Cause::Request { why: Some(why), .. } = &rollout.cause { ": " (why) }
        }
        dt { "Service" }
        dd { code { (rollout.service) } @if let Some(url) = &rollout.environment_url { " · " a href=(url) { "visit" } } }
        @if let Some(revision) = &rollout.revision {
            dt { "Task definition" }
            dd { code { (revision) } }
        }
        @if let Some(deployment) = &rollout.deployment {
            dt { "Deployment" }
            dd { code { (deployment) } }
        }
        @if let Some(back) = &rollout.rolls_back_to {
            dt { "Goes back to" }
            dd { code { (back) } }
        }
        dt { "GitHub" }
        dd { "deployments to " (links::deployments(rollout, view)) }
        dt { "Deadline" }
        dd { (rollout.deadline.format("%Y-%m-%d %H:%M:%S UTC")) }
        dt { "Id" }
        dd { code { (rollout.id) } }
    }
}

#[cfg(test)]
mod tests {
    use ledger::Verdict;

    use super::*;
    use crate::board::fixtures::{at, ended, open, target};
    use crate::page::reader::Reader;

    fn shown(rollout: &Rollout) -> String {
        let view = View {
            github_url: "https://github.com",
            now: at(1000),
            print: "print",
            reader: &Reader::Anybody,
        };
        page(rollout, None, view).into_string()
    }

    #[test]
    fn an_ended_rollout_tells_why_and_stands_still() {
        let page = shown(&ended(
            &target("web", "production"),
            500,
            Verdict::RolledBack,
        ));
        for expected in [
            "rolled back",
            "after 1 min 12 s",
            "container web exited 1: Essential container in task exited",
            "ecs-svc/0000000000000000500",
            "task-definition/web:500",
            "+1 min 12 s",
        ] {
            assert!(page.contains(expected), "{expected} is missing in {page}");
        }
        assert!(!page.contains("http-equiv"), "{page}");
    }

    #[test]
    fn every_step_that_was_has_its_time() {
        let web = target("web", "production");
        let (before, mut rollout) = (
            ended(&web, 100, Verdict::Succeeded),
            ended(&web, 500, Verdict::RolledBack),
        );
        rollout.driven_at = at(550);
        rollout.failing_at = Some(at(560));
        let view = View {
            github_url: "https://github.com",
            now: at(1000),
            print: "print",
            reader: &Reader::Anybody,
        };
        let page = page(&rollout, Some(&before), view).into_string();
        let places: Vec<_> = [
            ">pushed<",
            ">claimed<",
            ">taken over<",
            "+50 s",
            ">service updated<",
            ">failing<",
            "+1 min<",
            ">rolled back</span><time",
            "https://github.com/owner/web/compare/",
            "https://github.com/owner/web/deployments/production",
        ]
        .map(|words| {
            page.find(words)
                .unwrap_or_else(|| panic!("{words} is missing in {page}"))
        })
        .into();
        assert!(places.is_sorted(), "{places:?}");
        // What failed before the service was touched was never updated.
        rollout.deployed_at = None;
        assert!(!shown(&rollout).contains("service updated"));
    }

    #[test]
    fn an_open_rollout_says_what_is_ahead_and_who_asked() {
        let rollout = Rollout {
            cause: Cause::Request {
                action: "rollback".into(),
                by: "ada".into(),
                why: Some("prices are wrong".into()),
            },
            ..open(&target("web", "production"), 958)
        };
        let page = shown(&rollout);
        for expected in [
            "42 s</time> of 15 min",
            r#"<li class="ahead"><span class="name">verdict</span></li>"#,
            "rollback by ada: prices are wrong",
            "http-equiv",
        ] {
            assert!(page.contains(expected), "{expected} is missing in {page}");
        }
    }
}
