//! A rollout's steps: those that the ledger knows the time of, and those ahead.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use ledger::{Rollout, Stage};
use maud::{Markup, html};

use super::{View, parts};
use crate::age;

/// For so long `report` tries to tell GitHub of a change: `maximum_record_age_in_seconds` in
/// `terraform/modules/pipeline/report.tf`.
const PATIENCE: TimeDelta = TimeDelta::hours(6);
/// The only state of GitHub's deployment that is not its last.
const IN_PROGRESS: &str = "in_progress";

struct Step<'a> {
    name: &'a str,
    /// The colour of a verdict, or of what is no good sign.
    class: Option<&'static str>,
    /// A word of somebody else's about it.
    word: Option<&'a str>,
    at: DateTime<Utc>,
}

impl<'a> Step<'a> {
    fn of(name: &'a str, at: Option<DateTime<Utc>>) -> Option<Self> {
        at.map(|at| Step {
            name,
            class: None,
            word: None,
            at,
        })
    }
}

/// The steps of `rollout` in the order of their times, then what is ahead.
pub(super) fn steps(rollout: &Rollout, view: View<'_>) -> Markup {
    let mut done = done(rollout);
    done.sort_by_key(|step| step.at);
    html! {
        ol.steps {
            @for step in &done { (self::step(step, rollout)) }
            @for name in ahead(rollout, view.now) {
                li.ahead { span.name { (name) } }
            }
        }
    }
}

/// Whether GitHub is still to be told how `rollout` ended. Of a release without a commit it never is, and after
/// [`PATIENCE`] nobody tries any more.
pub(super) fn is_to_be_told(rollout: &Rollout, now: DateTime<Utc>) -> bool {
    let told = rollout.told.as_ref();
    let is_told = told.is_some_and(|told| told.state != IN_PROGRESS);
    let is_late = rollout.ended_at.is_some_and(|at| now - at > PATIENCE);
    rollout.release.commit.is_some() && !is_told && !is_late
}

/// What happened, as it follows from one another. What is not known is left out: only a failing rollout has failed before
/// its end, and one that ended before ECS was asked for anything never updated a service.
fn done(rollout: &Rollout) -> Vec<Step<'_>> {
    let (verdict, told) = (rollout.verdict, rollout.told.as_ref());
    let steps = [
        Step::of("pushed", Some(rollout.release.pushed_at)),
        Step::of("heard", rollout.heard_at),
        Step::of("claimed", Some(rollout.claimed_at)),
        Step::of("registered", rollout.registered_at),
        Step::of("service updated", rollout.deployed_at),
        Step::of("first task", rollout.first_task_at),
        Step::of("failing", rollout.failing_at).map(|step| Step {
            class: Some("warn"),
            ..step
        }),
        Step::of(verdict.map_or("verdict", parts::said), rollout.ended_at).map(|step| Step {
            class: verdict.map(parts::class),
            ..step
        }),
        Step::of("reported", told.map(|told| told.at)).map(|step| Step {
            word: told.map(|told| told.state.as_str()),
            ..step
        }),
    ];
    steps.into_iter().flatten().collect()
}

fn ahead(rollout: &Rollout, now: DateTime<Utc>) -> impl Iterator<Item = &'static str> {
    let is_open = rollout.verdict.is_none();
    let is_failing = rollout.stage == Stage::Failing;
    let steps = [
        ("service updated", is_open && rollout.deployed_at.is_none()),
        (
            "first task",
            is_open && !is_failing && rollout.first_task_at.is_none(),
        ),
        ("verdict", is_open),
        ("reported", is_to_be_told(rollout, now)),
    ];
    steps
        .into_iter()
        .filter_map(|(name, is_ahead)| is_ahead.then_some(name))
}

/// A step and when it was, counted from the claim. A rollback brings what was pushed long before.
fn step(step: &Step<'_>, rollout: &Rollout) -> Markup {
    let (claimed, at) = (rollout.claimed_at, step.at);
    let form = match at.date_naive() == claimed.date_naive() {
        true => "%H:%M:%S",
        false => "%-d %b",
    };
    let exactly = at.to_rfc3339_opts(SecondsFormat::Millis, true);
    html! {
        li class=[step.class] {
            span.name {
                (step.name)
                @if let Some(word) = step.word { " " code { (word) } }
            }
            span.after {
                @if at > claimed { "+" (age::exact(at - claimed)) }
                @if at < claimed { "−" (age::exact(claimed - at)) }
            }
            time.dim datetime=(exactly) title=(exactly) { (at.format(form)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use ledger::{Told, Verdict};

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
        steps(rollout, view).into_string()
    }

    /// Fails unless `words` are on `page` in this order.
    fn in_order(page: &str, words: &[&str]) {
        let mut rest = page;
        for word in words {
            let (_, behind) = rest
                .split_once(word)
                .unwrap_or_else(|| panic!("{word} is missing or too early in {page}"));
            rest = behind;
        }
    }

    #[test]
    fn every_step_that_was_has_its_time() {
        let mut rollout = ended(&target("web", "production"), 500, Verdict::RolledBack);
        rollout.failing_at = Some(at(560));
        in_order(
            &shown(&rollout),
            &[
                ">pushed<",
                "−2.0 s",
                ">heard<",
                "−0.3 s",
                ">claimed<",
                "08:08:20",
                ">registered<",
                "+0.4 s",
                ">service updated<",
                "+1.0 s",
                ">first task<",
                "+20 s",
                r#"class="warn"><span class="name">failing<"#,
                "+1 min<",
                r#"class="warn"><span class="name">rolled back<"#,
                "+1 min 12 s",
                "reported <code>failure</code>",
                "+1 min 14 s",
            ],
        );
    }

    #[test]
    fn what_never_was_is_not_there() {
        let mut rollout = ended(&target("web", "production"), 500, Verdict::Failed);
        rollout.heard_at = None;
        rollout.registered_at = None;
        rollout.deployed_at = None;
        rollout.first_task_at = None;
        rollout.told = None;
        rollout.release.commit = None;
        let page = shown(&rollout);
        assert_eq!(page.matches("<li").count(), 3, "{page}");
        in_order(&page, &[">pushed<", ">claimed<", ">failed<"]);
    }

    #[test]
    fn an_open_rollout_has_the_rest_ahead() {
        let mut rollout = open(&target("web", "production"), 958);
        rollout.stage = Stage::Claimed;
        rollout.revision = None;
        rollout.registered_at = None;
        rollout.deployed_at = None;
        rollout.first_task_at = None;
        in_order(
            &shown(&rollout),
            &[
                ">claimed<",
                "reported <code>in_progress</code>",
                r#"<li class="ahead"><span class="name">service updated<"#,
                r#"<li class="ahead"><span class="name">first task<"#,
                r#"<li class="ahead"><span class="name">verdict<"#,
                r#"<li class="ahead"><span class="name">reported<"#,
            ],
        );
        // What ECS has given up gets no first task any more.
        rollout.stage = Stage::Failing;
        assert!(!shown(&rollout).contains("first task"));
    }

    #[test]
    fn what_was_pushed_on_another_day_has_its_date() {
        let mut rollout = ended(&target("web", "production"), 500, Verdict::Succeeded);
        rollout.release.pushed_at = at(500) - TimeDelta::days(4);
        in_order(&shown(&rollout), &[">pushed<", "−4 d", ">11 Jan<"]);
    }

    #[test]
    fn a_verdict_is_to_be_told_until_it_was_or_nobody_tries_any_more() {
        let rollout = ended(&target("web", "production"), 500, Verdict::Failed);
        let told = |state: &str| Told {
            deployment: 7,
            state: state.into(),
            at: at(574),
            trace: None,
        };
        let end = at(572);
        let rows = [
            (None, end, true),
            (Some(told("in_progress")), end, true),
            (None, end + PATIENCE, true),
            (None, end + PATIENCE + TimeDelta::seconds(1), false),
            (Some(told("failure")), end, false),
            (Some(told("inactive")), end, false),
        ];
        for (told, now, expected) in rows {
            let mut rollout = Rollout {
                told,
                ..rollout.clone()
            };
            assert_eq!(is_to_be_told(&rollout, now), expected, "{rollout:?}");
            rollout.release.commit = None;
            assert!(!is_to_be_told(&rollout, now));
        }
    }
}
