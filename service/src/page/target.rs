//! A target's page: what it follows, what runs, and its rollouts.

use maud::{Markup, html};

use super::{Refresh, View, layout, parts};
use crate::age;
use crate::board::State;
use chrono::TimeDelta;

/// A target's page.
pub(super) fn page(state: &State, view: View<'_>) -> Markup {
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
            section {
                h2 { "Rollouts" }
                @if state.history.is_empty() {
                    p.dim { "None yet." }
                } @else {
                    (parts::history(&state.history, false, view))
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
                ended(&web, 500, Verdict::Superseded),
                ended(&web, 100, Verdict::Succeeded),
            ],
        );
        let view = View {
            github_url: "https://github.example",
            now: at(1000),
            print: "print",
        };
        let page = page(&state, view).into_string();
        for expected in [
            "<code>shop/web</code> by glob main-*",
            r#"href="https://github.example/owner/web""#,
            ">superseded<",
            "1 min 12 s",
            &format!("/rollouts/main/web/{}", state.history[1].id),
        ] {
            assert!(page.contains(expected), "{expected} is missing in {page}");
        }
    }
}
