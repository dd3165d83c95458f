//! Values that several tests begin with.

use chrono::{DateTime, Utc};
use ledger::{Cause, Digest, Release, Rollout, TagPolicy, Target};

/// A second of a certain day.
pub(crate) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).expect("time")
}

/// The digest that consists of one letter.
pub(crate) fn digest(letter: char) -> Digest {
    Digest::parse(&format!("sha256:{}", letter.to_string().repeat(64))).expect("digest")
}

/// The release with such a digest, tagged `main-<letter>`.
pub(crate) fn release(letter: char, second: i64) -> Release {
    Release {
        repository: "team/web".into(),
        digest: digest(letter),
        tag: format!("main-{letter}"),
        commit: None,
        pushed_at: at(second),
    }
}

/// A target that follows `main-*` of `team/web`.
pub(crate) fn target() -> Target {
    Target {
        name: "web".into(),
        environment: "production".into(),
        repository: "team/web".into(),
        cluster: "main".into(),
        service: "web".into(),
        container: "web".into(),
        template: "web-template".into(),
        family: "web".into(),
        tag_policy: TagPolicy::Glob("main-*".into()),
        github_repository: "owner/web".into(),
        deadline_seconds: 900,
        max_severity: None,
        first_count: 1,
        environment_url: None,
    }
}

/// A rollout of such a release, just claimed.
pub(crate) fn rollout(letter: char) -> Rollout {
    Rollout::claimed(&target(), release(letter, 0), Cause::Push, at(0))
}
