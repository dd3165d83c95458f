//! A commit and what is said about it.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A commit on the default branch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// All 40 hexadecimal digits.
    pub sha: String,
    /// What its author wrote.
    pub message: String,
    /// When it was pushed.
    pub pushed_at: DateTime<Utc>,
    /// Oldest first.
    pub statuses: Vec<CommitStatus>,
}

/// What one system says about a commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommitStatus {
    /// Larger than every id before it.
    pub id: u64,
    /// How the commit fares.
    pub state: CommitState,
    /// The line beside it.
    pub description: Option<String>,
    /// Which system speaks; of each context the newest status counts.
    pub context: String,
    /// Where the line leads to.
    pub target_url: Option<String>,
    /// When it was posted.
    pub created_at: DateTime<Utc>,
}

/// The four words of a commit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "GitHub's own words")]
pub enum CommitState {
    Error,
    Failure,
    Pending,
    Success,
}

impl fmt::Display for CommitState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl Commit {
    /// The one state for all contexts together.
    /// Source: <https://docs.github.com/rest/commits/statuses#get-the-combined-status-for-a-specific-reference>
    pub fn combined(&self) -> CommitState {
        let latest = self.latest();
        let any = |states: &[CommitState]| latest.iter().any(|it| states.contains(&it.state));
        if any(&[CommitState::Error, CommitState::Failure]) {
            CommitState::Failure
        } else if latest.is_empty() || any(&[CommitState::Pending]) {
            CommitState::Pending
        } else {
            CommitState::Success
        }
    }

    /// The newest status of each context, the newest of all first.
    pub(super) fn latest(&self) -> Vec<&CommitStatus> {
        let mut latest: Vec<&CommitStatus> = Vec::new();
        for status in self.statuses.iter().rev() {
            if !latest.iter().any(|it| it.is_of(&status.context)) {
                latest.push(status);
            }
        }
        latest
    }
}

impl CommitStatus {
    /// A context is "case-insensitive".
    /// Source: <https://docs.github.com/rest/commits/statuses#create-a-commit-status>
    pub(super) fn is_of(&self, context: &str) -> bool {
        self.context.to_lowercase() == context.to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combined_follows_the_newest_status_of_each_context() {
        use CommitState::{Error, Failure, Pending, Success};
        let cases: [(&[(&str, CommitState)], CommitState); 8] = [
            (&[], Pending),
            (&[("a", Success)], Success),
            (&[("a", Success), ("b", Pending)], Pending),
            (&[("a", Success), ("b", Failure)], Failure),
            (&[("a", Pending), ("b", Error)], Failure),
            (&[("a", Failure), ("a", Success)], Success),
            (&[("a", Failure), ("A", Success)], Success),
            (&[("a", Success), ("a", Pending)], Pending),
        ];
        for (posted, combined) in cases {
            assert_eq!(commit(posted).combined(), combined, "{posted:?}");
        }
    }

    #[test]
    fn latest_is_newest_first() {
        let commit = commit(&[
            ("a", CommitState::Pending),
            ("b", CommitState::Pending),
            ("a", CommitState::Success),
        ]);
        let ids: Vec<u64> = commit.latest().iter().map(|it| it.id).collect();
        assert_eq!(ids, [2, 1]);
    }

    fn commit(posted: &[(&str, CommitState)]) -> Commit {
        let status = |(id, (context, state)): (usize, &(&str, CommitState))| CommitStatus {
            id: id as u64,
            state: *state,
            description: None,
            context: (*context).to_owned(),
            target_url: None,
            created_at: DateTime::UNIX_EPOCH,
        };
        Commit {
            sha: "a".repeat(40),
            message: String::new(),
            pushed_at: DateTime::UNIX_EPOCH,
            statuses: posted.iter().enumerate().map(status).collect(),
        }
    }
}
