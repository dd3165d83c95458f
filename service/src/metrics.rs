//! What Prometheus collects. A ledger that cannot be read is a measurement, not an error.

use std::fmt::{Display, Write};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ledger::Target;
use poem::web::Data;
use poem::{IntoResponse, Response, handler};

use crate::app::Service;
use crate::board::State;
use crate::watch::Seen;

/// Where Prometheus asks.
pub(crate) const PATH: &str = "/metrics";
/// Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is measured of the service and of every target.
#[handler]
pub(crate) async fn metrics(service: Data<&Arc<Service>>) -> Response {
    let watch = &service.watch;
    let seen = watch.seen().await;
    let mut page = Page::default();
    page.one(
        "couplet_ledger_readable",
        "gauge",
        "Whether the ledger can be read.",
        u8::from(seen.is_ok()),
    );
    page.one(
        "couplet_ledger_requests_total",
        "counter",
        "Requests that were sent to DynamoDB.",
        watch.requests(),
    );
    page.one(
        "couplet_streams",
        "gauge",
        "Pages that listen for news.",
        watch.listeners(),
    );
    if let Ok(seen) = seen {
        targets(&mut page, &seen, Utc::now());
    }
    page.text.with_content_type(FORMAT).into_response()
}

fn targets(page: &mut Page, seen: &Seen, now: DateTime<Utc>) {
    page.one(
        "couplet_targets_malformed",
        "gauge",
        "Targets whose items in the ledger cannot be read.",
        seen.states.malformed.len(),
    );
    let states = &seen.states.targets;
    page.each(
        "couplet_target_in_flight",
        "Whether a rollout is under way.",
        states,
        |state| Some(i64::from(state.in_flight.is_some())),
    );
    page.each(
        "couplet_target_in_flight_seconds",
        "How long the rollout that is under way has taken until now.",
        states,
        |state| Some((now - state.in_flight.as_ref()?.claimed_at).num_seconds()),
    );
    page.each(
        "couplet_target_in_flight_tasks_running",
        "How many tasks of the rollout that is under way run, if that is known.",
        states,
        |state| Some(i64::from(state.in_flight.as_ref()?.tasks?.running)),
    );
    page.each(
        "couplet_target_in_flight_tasks_desired",
        "How many tasks of the rollout that is under way shall run, if that is known.",
        states,
        |state| Some(i64::from(state.in_flight.as_ref()?.tasks?.desired)),
    );
    page.each(
        "couplet_target_held",
        "Whether pushes wait until somebody releases the target.",
        states,
        |state| Some(i64::from(state.held.is_some())),
    );
    page.each(
        "couplet_target_trouble",
        "Whether the newest rollout ended badly.",
        states,
        |state| Some(i64::from(state.trouble().is_some())),
    );
    page.each(
        "couplet_target_live_since_timestamp_seconds",
        "Since when the live release runs.",
        states,
        |state| Some(state.live.as_ref()?.since?.timestamp()),
    );
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.line(format_args!("{name} {value}"));
    }

    /// A gauge for each target that has it.
    fn each(
        &mut self,
        name: &str,
        help: &str,
        states: &[State],
        value: impl Fn(&State) -> Option<i64>,
    ) {
        self.head(name, "gauge", help);
        for state in states {
            if let Some(value) = value(state) {
                self.line(format_args!("{name}{} {value}", labels(&state.target)));
            }
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing into a String does not fail.
        let _ = writeln!(self.text, "{line}");
    }
}

fn labels(target: &Target) -> String {
    format!(
        r#"{{target="{}",environment="{}"}}"#,
        escaped(&target.name),
        escaped(&target.environment)
    )
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', r"\\")
        .replace('"', r#"\""#)
        .replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use ledger::Verdict;

    use super::*;
    use crate::board::fixtures::{after, at, ended, open, states, target};

    #[test]
    fn every_target_is_measured_as_far_as_it_has_come() {
        let (web, new) = (target("web", "production"), target("ne\"w", "staging"));
        let history = vec![open(&web, 400), ended(&web, 100, Verdict::Succeeded)];
        let seen = Seen {
            states: states(vec![after(&web, history), after(&new, vec![])]),
            print: "print".into(),
        };
        let mut page = Page::default();
        targets(&mut page, &seen, at(442));
        let web = r#"{target="web",environment="production"}"#;
        let since = at(172).timestamp();
        for line in [
            format!("couplet_target_in_flight{web} 1"),
            format!("couplet_target_in_flight_seconds{web} 42"),
            format!("couplet_target_in_flight_tasks_running{web} 1"),
            format!("couplet_target_in_flight_tasks_desired{web} 3"),
            format!("couplet_target_live_since_timestamp_seconds{web} {since}"),
            r#"couplet_target_in_flight{target="ne\"w",environment="staging"} 0"#.to_owned(),
        ] {
            assert!(
                page.text.lines().any(|it| it == line),
                "{line}: {}",
                page.text
            );
        }
        for gauge in ["in_flight_seconds{", "tasks_running{", "tasks_desired{"] {
            assert_eq!(page.text.matches(gauge).count(), 1, "{gauge}");
        }
    }
}
