//! Every decision, a row each.

use super::*;
use crate::fixtures::{self, at, digest, release, target};
use ledger::RolloutId;
use ledger::table::{Head, Live};

fn rollout(letter: char, stage: Stage, verdict: Option<Verdict>) -> Rollout {
    Rollout {
        stage,
        verdict,
        ..fixtures::rollout(letter)
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
        repository: "team/web".into(),
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
            "to one that failed, by its name",
            Rollback,
            Some('d'),
            live('c'),
            "roll out main-d",
        ),
        (
            "to one that never ran here",
            Rollback,
            Some('f'),
            live('c'),
            "the release asked for was never rolled out to this target",
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
