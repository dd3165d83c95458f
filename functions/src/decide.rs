//! What to do about what was heard. Values in, values out; each answer says why.

use chrono::{DateTime, TimeDelta, Utc};
use ledger::table::Standing;
use ledger::{Digest, Release, Rollout, Stage, Target, Verdict};

use crate::event::{AskedAction, ImageAction};
use crate::policy;

/// After so long a half-done rollout is taken over: longer than a function may run, shorter than Lambda waits
/// before it tries a failed event again.
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>
const ABANDONED: TimeDelta = TimeDelta::seconds(45);

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Claim a rollout of this release and carry it out, in the place of any that is under way.
    RollOut(Release),
    /// Carry on with a rollout that was left half-done.
    Resume(Box<Rollout>),
    /// Nothing.
    Ignore {
        /// Why nothing, for the log.
        why: &'static str,
    },
}

/// What ECR says now about the tag that was pushed.
#[derive(Clone, Debug, PartialEq)]
pub struct TaggedImage {
    /// The image that has the tag.
    pub digest: Digest,
    /// When it was pushed.
    pub pushed_at: DateTime<Utc>,
}

/// An image that came and can be named.
#[derive(Clone, Debug, PartialEq)]
pub struct Pushed {
    /// The repository's name.
    pub repository: String,
    /// What came.
    pub digest: Digest,
    /// Its tag.
    pub tag: String,
}

/// Whether the event says that an image came which a target could follow; otherwise why not.
pub fn pushed(action: ImageAction) -> Result<Pushed, &'static str> {
    if !matches!(action.action_type.as_str(), "PUSH" | "REPLICATE") {
        return Err("not a push");
    }
    if action.result != "SUCCESS" {
        return Err("the push failed");
    }
    let tag = action.image_tag.filter(|tag| !tag.is_empty());
    let (Some(tag), Some(digest)) = (tag, action.image_digest) else {
        return Err("an untagged part of a multi-architecture push");
    };
    Ok(Pushed {
        repository: action.repository_name,
        digest,
        tag,
    })
}

/// What to do about a pushed image whose tag the target follows. The push is a hint that something may have
/// changed: `image` and `standing` are what ECR and the ledger say now.
pub fn on_push(
    target: &Target,
    pushed: &Pushed,
    image: Option<&TaggedImage>,
    standing: &Standing,
    now: DateTime<Utc>,
) -> Action {
    let Some(image) = image else {
        return ignore("the image is no longer in the repository");
    };
    if image.digest != pushed.digest {
        return ignore("the tag has moved on to another image");
    }
    if let Some(rollout) = &standing.claimed {
        return on_claimed(rollout, now);
    }
    let release = Release {
        repository: pushed.repository.clone(),
        digest: pushed.digest.clone(),
        tag: pushed.tag.clone(),
        commit: None,
        pushed_at: image.pushed_at,
    };
    match &standing.head.newest {
        Some(newest) if !policy::is_newer(&target.tag_policy, &release, newest) => {
            ignore("a newer release was rolled out before")
        }
        _ => Action::RollOut(release),
    }
}

/// What to do about a request, given the target's rollouts, newest first.
pub fn on_request(
    action: AskedAction,
    digest: Option<&Digest>,
    standing: &Standing,
    history: &[Rollout],
    now: DateTime<Utc>,
) -> Action {
    if let Some(rollout) = &standing.claimed {
        return on_claimed(rollout, now);
    }
    let live = standing.head.live.as_ref().map(|live| &live.release);
    // While a newer release is on its way, "back" means to what still runs.
    let leaving = match &standing.in_flight {
        Some(rollout) => Some(&rollout.release.digest),
        None => live.map(|release| &release.digest),
    };
    let found = match (action, digest) {
        (AskedAction::Redeploy, None) => live,
        // Whoever names a release has a reason, even for one that failed or was overtaken.
        (_, Some(digest)) => history
            .iter()
            .map(|rollout| &rollout.release)
            .find(|release| release.digest == *digest),
        (AskedAction::Rollback, None) => {
            succeeded(history).find(|release| Some(&release.digest) != leaving)
        }
    };
    match found {
        Some(release) => Action::RollOut(release.clone()),
        None if digest.is_some() => {
            ignore("the release asked for was never rolled out to this target")
        }
        None if action == AskedAction::Redeploy => ignore("nothing runs that could be redeployed"),
        None => ignore("there is no earlier release to go back to"),
    }
}

/// A digest or a request claims one rollout, whatever became of it.
fn on_claimed(rollout: &Rollout, now: DateTime<Utc>) -> Action {
    match (rollout.verdict, rollout.stage) {
        (Some(Verdict::Succeeded), _) => ignore("this release was rolled out before"),
        (Some(Verdict::RolledBack | Verdict::Failed | Verdict::TimedOut), _) => {
            ignore("this release failed before and stays out until somebody asks for it")
        }
        (Some(Verdict::Superseded | Verdict::Stopped), _) => {
            ignore("this release was overtaken before")
        }
        (None, Stage::Claimed | Stage::Registered) if now - rollout.driven_at > ABANDONED => {
            Action::Resume(Box::new(rollout.clone()))
        }
        (None, Stage::Claimed | Stage::Registered) => ignore("this rollout is being carried out"),
        (None, _) => ignore("this release is on its way"),
    }
}

fn succeeded(history: &[Rollout]) -> impl Iterator<Item = &Release> {
    history
        .iter()
        .filter(|rollout| rollout.verdict == Some(Verdict::Succeeded))
        .map(|rollout| &rollout.release)
}

fn ignore(why: &'static str) -> Action {
    Action::Ignore { why }
}

#[cfg(test)]
mod tests;
