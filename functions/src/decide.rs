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
        (_, Some(digest)) => succeeded(history).find(|release| release.digest == *digest),
        (AskedAction::Rollback, None) => {
            succeeded(history).find(|release| Some(&release.digest) != leaving)
        }
    };
    match found {
        Some(release) => Action::RollOut(release.clone()),
        None if digest.is_some() => ignore("the release asked for never succeeded on this target"),
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
mod tests {
    use super::*;
    use ledger::table::{Head, Live};
    use ledger::{Cause, RolloutId, ServiceKey, TagPolicy};

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).expect("time")
    }

    fn digest(letter: char) -> Digest {
        Digest::parse(&format!("sha256:{}", letter.to_string().repeat(64))).expect("digest")
    }

    fn release(letter: char, second: i64) -> Release {
        Release {
            repository: "web".into(),
            digest: digest(letter),
            tag: format!("main-{letter}"),
            commit: None,
            pushed_at: at(second),
        }
    }

    fn target() -> Target {
        Target {
            name: "web".into(),
            environment: "production".into(),
            repository: "web".into(),
            cluster: "main".into(),
            service: "web".into(),
            container: "web".into(),
            template: "web-template".into(),
            family: "web".into(),
            tag_policy: TagPolicy::Glob("main-*".into()),
            github_repository: "owner/web".into(),
            deadline_seconds: 900,
            first_count: 1,
            environment_url: None,
        }
    }

    fn rollout(letter: char, stage: Stage, verdict: Option<Verdict>) -> Rollout {
        Rollout {
            id: RolloutId::new(at(0), &digest(letter)),
            target: "web".into(),
            service: ServiceKey::new("main", "web"),
            environment: "production".into(),
            github_repository: "owner/web".into(),
            environment_url: None,
            release: release(letter, 0),
            cause: Cause::Push,
            stage,
            revision: None,
            deployment: None,
            rolls_back_to: None,
            reason: None,
            verdict,
            claimed_at: at(0),
            driven_at: at(0),
            deployed_at: None,
            ended_at: None,
            deadline: at(900),
        }
    }

    fn ended(letter: char, verdict: Verdict) -> Rollout {
        rollout(letter, Stage::Ended, Some(verdict))
    }

    fn standing(newest: Option<Release>) -> Standing {
        Standing {
            head: Head {
                newest,
                ..Head::default()
            },
            ..Standing::default()
        }
    }

    fn claimed(rollout: Rollout) -> Standing {
        Standing {
            claimed: Some(rollout),
            ..standing(None)
        }
    }

    fn told(action: &Action) -> String {
        match action {
            Action::RollOut(release) => format!("roll out {}", release.tag),
            Action::Resume(rollout) => format!("resume {}", rollout.release.tag),
            Action::Ignore { why } => (*why).to_owned(),
        }
    }

    #[test]
    fn pushes() {
        let has = |letter, second| {
            Some(TaggedImage {
                digest: digest(letter),
                pushed_at: at(second),
            })
        };
        let failed = "this release failed before and stays out until somebody asks for it";
        let rows = [
            ("the first", has('b', 5), standing(None), "roll out main-b"),
            (
                "a newer",
                has('b', 5),
                standing(Some(release('a', 4))),
                "roll out main-b",
            ),
            (
                "within one second",
                has('b', 5),
                standing(Some(release('a', 5))),
                "roll out main-b",
            ),
            (
                "an older",
                has('b', 5),
                standing(Some(release('a', 6))),
                "a newer release was rolled out before",
            ),
            (
                "gone",
                None,
                standing(None),
                "the image is no longer in the repository",
            ),
            (
                "moved",
                has('c', 5),
                standing(None),
                "the tag has moved on to another image",
            ),
            (
                "live",
                has('b', 5),
                claimed(ended('b', Verdict::Succeeded)),
                "this release was rolled out before",
            ),
            (
                "rolled back",
                has('b', 5),
                claimed(ended('b', Verdict::RolledBack)),
                failed,
            ),
            (
                "failed",
                has('b', 5),
                claimed(ended('b', Verdict::Failed)),
                failed,
            ),
            (
                "timed out",
                has('b', 5),
                claimed(ended('b', Verdict::TimedOut)),
                failed,
            ),
            (
                "superseded",
                has('b', 5),
                claimed(ended('b', Verdict::Superseded)),
                "this release was overtaken before",
            ),
            (
                "deploying",
                has('b', 5),
                claimed(rollout('b', Stage::Deploying, None)),
                "this release is on its way",
            ),
            (
                "claimed just now",
                has('b', 5),
                claimed(rollout('b', Stage::Claimed, None)),
                "resume main-b",
            ),
        ];
        let pushed = Pushed {
            repository: "web".into(),
            digest: digest('b'),
            tag: "main-b".into(),
        };
        for (name, image, standing, expected) in rows {
            let action = on_push(&target(), &pushed, image.as_ref(), &standing, at(60));
            assert_eq!(told(&action), expected, "{name}");
        }
    }

    #[test]
    fn a_half_done_rollout_is_taken_over_only_when_it_was_abandoned() {
        let half = claimed(rollout('b', Stage::Registered, None));
        let ask = |second| on_request(AskedAction::Rollback, None, &half, &[], at(second));
        assert_eq!(told(&ask(45)), "this rollout is being carried out");
        assert_eq!(told(&ask(46)), "resume main-b");
    }

    #[test]
    fn requests() {
        let history = [
            ended('d', Verdict::RolledBack),
            ended('c', Verdict::Succeeded),
            ended('b', Verdict::Succeeded),
        ];
        let live = |letter| Standing {
            head: Head {
                live: Some(Live {
                    rollout: RolloutId::new(at(0), &digest(letter)),
                    release: release(letter, 0),
                }),
                ..Head::default()
            },
            ..Standing::default()
        };
        let moving = Standing {
            in_flight: Some(rollout('e', Stage::Deploying, None)),
            ..live('c')
        };
        use AskedAction::{Redeploy, Rollback};
        let rows = [
            (
                "back to the one before",
                Rollback,
                None,
                live('c'),
                "roll out main-b",
            ),
            (
                "forward again after going back",
                Rollback,
                None,
                live('b'),
                "roll out main-c",
            ),
            (
                "back to what still runs",
                Rollback,
                None,
                moving,
                "roll out main-c",
            ),
            (
                "to a named one",
                Rollback,
                Some('b'),
                live('c'),
                "roll out main-b",
            ),
            (
                "to one that failed",
                Rollback,
                Some('d'),
                live('c'),
                "the release asked for never succeeded on this target",
            ),
            (
                "what runs, again",
                Redeploy,
                None,
                live('c'),
                "roll out main-c",
            ),
            (
                "nothing runs",
                Redeploy,
                None,
                standing(None),
                "nothing runs that could be redeployed",
            ),
        ];
        for (name, action, named, standing, expected) in rows {
            let named = named.map(digest);
            let action = on_request(action, named.as_ref(), &standing, &history, at(60));
            assert_eq!(told(&action), expected, "{name}");
        }
        let nothing = on_request(Rollback, None, &live('c'), &history[..2], at(60));
        assert_eq!(told(&nothing), "there is no earlier release to go back to");
    }
}
