//! A target's state as a small picture for other people's pages.

use std::sync::Arc;

use ledger::Verdict;
use maud::{Markup, html};
use poem::web::{Data, Path};
use poem::{IntoResponse, Response, handler};

use crate::answer::RESOURCE_POLICY;
use crate::app::Service;
use crate::board::State;
use crate::failure::Failure;
use crate::find;

/// A letter's usual width and the room at both sides of a word, in tenths of a pixel.
const LETTER: usize = 66;
const ROOM: usize = 120;
/// No name makes a picture wider than a page.
const LONGEST: usize = 60;

/// The badge of `<target>.svg`. GitHub's image proxy keeps a picture for as long as it is told:
/// <https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-anonymized-urls>
#[handler]
pub(crate) async fn badge(
    service: Data<&Arc<Service>>,
    Path(file): Path<String>,
) -> Result<Response, Failure> {
    let Some(name) = file.strip_suffix(".svg") else {
        return Err(Failure::Missing(format!("badge `{file}`")));
    };
    let seen = service.watch.seen().await?;
    let state = find::target(&seen, name)?;
    let (word, colour) = said(state);
    Ok(picture(name, &word, colour)
        .into_string()
        .with_content_type("image/svg+xml")
        .with_header("cache-control", "no-cache, max-age=0")
        .with_header(RESOURCE_POLICY, "cross-origin")
        .into_response())
}

/// What runs, or what else is more important.
fn said(state: &State) -> (String, &'static str) {
    const GOOD: &str = "#2d7d54";
    const BUSY: &str = "#1b57b5";
    const WARN: &str = "#9a5f00";
    const BAD: &str = "#b3261e";
    const CALM: &str = "#6b727a";
    if let Some(rollout) = &state.in_flight {
        return (format!("rolling out {}", rollout.release.label()), BUSY);
    }
    let live = match &state.live {
        Some(live) => live.release.label().to_owned(),
        None => return ("nothing runs".to_owned(), CALM),
    };
    match state.trouble().and_then(|rollout| rollout.verdict) {
        Some(Verdict::RolledBack) => (format!("{live} · rolled back"), WARN),
        Some(Verdict::Stopped) => (format!("{live} · stopped"), WARN),
        Some(_) => (format!("{live} · failed"), BAD),
        None if state.held.is_some() => (format!("{live} · held"), WARN),
        None => (live, GOOD),
    }
}

fn picture(name: &str, word: &str, colour: &str) -> Markup {
    let (name, word) = (cut(name), cut(word));
    let (left, right) = (width(&name), width(&word));
    let whole = left + right;
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(px(whole)) height="20" role="img" aria-label={ (name) ": " (word) } {
            title { (name) ": " (word) }
            clipPath id="r" { rect width=(px(whole)) height="20" rx="3" {} }
            g clip-path="url(#r)" {
                rect width=(px(left)) height="20" fill="#3b4148" {}
                rect x=(px(left)) width=(px(right)) height="20" fill=(colour) {}
            }
            g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" {
                text x=(px(left / 2)) y="14" textLength=(px(left - ROOM)) { (name) }
                text x=(px(left + right / 2)) y="14" textLength=(px(right - ROOM)) { (word) }
            }
        }
    }
}

fn cut(text: &str) -> String {
    match text.chars().count() {
        ..=LONGEST => text.to_owned(),
        _ => text.chars().take(LONGEST - 1).chain(['…']).collect(),
    }
}

fn width(text: &str) -> usize {
    text.chars().count() * LETTER + ROOM
}

fn px(tenths: usize) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::fixtures::{after, at, ended, open, target};

    #[test]
    fn a_badge_says_what_matters_most() {
        let web = target("web", "production");
        let live = ended(&web, 100, Verdict::Succeeded);
        let label = live.release.label().to_owned();
        let rows = [
            (vec![], "nothing runs".to_owned()),
            (vec![live.clone()], label.clone()),
            (
                vec![open(&web, 200), live.clone()],
                format!("rolling out {}", open(&web, 200).release.label()),
            ),
            (
                vec![ended(&web, 200, Verdict::RolledBack), live.clone()],
                format!("{label} · rolled back"),
            ),
            (
                vec![ended(&web, 200, Verdict::TimedOut), live.clone()],
                format!("{label} · failed"),
            ),
        ];
        for (history, expected) in rows {
            assert_eq!(said(&after(&web, history)).0, expected);
        }
        let mut held = after(&web, vec![live]);
        held.held = Some(ledger::table::Held {
            by: "ada".into(),
            why: None,
            at: at(200),
        });
        assert_eq!(said(&held).0, format!("{label} · held"));
    }

    #[test]
    fn a_name_is_text_and_never_too_long() {
        let picture = picture(&"<x>".repeat(40), "ok", "#fff").into_string();
        assert!(
            picture.contains("&lt;x&gt;") && !picture.contains("<x>"),
            "{picture}"
        );
        assert!(picture.contains("…"), "{picture}");
        assert_eq!(width("ab"), 252);
        assert_eq!(px(252), "25.2");
    }
}
