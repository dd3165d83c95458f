//! A target's page: what it follows, what runs, and its rollouts.

use maud::{Markup, html};

use super::{Refresh, View, chart, history, layout, parts};
use crate::age;
use crate::board::State;
use crate::delivery::Delivery;
use chrono::TimeDelta;

/// A target's page.
pub(super) fn page(state: &State, delivery: &Delivery, view: View<'_>) -> Markup {
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
            section {
                h2.hidden { "What runs" }
                ul.targets { li { (parts::target_row(state, &who, view)) } }
            }
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
        &html! {},
        &body,
    )
}

#[cfg(test)]
mod tests {
    use ledger::Verdict;

    use super::*;
    use crate::board::fixtures::{after, at, ended, target};

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
        };
        let page = page(&state, &Delivery::of(&state.history, false, at(1000)), view).into_string();
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
