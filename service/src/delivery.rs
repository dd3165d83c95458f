//! How well a target is delivered to: four figures over its last rollouts, computed from values alone.
//!
//! Source of the four: <https://dora.dev/guides/dora-metrics-four-keys/>

#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use ledger::{Cause, Rollout, Verdict};
use serde::Serialize;

/// How far back the figures go.
pub(crate) const DAYS: i64 = 30;
/// How many rollouts they look at; a target with more has a shorter window.
pub(crate) const MOST: i32 = 200;

/// The figures of one target.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Delivery {
    /// The window's length in days: 30, or as many as the rollouts that were looked at go back.
    pub(crate) days: i64,
    /// Releases that went live.
    pub(crate) live: usize,
    /// How long a push took until it was live.
    pub(crate) lead_time: Spread,
    /// Changes that were tried: all that ended, but for rollbacks and what was superseded or stopped.
    pub(crate) changes: usize,
    /// Those among them that failed, or that somebody rolled back.
    pub(crate) failures: usize,
    /// How long it took from a failure until a release went live.
    pub(crate) time_to_restore: Spread,
    /// Each day of the window, oldest first.
    pub(crate) each_day: Vec<Day>,
}

/// Lengths of time in seconds, oldest first, and what is typical of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Spread {
    /// Half of them are not longer.
    pub(crate) p50: Option<i64>,
    /// Nineteen of twenty are not longer.
    pub(crate) p95: Option<i64>,
    /// All of them.
    pub(crate) seconds: Vec<i64>,
}

/// How many rollouts ended on a day, which is 24 hours long and ends when the window does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Day {
    /// Releases that went live.
    pub(crate) live: usize,
    /// Rollouts that failed.
    pub(crate) failed: usize,
}

impl Delivery {
    /// The figures of `history`, newest first, as they are `now`. `more` says that there are older rollouts.
    pub(crate) fn of(history: &[Rollout], more: bool, now: DateTime<Utc>) -> Delivery {
        let days = window(history, more, now);
        let start = now - TimeDelta::days(days);
        let mut ended: Vec<&Rollout> = history
            .iter()
            .filter(|rollout| rollout.ended_at.is_some_and(|at| at > start && at <= now))
            .collect();
        ended.sort_by_key(|rollout| (rollout.ended_at, &rollout.id));
        let changes = ended.iter().filter(|rollout| is_change(rollout));
        Delivery {
            days,
            live: ended.iter().filter(|rollout| is_live(rollout)).count(),
            lead_time: Spread::of(
                ended
                    .iter()
                    .filter_map(|rollout| lead_time(rollout))
                    .collect(),
            ),
            changes: changes.clone().count(),
            failures: changes
                .filter(|rollout| is_bad(rollout) || was_rolled_back(rollout, &ended))
                .count(),
            time_to_restore: Spread::of(restores(&ended)),
            each_day: each_day(&ended, start, days),
        }
    }
}

impl Spread {
    fn of(lengths: Vec<TimeDelta>) -> Spread {
        let seconds: Vec<i64> = lengths.iter().map(TimeDelta::num_seconds).collect();
        let mut sorted = seconds.clone();
        sorted.sort_unstable();
        Spread {
            p50: percentile(&sorted, 50),
            p95: percentile(&sorted, 95),
            seconds,
        }
    }
}

/// The nearest rank: one of the values, never one between them.
fn percentile(sorted: &[i64], percent: usize) -> Option<i64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

fn window(history: &[Rollout], more: bool, now: DateTime<Utc>) -> i64 {
    match history.last() {
        Some(oldest) if more => (now - oldest.claimed_at).num_days().clamp(1, DAYS),
        _ => DAYS,
    }
}

fn is_live(rollout: &Rollout) -> bool {
    rollout.verdict == Some(Verdict::Succeeded)
}

fn is_bad(rollout: &Rollout) -> bool {
    matches!(
        rollout.verdict,
        Some(Verdict::RolledBack | Verdict::Failed | Verdict::TimedOut)
    )
}

fn is_rollback(rollout: &Rollout) -> bool {
    matches!(&rollout.cause, Cause::Request { action, .. } if action == "rollback")
}

fn is_change(rollout: &Rollout) -> bool {
    (is_live(rollout) || is_bad(rollout)) && !is_rollback(rollout)
}

/// What somebody asked for was pushed long before: only a push has a lead time.
fn lead_time(rollout: &Rollout) -> Option<TimeDelta> {
    let by_push = is_live(rollout) && rollout.cause == Cause::Push;
    let length = rollout.ended_at? - rollout.release.pushed_at;
    by_push.then(|| length.max(TimeDelta::zero()))
}

/// Whether the next that went live was a rollback, asked for because of this one.
fn was_rolled_back(rollout: &Rollout, ended: &[&Rollout]) -> bool {
    let mut later = ended.iter().filter(|it| it.ended_at > rollout.ended_at);
    let next = later.find(|it| is_live(it));
    is_live(rollout) && next.is_some_and(|it| is_rollback(it))
}

/// From each failure, or the request to take a release back, until something was live. What fails in between
/// belongs to the failure before it.
fn restores(ended: &[&Rollout]) -> Vec<TimeDelta> {
    let mut lengths = Vec::new();
    let mut broken_since = None;
    for rollout in ended {
        if is_bad(rollout) {
            broken_since = broken_since.or(rollout.ended_at);
        } else if is_live(rollout) {
            let asked = is_rollback(rollout).then_some(rollout.claimed_at);
            if let (Some(since), Some(at)) = (broken_since.take().or(asked), rollout.ended_at) {
                lengths.push(at - since);
            }
        }
    }
    lengths
}

fn each_day(ended: &[&Rollout], start: DateTime<Utc>, days: i64) -> Vec<Day> {
    (0..days)
        .map(|day| {
            let (from, until) = (
                start + TimeDelta::days(day),
                start + TimeDelta::days(day + 1),
            );
            let of_day = ended
                .iter()
                .filter(|rollout| rollout.ended_at.is_some_and(|at| at > from && at <= until));
            Day {
                live: of_day.clone().filter(|rollout| is_live(rollout)).count(),
                failed: of_day.filter(|rollout| is_bad(rollout)).count(),
            }
        })
        .collect()
}
