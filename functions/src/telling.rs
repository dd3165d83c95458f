//! What GitHub is told of a rollout, and whether it still has to be told. Values in, values out.
//!
//! Records of the stream come twice, and come late. So what GitHub shows is compared with what it would be told: only what
//! is further along is news to it.

use ledger::{Rollout, RolloutId, Tasks, Verdict};

/// GitHub's limit on a description, in characters.
/// Source: <https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status>
const DESCRIPTION: usize = 140;

/// However many tasks there are, what a deployment shows of them moves so often at the most: GitHub takes 500 new things
/// an hour from one client.
/// Source: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>
const STEPS: u32 = 10;

/// What GitHub is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// How far along this is.
    pub step: Step,
    /// What the deployment is told.
    pub deployment: Said,
    /// What the commit is told; `None` if nothing that it was not told before.
    pub commit: Option<Said>,
}

/// A state in GitHub's words, and what it says within GitHub's limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Of a deployment `queued`, `in_progress`, `success`, `failure`, `error` or `inactive`; of a commit `pending`,
    /// `success`, `failure` or `error`.
    pub state: &'static str,
    /// The line beside it.
    pub description: String,
}

/// How far a rollout is along, as GitHub shows it: it only ever goes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Nobody has told ECS yet.
    Queued,
    /// So many tenths of its tasks run.
    InProgress(u32),
    /// It has its verdict.
    Ended,
}

/// What becomes of a telling, now that it is known what GitHub shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// GitHub does not show it.
    Yes,
    /// GitHub shows it.
    Shown,
    /// GitHub shows something later.
    Late,
}

/// What to tell when a rollout's item changed from `old` to `new`; `None` if nothing that GitHub shows moved on.
pub fn telling(old: Option<&Rollout>, new: &Rollout) -> Option<Telling> {
    let moved = old.is_none_or(|old| step(old) < step(new));
    moved.then(|| of(new))
}

/// Whether a telling at `step` is news to a deployment with these statuses, each a state and its description.
pub fn to_deployment<'a>(step: Step, shown: impl Iterator<Item = (&'a str, &'a str)>) -> News {
    let furthest = shown.map(|(state, description)| match state {
        "queued" | "pending" => Step::Queued,
        "in_progress" => Step::InProgress(tenths(counted(description).unwrap_or_default())),
        _ => Step::Ended,
    });
    compared(step, furthest.max())
}

/// Whether a telling of `rollout` at `step` is news to a commit whose newest status of this target has this state and leads
/// to this page. A commit can be rolled out again, and whatever a later rollout has said of it is later.
pub fn to_commit(step: Step, rollout: &RolloutId, newest: Option<(&str, &str)>) -> News {
    let newest = newest.and_then(|(state, page)| {
        let (_, service_and_id) = page.rsplit_once("/rollouts/")?;
        let of = service_and_id.rsplit('/').next()?;
        let shown = match state {
            "pending" => Step::Queued,
            _ => Step::Ended,
        };
        Some((of, shown))
    });
    match newest {
        Some((of, _)) if of > rollout.as_str() => News::Late,
        Some((of, shown)) if of == rollout.as_str() => compared(step, Some(shown)),
        _ => News::Yes,
    }
}

fn compared(step: Step, shown: Option<Step>) -> News {
    match shown {
        Some(shown) if shown > step => News::Late,
        Some(shown) if shown == step => News::Shown,
        _ => News::Yes,
    }
}

fn step(rollout: &Rollout) -> Step {
    match (rollout.verdict, &rollout.deployment) {
        (Some(_), _) => Step::Ended,
        (None, Some(_)) => Step::InProgress(tenths(rollout.tasks.unwrap_or_default())),
        (None, None) => Step::Queued,
    }
}

fn of(rollout: &Rollout) -> Telling {
    let target = &rollout.target;
    let (deployment, commit) = match (step(rollout), rollout.verdict) {
        (_, Some(verdict)) => {
            let (deployment, commit, description) = of_verdict(rollout, verdict);
            (
                said(deployment, &description),
                Some(said(commit, &description)),
            )
        }
        (Step::Queued, None) => (
            said("queued", &format!("About to roll out to {target}")),
            Some(said("pending", &format!("Rolling out to {target}"))),
        ),
        (_, None) => (said("in_progress", &progress(rollout)), None),
    };
    Telling {
        step: step(rollout),
        deployment,
        commit,
    }
}

fn said(state: &'static str, description: &str) -> Said {
    Said {
        state,
        description: fit(description),
    }
}

fn progress(rollout: &Rollout) -> String {
    match rollout.tasks {
        Some(Tasks { running, desired }) if running > 0 => {
            format!("{running} of {desired} tasks run")
        }
        _ => format!("Rolling out to {}", rollout.target),
    }
}

/// The tasks in a description that [`progress`] made.
fn counted(description: &str) -> Option<Tasks> {
    let (running, desired) = description.strip_suffix(" tasks run")?.split_once(" of ")?;
    Some(Tasks {
        running: running.parse().ok()?,
        desired: desired.parse().ok()?,
    })
}

fn tenths(tasks: Tasks) -> u32 {
    let Tasks { running, desired } = tasks;
    let running = u64::from(running.min(desired));
    let tenths = (running * u64::from(STEPS)).checked_div(u64::from(desired));
    // The first task is a step of its own, be it one of a thousand.
    match tenths {
        Some(0) if running > 0 => 1,
        Some(tenths) => u32::try_from(tenths).unwrap_or(STEPS),
        None => 0,
    }
}

/// GitHub knows no neutral commit state, and green would let a gate promote what never ran.
fn of_verdict(rollout: &Rollout, verdict: Verdict) -> (&'static str, &'static str, String) {
    let because = |words: &str| match &rollout.reason {
        Some(reason) => format!("{words}: {reason}"),
        None => words.to_owned(),
    };
    match verdict {
        Verdict::Succeeded => ("success", "success", format!("Live{}", took(rollout))),
        Verdict::RolledBack => ("failure", "failure", because("Rolled back")),
        Verdict::Failed => ("failure", "failure", because("Failed")),
        Verdict::Superseded => {
            let by = rollout.reason.as_deref().unwrap_or("by a newer release");
            ("inactive", "error", format!("Superseded {by}"))
        }
        Verdict::Stopped => ("error", "error", because("Stopped")),
        Verdict::TimedOut => ("error", "error", because("Timed out")),
    }
}

fn took(rollout: &Rollout) -> String {
    match rollout.ended_at {
        Some(ended) => {
            // Two functions on two machines: the later clock may be the slower one.
            let tenths = (ended - rollout.claimed_at).num_milliseconds().max(0) / 100;
            match tenths {
                0..100 => format!(" in {}.{} s", tenths / 10, tenths % 10),
                _ => format!(" in {} s", tenths / 10),
            }
        }
        None => String::new(),
    }
}

/// Cuts to GitHub's limit, and leaves out what GitHub refuses in a description: 4-byte characters.
/// Source: <https://github.com/ouzi-dev/commit-status-updater/issues/527>
fn fit(text: &str) -> String {
    let mut letters: Vec<char> = text
        .chars()
        .filter(|letter| letter.len_utf8() < 4)
        .collect();
    if letters.len() > DESCRIPTION {
        letters.truncate(DESCRIPTION - 1);
        letters.push('…');
    }
    letters.into_iter().collect()
}

#[cfg(test)]
mod tests;
