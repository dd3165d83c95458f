//! Small charts, drawn by the server: every one is also a sentence for those who do not see it.

use maud::{Markup, html};

use crate::age;
use crate::delivery::{Day, Delivery, Spread};
use chrono::TimeDelta;

const HEIGHT: usize = 32;
/// The newest of them: more would be thinner than a pixel.
const MOST_BARS: usize = 30;

/// The four figures of a target.
pub(super) fn delivery(figures: &Delivery) -> Markup {
    let window = format!("{} d", figures.days);
    let rate = (figures.failures * 100).checked_div(figures.changes);
    html! {
        div.figures {
            div.figure {
                h3 { "Push to live" }
                p.number { (typical(&figures.lead_time)) }
                (bars(&figures.lead_time, "push to live"))
                p.dim { (slowest(&figures.lead_time)) }
            }
            div.figure {
                h3 { "Went live" }
                p.number { (figures.live) span.dim { " in " (window) } }
                (days(&figures.each_day))
                p.dim { "each day, with what failed" }
            }
            div.figure {
                h3 { "Changes that failed" }
                p.number { @match rate { Some(rate) => { (rate) " %" }, None => "–" } }
                (share(figures.failures, figures.changes))
                p.dim { (figures.failures) " of " (figures.changes) " in " (window) }
            }
            div.figure {
                h3 { "Time to restore" }
                p.number { (typical(&figures.time_to_restore)) }
                (bars(&figures.time_to_restore, "time to restore"))
                p.dim { (slowest(&figures.time_to_restore)) }
            }
        }
    }
}

fn words(seconds: i64) -> String {
    age::span(TimeDelta::seconds(seconds))
}

fn typical(spread: &Spread) -> String {
    spread.p50.map_or_else(|| "–".to_owned(), words)
}

fn slowest(spread: &Spread) -> String {
    match spread.p95 {
        Some(p95) => format!(
            "half of {}; 95 % within {}",
            spread.seconds.len(),
            words(p95)
        ),
        None => "nothing to measure yet".to_owned(),
    }
}

/// A bar for each length of time, the newest at the right, and a line at the half.
fn bars(spread: &Spread, what: &str) -> Markup {
    let skipped = spread.seconds.len().saturating_sub(MOST_BARS);
    let shown = &spread.seconds[skipped..];
    let longest = shown.iter().copied().max().unwrap_or(0).max(1);
    let height = |seconds: i64| scaled(seconds, longest);
    html! {
        svg.chart viewBox={ "0 0 " (MOST_BARS * 4) " " (HEIGHT) } preserveAspectRatio="none" role="img"
            aria-label={ "The last " (shown.len()) " of " (what) ", newest at the right" } {
            @for (index, seconds) in shown.iter().enumerate() {
                rect.mark-busy x=((MOST_BARS - shown.len() + index) * 4) y=(HEIGHT - height(*seconds)) width="3" height=(height(*seconds)) {
                    title { (words(*seconds)) }
                }
            }
            @if let (Some(p50), 2..) = (spread.p50, shown.len()) {
                @let y = HEIGHT - height(p50);
                line.mark-line x1="0" x2=(MOST_BARS * 4) y1=(y) y2=(y) {}
            }
        }
    }
}

/// A column for each day: what went live from the ground up, what failed above it.
fn days(days: &[Day]) -> Markup {
    let most = days.iter().map(|day| day.live + day.failed).max();
    let most = most.unwrap_or(0).max(4);
    let failed: usize = days.iter().map(|day| day.failed).sum();
    let live: usize = days.iter().map(|day| day.live).sum();
    html! {
        svg.chart viewBox={ "0 0 " (days.len() * 4) " " (HEIGHT) } preserveAspectRatio="none" role="img"
            aria-label={ (live) " went live and " (failed) " failed in " (days.len()) " days" } {
            @for (index, day) in days.iter().enumerate() {
                @let live = day.live * HEIGHT / most;
                @let failed = day.failed * HEIGHT / most;
                @if live + failed == 0 { rect.mark-none x=(index * 4) y=(HEIGHT - 1) width="3" height="1" {} }
                @if live > 0 { rect.mark-good x=(index * 4) y=(HEIGHT - live) width="3" height=(live) {} }
                @if failed > 0 { rect.mark-bad x=(index * 4) y=(HEIGHT - live - failed) width="3" height=(failed) {} }
            }
        }
    }
}

fn share(part: usize, whole: usize) -> Markup {
    let width = (part * 120).checked_div(whole).unwrap_or(0);
    html! {
        svg.chart viewBox={ "0 0 120 " (HEIGHT) } preserveAspectRatio="none" role="img"
            aria-label={ (part) " of " (whole) " changes failed" } {
            rect class=(if whole == 0 { "mark-none" } else { "mark-good" }) x="0" y=(HEIGHT - 8) width="120" height="8" {}
            @if width > 0 { rect.mark-bad x="0" y=(HEIGHT - 8) width=(width) height="8" {} }
        }
    }
}

/// At least a pixel, at most the chart's height.
fn scaled(value: i64, longest: i64) -> usize {
    let height = i64::try_from(HEIGHT).unwrap_or(i64::MAX);
    let scaled = value.clamp(0, longest).saturating_mul(height) / longest;
    usize::try_from(scaled.clamp(1, height)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use ledger::Verdict;

    use super::*;
    use crate::board::fixtures::{at, ended, target};

    #[test]
    fn figures_without_rollouts_are_dashes() {
        let page = delivery(&Delivery::of(&[], false, at(0))).into_string();
        assert_eq!(page.matches(">–<").count(), 3, "{page}");
        assert!(page.contains("nothing to measure yet"), "{page}");
        assert!(!page.contains("mark-busy"), "{page}");
    }

    #[test]
    fn every_chart_is_a_sentence_too() {
        let web = target("web", "production");
        let history = [
            ended(&web, 600, Verdict::Succeeded),
            ended(&web, 300, Verdict::RolledBack),
            ended(&web, 100, Verdict::Succeeded),
        ];
        let page = delivery(&Delivery::of(&history, false, at(1000))).into_string();
        for expected in [
            "33 %",
            "1 of 3 in 30 d",
            "2 went live and 1 failed in 30 days",
            "The last 2 of push to live",
            "1 min 14 s",
        ] {
            assert!(page.contains(expected), "{expected} is missing in {page}");
        }
        // Our policy forbids styles in the page.
        assert!(!page.contains("style="), "{page}");
    }

    #[test]
    fn no_length_leaves_the_chart() {
        for (value, longest, expected) in [(0, 1, 1), (5, 10, 16), (10, 10, 32), (i64::MAX, 10, 32)]
        {
            assert_eq!(scaled(value, longest), expected, "{value} of {longest}");
        }
    }
}
