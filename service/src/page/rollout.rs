//! A rollout's page: how it ended and why, and when each step was.

use chrono::{DateTime, Utc};
use ledger::{Cause, Rollout};
use maud::{Markup, html};

use super::{Refresh, View, layout, parts};
use crate::age;

/// A rollout's page. After the verdict nothing on it changes.
pub(super) fn page(rollout: &Rollout, view: View<'_>) -> Markup {
    let release = &rollout.release;
    let refresh = match rollout.verdict {
        Some(_) => Refresh::Never,
        None => Refresh::From(view.print),
    };
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
                        dd { (parts::commit_link(commit, commit.as_str(), &rollout.github_repository, view)) }
                    }
                    dt { "Image" }
                    dd { code { (release.repository) ":" (release.tag) } }
                    dt { "Digest" }
                    dd { code { (release.digest) } }
                }
            }
            section {
                h2 { "Rollout" }
                dl { (facts(rollout)) }
            }
        }
    };
    let title = format!("{} to {}", release.label(), rollout.target);
    layout(&title, refresh, view.now, &html! {}, &body)
}

fn steps(rollout: &Rollout) -> Markup {
    let verdict = match rollout.verdict {
        Some(verdict) => verdict.as_str().replace('_', " "),
        None => "verdict".to_owned(),
    };
    html! {
        (step("pushed", Some(rollout.release.pushed_at), rollout))
        (step("claimed", Some(rollout.claimed_at), rollout))
        (step("service updated", rollout.deployed_at, rollout))
        (step(&verdict, rollout.ended_at, rollout))
    }
}

/// A step and when it was, counted from the claim. A rollback brings what was pushed long before.
fn step(name: &str, at: Option<DateTime<Utc>>, rollout: &Rollout) -> Markup {
    html! {
        @match at {
            Some(at) => li {
                span.name { (name) }
                time datetime=(parts::moment(at)) { (at.format("%Y-%m-%d %H:%M:%S UTC")) }
                @if at > rollout.claimed_at { span.dim { "+" (age::span(at - rollout.claimed_at)) } }
            },
            None => li.ahead { span.name { (name) } },
        }
    }
}

fn facts(rollout: &Rollout) -> Markup {
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
            dt { "Before it" }
            dd { code { (back) } }
        }
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

    fn shown(rollout: &Rollout) -> String {
        let view = View {
            github_url: "https://github.com",
            now: at(1000),
            print: "print",
        };
        page(rollout, view).into_string()
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
