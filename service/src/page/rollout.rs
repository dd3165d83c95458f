//! A rollout's page: how it ended and why, and when each step was.

use ledger::{Cause, Rollout};
use maud::{Markup, html};

use super::steps::{is_to_be_told, steps};
use super::{Refresh, View, definition, layout, links, parts, reader};
use crate::age;
use crate::watch::Comparison;

/// A rollout's page. Nothing on it changes once GitHub was told of the verdict.
pub(super) fn page(rollout: &Rollout, comparison: &Comparison, view: View<'_>) -> Markup {
    let (release, before) = (&rollout.release, comparison.before.as_ref());
    let is_over = rollout.verdict.is_some() && !is_to_be_told(rollout, view.now);
    let refresh = match is_over {
        true => Refresh::Never,
        false => Refresh::From(view.print),
    };
    let body = html! {
        main #main {
            p.crumbs {
                a href={ "/targets/" (rollout.target) } { (rollout.target) }
                " in " (rollout.environment)
            }
            h1 {
                (release.label()) " " (parts::chip(rollout))
            }
            @match rollout.verdict {
                Some(_) => {
                    p.dim { "after " (age::exact(parts::took(rollout, view))) ", " (parts::ago(rollout.ended_at.unwrap_or(rollout.claimed_at), view)) }
                    @if let Some(reason) = &rollout.reason { p.reason.large { (reason) } }
                },
                None => div.panel {
                    p.line { (parts::elapsed(rollout, view)) }
                    (parts::progress(rollout, view))
                },
            }
            div.columns {
                section {
                    h2 { "Steps" span { (rollout.claimed_at.format("%Y-%m-%d, UTC")) } }
                    (steps(rollout, view))
                }
                div {
                    section {
                        h2 { "Release" }
                        dl { (brought(rollout, before, view)) }
                    }
                    section {
                        h2 { "Rollout" }
                        dl { (facts(rollout, view)) }
                    }
                }
            }
            section {
                h2 { "Task definition" }
                (definition::changes(rollout, comparison))
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

/// The release, and what ran before it.
fn brought(rollout: &Rollout, before: Option<&Rollout>, view: View<'_>) -> Markup {
    let (release, repository) = (&rollout.release, &rollout.github_repository);
    let compare =
        before.and_then(|before| links::compare(&before.release, release, repository, view));
    html! {
        @if let Some(commit) = &release.commit {
            dt { "Commit" }
            dd { (links::commit(commit, commit.as_str(), repository, view)) }
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
            dt { "Revision" }
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
        dd {
            @match &rollout.told {
                Some(told) => {
                    "deployment " (told.deployment) " to " (links::deployments(rollout, view))
                    ", " code { (told.state) }
                },
                None => { "deployments to " (links::deployments(rollout, view)) },
            }
        }
        @if let Some(trace) = rollout.told.as_ref().and_then(|told| told.trace.as_ref()) {
            dt { "Trace" }
            dd { (links::trace(trace, rollout)) }
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
    use crate::page::reader::Reader;

    fn shown(rollout: &Rollout) -> String {
        let view = View {
            github_url: "https://github.com",
            now: at(1000),
            print: "print",
            reader: &Reader::Anybody,
        };
        page(rollout, &Comparison::default(), view).into_string()
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
            "region=eu-west-1#xray:traces/1-6b49d200-",
            "+1 min 12 s",
        ] {
            assert!(page.contains(expected), "{expected} is missing in {page}");
        }
        assert!(!page.contains("http-equiv"), "{page}");
    }

    #[test]
    fn what_it_changes_and_what_github_was_told_are_linked() {
        let web = target("web", "production");
        let comparison = Comparison {
            before: Some(ended(&web, 100, Verdict::Succeeded)),
            changes: None,
        };
        let view = View {
            github_url: "https://github.com",
            now: at(1000),
            print: "print",
            reader: &Reader::Anybody,
        };
        let mut rollout = ended(&web, 500, Verdict::RolledBack);
        let page = page(&rollout, &comparison, view).into_string();
        for expected in [
            "https://github.com/owner/web/compare/",
            "https://github.com/owner/web/deployments/production",
            "deployment 500 to <a",
            "<code>failure</code>",
        ] {
            assert!(page.contains(expected), "{expected} is missing in {page}");
        }
        rollout.told = None;
        assert!(shown(&rollout).contains("deployments to <a"));
    }

    #[test]
    fn a_verdict_that_github_has_not_heard_of_is_waited_for() {
        let told = ended(&target("web", "production"), 500, Verdict::Succeeded);
        let untold = Rollout { told: None, ..told };
        assert!(shown(&untold).contains("http-equiv"));
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
