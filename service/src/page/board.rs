//! The first page: what runs where, and what just happened.

use maud::{Markup, html};

use super::{Refresh, View, history, layout, parts, reader};
use crate::board::{Overview, State};

/// The first page.
pub(super) fn page(overview: &Overview<'_>, view: View<'_>) -> Markup {
    let states: Vec<&State> = overview.environments.values().flatten().copied().collect();
    let body = html! {
        main #main {
            h1.hidden { "What runs where" }
            @if !overview.malformed.is_empty() {
                div.message {
                    h2 { "Targets that cannot be read" }
                    @for malformed in overview.malformed { p { (malformed) } }
                    p.dim { "Nothing is rolled out to them until their items in the ledger are mended." }
                }
            }
            @if states.is_empty() && overview.malformed.is_empty() {
                div.message {
                    h2 { "No target yet" }
                    p { "A target says which ECS service follows which image repository. Terraform writes it into the ledger: add one and apply." }
                }
            }
            @for (environment, states) in &overview.environments {
                section {
                    h2 { (environment) }
                    ul.targets { @for state in states { li { (target(state, view)) } } }
                }
            }
            @if !overview.recent.is_empty() {
                section {
                    h2 { "Recent rollouts" }
                    (history::of_all(overview.recent.iter().copied(), view))
                }
            }
        }
    };
    layout(
        "Board",
        Refresh::From(view.print),
        view.now,
        &html! { (summary(&states, view)) (reader::shown(view.reader)) },
        &body,
    )
}

/// The counts that a glance looks for.
fn summary(states: &[&State], view: View<'_>) -> Markup {
    let open = states
        .iter()
        .filter(|state| state.in_flight.is_some())
        .count();
    let trouble = states
        .iter()
        .filter(|state| state.trouble().is_some())
        .count();
    let held = states.iter().filter(|state| state.held.is_some()).count();
    html! {
        p.summary {
            span { (states.len()) @if states.len() == 1 { " target" } @else { " targets" } }
            @if open > 0 { span.busy { (open) " rolling out" } }
            @if held > 0 { span.warn { (held) " held" } }
            @if trouble > 0 { span.warn { (trouble) " to look at" } }
            time datetime=(parts::moment(view.now)) { (view.now.format("%H:%M:%S UTC")) }
        }
    }
}

fn target(state: &State, view: View<'_>) -> Markup {
    let target = &state.target;
    let who = html! {
        h3 { a href={ "/targets/" (target.name) } { (target.name) } }
        p.dim {
            (target.key())
            @if let Some(url) = &target.environment_url { " · " a href=(url) { "visit" } }
        }
    };
    parts::target_row(state, &who, view)
}

#[cfg(test)]
mod tests {
    use ledger::Verdict;

    use super::*;
    use crate::board::fixtures::{after, at, ended, open, states, target};
    use crate::page::reader::Reader;

    fn shown(targets: Vec<State>, rows: usize) -> String {
        let view = View {
            github_url: "https://github.com",
            now: at(1000),
            print: "print",
            reader: &Reader::Anybody,
        };
        page(&Overview::of(&self::states(targets), rows), view).into_string()
    }

    #[test]
    fn a_target_that_cannot_be_read_is_told() {
        let mut states = states(Vec::new());
        states.malformed = vec!["the ledger's item targets web#eu is malformed".into()];
        let view = View {
            github_url: "https://github.com",
            now: at(1000),
            print: "print",
            reader: &Reader::Anybody,
        };
        let page = page(&Overview::of(&states, 20), view).into_string();
        assert!(page.contains("targets web#eu is malformed"), "{page}");
        assert!(!page.contains("No target yet"), "{page}");
    }

    #[test]
    fn what_runs_and_what_is_under_way() {
        let web = target("web", "production");
        let page = shown(
            vec![after(
                &web,
                vec![open(&web, 928), ended(&web, 100, Verdict::Succeeded)],
            )],
            20,
        );
        let live = format!("https://github.com/owner/web/commit/{:040x}", 100);
        for expected in [
            live.as_str(),
            "main-100",
            "live for <time",
            "13 min 48 s</time>",
            ">deploying</span>",
            "1 min 12 s</time> of 15 min",
            r#"<progress value="72" max="900""#,
            r#"<progress value="1" max="3""#,
            "1 of 3 tasks run",
            "1 rolling out",
            r#"<meta http-equiv="refresh" content="5">"#,
        ] {
            assert!(page.contains(expected), "{expected} is missing in {page}");
        }
        assert!(!page.contains("to look at"), "{page}");
    }

    #[test]
    fn a_bad_verdict_stands_with_its_reason() {
        let web = target("web", "production");
        let page = shown(
            vec![after(
                &web,
                vec![
                    ended(&web, 500, Verdict::RolledBack),
                    ended(&web, 100, Verdict::Succeeded),
                ],
            )],
            20,
        );
        assert!(page.contains("1 to look at"), "{page}");
        // Once beside the target, once among the recent rollouts.
        assert_eq!(page.matches("container web exited 1").count(), 2, "{page}");
        assert_eq!(page.matches(">rolled back<").count(), 2, "{page}");
    }

    #[test]
    fn a_hold_says_who_and_why_and_the_last_verdicts_are_a_strip() {
        let web = target("web", "production");
        let mut state = after(
            &web,
            vec![
                open(&web, 900),
                ended(&web, 500, Verdict::Failed),
                ended(&web, 300, Verdict::Superseded),
                ended(&web, 100, Verdict::Succeeded),
            ],
        );
        state.held = Some(ledger::table::Held {
            by: "ada".into(),
            why: Some("the sale".into()),
            at: at(400),
        });
        let page = shown(vec![state], 20);
        for expected in [
            "1 held",
            "by ada, <time",
            "10 min ago</time>: the sale",
            r#"aria-label="1 of the last 3 succeeded""#,
            r#"<i class="good"></i><i class="calm"></i><i class="bad"></i>"#,
        ] {
            assert!(page.contains(expected), "{expected} is missing in {page}");
        }
    }

    #[test]
    fn an_empty_board_says_what_to_do() {
        assert!(shown(vec![], 20).contains("No target yet"));
        let page = shown(vec![after(&target("web", "production"), vec![])], 20);
        let words =
            "push an image to <code>shop/web</code> with a tag that matches <code>main-*</code>.";
        assert!(page.contains(words), "{page}");
        assert!(!page.contains("<table"), "{page}");
    }

    #[test]
    fn twenty_rows_are_less_than_30_kb() {
        let names = ["web", "checkout", "search", "mail", "worker", "images"];
        let states = names.map(|name| {
            let target = target(name, "production");
            let history = (0..20).map(|n| ended(&target, 900 - n * 40, Verdict::RolledBack));
            after(&target, history.collect())
        });
        let page = shown(states.into(), 20);
        assert_eq!(page.matches("<tr>").count(), 21);
        assert!(page.len() < 30_000, "{} bytes", page.len());
    }

    #[test]
    fn what_came_from_outside_is_text() {
        let mut web = target("web", "production");
        web.tag_policy = ledger::TagPolicy::Glob("<script>".into());
        let page = shown(vec![after(&web, vec![])], 20);
        assert!(
            page.contains("&lt;script&gt;") && !page.contains("<script>"),
            "{page}"
        );
    }
}
