//! What GitHub is told of a rollout. Values in, values out.

use ledger::{Rollout, Verdict};

/// GitHub's limit on a description, in characters.
/// Source: <https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status>
const DESCRIPTION: usize = 140;

/// What GitHub is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// The state of the deployment: `in_progress`, `success`, `failure`, `error` or `inactive`.
    pub deployment: &'static str,
    /// The state of the commit: `pending`, `success`, `failure` or `error`.
    pub commit: &'static str,
    /// What both say, within GitHub's limits.
    pub description: String,
}

impl Telling {
    /// Whether this would be said after something later: a record that comes twice must not turn a finished
    /// deployment back.
    pub fn comes_after<'a>(&self, mut shown: impl Iterator<Item = &'a str>) -> bool {
        self.deployment == "in_progress" && shown.any(|state| state != "in_progress")
    }
}

/// What to tell when a rollout's item changed from `old` to `new`; `None` if nothing that GitHub shows changed.
pub fn telling(old: Option<&Rollout>, new: &Rollout) -> Option<Telling> {
    let told = match (old, new.verdict) {
        (Some(old), verdict) if old.verdict == verdict => return None,
        (_, Some(verdict)) => of_verdict(new, verdict),
        (_, None) => (
            "in_progress",
            "pending",
            format!("Rolling out to {}", new.target),
        ),
    };
    let (deployment, commit, description) = told;
    Some(Telling {
        deployment,
        commit,
        description: fit(&description),
    })
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
mod tests {
    use super::*;
    use crate::fixtures::{at, rollout};

    #[test]
    fn nothing_takes_less_than_no_time() {
        let mut rollout = rollout('a');
        for (second, told) in [(-2, " in 0.0 s"), (2, " in 2.0 s"), (75, " in 75 s")] {
            rollout.ended_at = Some(at(second));
            assert_eq!(took(&rollout), told);
        }
    }

    #[test]
    fn descriptions_fit_githubs_limits() {
        assert_eq!(fit("Rolled back: 💥 exited 1"), "Rolled back:  exited 1");
        let long = fit(&"é".repeat(200));
        assert_eq!(long.chars().count(), 140);
        assert!(long.ends_with("é…"));
        assert_eq!(fit(&"x".repeat(140)), "x".repeat(140));
    }
}
