//! What to do about what was heard. Values in, values out; each answer says why.

use chrono::{DateTime, TimeDelta, Utc};
use ledger::table::{Head, Standing};
use ledger::{Digest, Release, Rollout, Stage, Target, Verdict};

use crate::event::{ImageAction, ImageScan};
use crate::policy;
use crate::scan::{self, Gate, Scan};

/// After so long a half-done rollout is carried on: longer than a function may run, shorter than Lambda waits
/// before it tries a failed event again.
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>
const ABANDONED: TimeDelta = TimeDelta::seconds(45);

/// Events come within seconds, if they come. What is younger is left to them.
const EVENT: TimeDelta = TimeDelta::seconds(60);

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Claim a rollout of this release and carry it out, in the place of any that is under way.
    RollOut(Release),
    /// Carry on with a rollout that was left half-done.
    Resume(Box<Rollout>),
    /// Write down that this release is not rolled out, and why. What is under way goes on.
    Refuse(Release, String),
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
    /// What its scan says.
    pub scan: Scan,
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

/// The tags of an image whose scan has come to its end: each is looked at again, as if it was pushed now.
pub fn scanned(scanned: ImageScan) -> Vec<Pushed> {
    let tags = scanned.image_tags.into_iter().flatten();
    tags.map(|tag| Pushed {
        repository: scanned.repository_name.clone(),
        digest: scanned.image_digest.clone(),
        tag,
    })
    .collect()
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
    if standing.head.held.is_some() {
        return ignore("the target is held; when it is released, the newest is rolled out");
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
        _ => match scan::gate(target.max_severity, &image.scan, now - image.pushed_at) {
            Gate::Open => Action::RollOut(release),
            Gate::Wait => ignore("it waits for the image's scan"),
            Gate::Shut { reason } => Action::Refuse(release, reason),
        },
    }
}

/// Whether somebody may have tried before what an event asks for, and died: Lambda tries it again after a minute. An event
/// that does not say when it was sent may be any.
pub fn may_have_been_tried(sent: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    sent.is_none_or(|sent| now - sent > ABANDONED)
}

/// What somebody asks to have rolled out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted<'a> {
    /// What runs or is on its way, again.
    Redeploy,
    /// The release before.
    Rollback,
    /// A release that was rolled out to this target before, whatever came of it.
    Named(&'a Digest),
    /// What another target runs, or the release of this digest that has succeeded there.
    Promote {
        /// Which, if not what runs there.
        digest: Option<&'a Digest>,
        /// Where the other target stands.
        from: &'a Head,
        /// The other target's rollouts, newest first.
        history: &'a [Rollout],
    },
}

/// What to do about a request, given the target's rollouts, newest first.
pub fn on_request(
    wanted: Wanted<'_>,
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
    // A new template comes with what is on its way, and must not put it out; what ECS gives up is not on its way.
    let coming = standing
        .in_flight
        .as_ref()
        .filter(|rollout| rollout.stage != Stage::Failing)
        .map(|rollout| &rollout.release);
    let (found, otherwise) = match wanted {
        Wanted::Redeploy => (coming.or(live), "nothing runs that could be redeployed"),
        Wanted::Rollback => (
            succeeded(history).find(|release| Some(&release.digest) != leaving),
            "there is no earlier release to go back to",
        ),
        // Whoever names a release has a reason, even for one that failed or was overtaken.
        Wanted::Named(digest) => (
            history
                .iter()
                .map(|rollout| &rollout.release)
                .find(|release| release.digest == *digest),
            "the release asked for was never rolled out to this target",
        ),
        Wanted::Promote {
            digest: None, from, ..
        } => (
            from.live.as_ref().map(|live| &live.release),
            "nothing runs on the target to promote from",
        ),
        Wanted::Promote {
            digest: Some(digest),
            history,
            ..
        } => (
            succeeded(history).find(|release| release.digest == *digest),
            "the release asked for has never succeeded on the target to promote from",
        ),
    };
    match found {
        Some(release) => Action::RollOut(release.clone()),
        None => ignore(otherwise),
    }
}

/// A digest or a request claims one rollout, whatever became of it.
pub(crate) fn on_claimed(rollout: &Rollout, now: DateTime<Utc>) -> Action {
    match (rollout.verdict, rollout.stage) {
        (Some(Verdict::Succeeded), _) => ignore("this release was rolled out before"),
        (Some(Verdict::RolledBack | Verdict::Failed | Verdict::TimedOut), _) => {
            ignore("this release failed before and stays out until somebody asks for it")
        }
        (Some(Verdict::Superseded | Verdict::Stopped), _) => {
            ignore("this release was overtaken before")
        }
        (None, Stage::Claimed) if now - rollout.claimed_at > ABANDONED => {
            Action::Resume(Box::new(rollout.clone()))
        }
        (None, Stage::Claimed) => ignore("this rollout is being carried out"),
        (None, _) => ignore("this release is on its way"),
    }
}

/// Of the tags in a repository, the newest that `target` follows, if it is not the `heard` one and its event has had its
/// time. A tag that the policy cannot read is not followed; the push of it has said so.
pub fn unheard(
    target: &Target,
    images: &[(String, TaggedImage)],
    heard: Option<&Release>,
    now: DateTime<Utc>,
) -> Option<Pushed> {
    let releases = images.iter().filter(|(tag, _)| {
        policy::follow(&target.tag_policy, tag).is_ok_and(|followed| followed.is_some())
    });
    let newest = releases
        .map(|(tag, image)| Release {
            repository: target.repository.clone(),
            digest: image.digest.clone(),
            tag: tag.clone(),
            commit: None,
            pushed_at: image.pushed_at,
        })
        .reduce(|newest, release| {
            let newer = policy::is_newer(&target.tag_policy, &release, &newest);
            let older = policy::is_newer(&target.tag_policy, &newest, &release);
            // ECR lists in no order, and of two that are equally new it must always be the same one.
            match (newer, older) {
                (true, true) if release.tag > newest.tag => release,
                (true, false) => release,
                _ => newest,
            }
        })?;
    let known = heard.is_some_and(|heard| heard.digest == newest.digest);
    (!known && now - newest.pushed_at > EVENT).then_some(Pushed {
        repository: newest.repository,
        digest: newest.digest,
        tag: newest.tag,
    })
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
