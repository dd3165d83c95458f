//! A target's page: what it follows, what runs, and its rollouts.

use maud::{Markup, html};

use super::{Refresh, View, act, chart, history, layout, parts, reader};
use crate::act::Answer;
use crate::age;
use crate::board::State;
use crate::delivery::Delivery;
use chrono::TimeDelta;

/// What a target's page shows.
pub(super) struct Shown<'a> {
    /// Where the target stands.
    pub(super) state: &'a State,
    /// How well it is delivered to.
    pub(super) delivery: &'a Delivery,
    /// What the reader can do.
    pub(super) actions: Markup,
    /// What has become of what the reader has asked for.
    pub(super) answer: Option<&'a Answer>,
}

/// A target's page.
pub(super) fn page(shown: &Shown<'_>, view: View<'_>) -> Markup {
    let Shown {
        state, delivery, ..
    } = shown;
    let target = &state.target;
    let who = html! {
        p.line { (target.environment) }
        p.dim {
            (target.key())
            @if let Some(url) = &target.environment_url { " · " a href=(url) { "visit" } }
        }
    };
    let body = html! {
        main #main {
            h1 { (target.name) }
            @if let Some(answer) = shown.answer { (act::answer(answer)) }
            section {
                h2.hidden { "What runs" }
                ul.targets { li { (parts::target_row(state, &who, view)) } }
            }
            (shown.actions)
            @if !state.history.is_empty() {
                section {
                    h2 { "Delivery" }
                    (chart::delivery(delivery))
                }
            }
            section {
                h2 { "Rollouts" }
                @if state.history.is_empty() {
                    p.dim { "None yet." }
                } @else {
                    (history::of_target(state, view))
                }
            }
            section {
                h2 { "Target" }
                dl {
                    dt { "Follows" }
                    dd { code { (target.repository) } " by " (target.tag_policy) }
                    dt { "Commits of" }
                    dd { a href={ (view.github_url) "/" (target.github_repository) } { (target.github_repository) } }
                    dt { "Container" }
                    dd { code { (target.container) } }
                    dt { "Task definition" }
                    dd { code { (target.family) } " made from " code { (target.template) } }
                    dt { "Deadline" }
                    dd { (age::span(TimeDelta::seconds(i64::from(target.deadline_seconds)))) }
                }
            }
        }
    };
    layout(
        &target.name,
        Refresh::From(view.print),
        view.now,
        &reader::shown(view.reader),
        &body,
    )
}

#[cfg(test)]
mod tests {
    use ledger::Verdict;

    use super::*;
    use crate::board::fixtures::{after, at, ended, target};
    use crate::page::reader::Reader;

    #[test]
    fn a_target_shows_what_it_follows_and_its_rollouts() {
        let web = target("web", "production");
        let state = after(
            &web,
            vec![
                ended(&web, 700, Verdict::Succeeded),
                ended(&web, 500, Verdict::Superseded),
                ended(&web, 100, Verdict::Succeeded),
            ],
        );
        let view = View {
            github_url: "https://github.example",
            now: at(1000),
            print: "print",
            reader: &Reader::Anybody,
        };
        let shown = Shown {
            state: &state,
            delivery: &Delivery::of(&state.history, false, at(1000)),
            actions: html! {},
            answer: None,
        };
        let page = page(&shown, view).into_string();
        for expected in [
            "<code>shop/web</code> by glob main-*",
            r#"href="https://github.example/owner/web""#,
            ">superseded<",
            // What was superseded in between never ran.
            &format!("/owner/web/compare/{:040x}...{:040x}", 100, 700),
            "Changes that failed",
            "1 min 12 s",
            &format!("/rollouts/main/web/{}", state.history[2].id),
        ] {
            assert!(page.contains(expected), "{expected} is missing in {page}");
        }
    }
}
