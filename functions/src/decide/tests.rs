//! Every decision, a row each.

use super::*;
use crate::fixtures::{self, at, digest, release, target};
use ledger::Severity;
use ledger::table::{Held, Live};

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

fn held() -> Standing {
    let mut held = standing(None);
    held.head.held = Some(Held {
        by: "ada".into(),
        why: None,
        at: at(0),
    });
    held
}

fn told(action: &Action) -> String {
    match action {
        Action::RollOut(release) => format!("roll out {}", release.tag),
        Action::Resume(rollout) => format!("resume {}", rollout.release.tag),
        Action::Refuse(release, reason) => format!("refuse {}: {reason}", release.tag),
        Action::Ignore { why } => (*why).to_owned(),
    }
}

#[test]
fn pushes() {
    let has = |letter, second| {
        Some(TaggedImage {
            digest: digest(letter),
            pushed_at: at(second),
            scan: Scan::Pending,
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
            "held",
            has('b', 5),
            held(),
            "the target is held; when it is released, the newest is rolled out",
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
fn a_scan_is_looked_at_where_the_target_says_so() {
    let mut gated = target();
    gated.max_severity = Some(Severity::High);
    let image = |findings: &[(Severity, i32)]| TaggedImage {
        digest: digest('b'),
        pushed_at: at(5),
        scan: Scan::Done(findings.iter().copied().collect()),
    };
    let pushed = Pushed {
        repository: "team/web".into(),
        digest: digest('b'),
        tag: "main-b".into(),
    };
    let decided = |image: &TaggedImage, standing: &Standing| {
        told(&on_push(&gated, &pushed, Some(image), standing, at(60)))
    };
    let (good, bad) = (
        image(&[(Severity::High, 1)]),
        image(&[(Severity::Critical, 1)]),
    );
    let unknown = TaggedImage {
        scan: Scan::Pending,
        ..good.clone()
    };
    let first = standing(None);
    assert_eq!(decided(&good, &first), "roll out main-b");
    assert_eq!(decided(&unknown, &first), "it waits for the image's scan");
    let refusal =
        "refuse main-b: the image's scan found 1 CRITICAL, and at most HIGH is let through";
    assert_eq!(decided(&bad, &first), refusal);
    // What is not to be rolled out anyway is not refused for its scan.
    let newer = standing(Some(release('a', 6)));
    assert_eq!(
        decided(&bad, &newer),
        "a newer release was rolled out before"
    );
}

#[test]
fn a_half_done_rollout_is_carried_on_only_when_it_was_abandoned() {
    let half = claimed(rollout('b', Stage::Claimed, None));
    let ask = |second| on_request(Wanted::Rollback, &half, &[], at(second));
    assert_eq!(told(&ask(45)), "this rollout is being carried out");
    assert_eq!(told(&ask(46)), "resume main-b");
}

#[test]
fn an_event_that_is_older_than_a_run_may_have_been_tried() {
    let rows = [(Some(0), 45, false), (Some(0), 46, true), (None, 0, true)];
    for (sent, now, expected) in rows {
        assert_eq!(may_have_been_tried(sent.map(at), at(now)), expected);
    }
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
            live: Some(Live::of(&fixtures::rollout(letter))),
            ..Head::default()
        },
        ..Standing::default()
    };
    let moving = |stage| Standing {
        in_flight: Some(rollout('e', stage, None)),
        ..live('c')
    };
    let (b, d, f) = (digest('b'), digest('d'), digest('f'));
    let staging = live('e').head;
    let runs_there = Wanted::Promote {
        digest: None,
        from: &staging,
        history: &[],
    };
    let nothing_there = Wanted::Promote {
        digest: None,
        from: &Head::default(),
        history: &[],
    };
    let of_there = |digest| Wanted::Promote {
        digest: Some(digest),
        from: &staging,
        history: &history,
    };
    use Wanted::{Named, Redeploy, Rollback};
    let never = "the release asked for was never rolled out to this target";
    let not_there = "the release asked for has never succeeded on the target to promote from";
    let rows = [
        (
            "back to the one before",
            Rollback,
            live('c'),
            "roll out main-b",
        ),
        (
            "forward again after going back",
            Rollback,
            live('b'),
            "roll out main-c",
        ),
        (
            "back to what still runs",
            Rollback,
            moving(Stage::Deploying),
            "roll out main-c",
        ),
        ("to a named one", Named(&b), live('c'), "roll out main-b"),
        (
            "to one that failed, by its name",
            Named(&d),
            live('c'),
            "roll out main-d",
        ),
        ("to one that never ran here", Named(&f), live('c'), never),
        ("what runs, again", Redeploy, live('c'), "roll out main-c"),
        (
            "what is on its way, again",
            Redeploy,
            moving(Stage::Deploying),
            "roll out main-e",
        ),
        (
            "what runs, while ECS goes back to it",
            Redeploy,
            moving(Stage::Failing),
            "roll out main-c",
        ),
        (
            "nothing runs",
            Redeploy,
            standing(None),
            "nothing runs that could be redeployed",
        ),
        (
            "what runs elsewhere",
            runs_there,
            live('c'),
            "roll out main-e",
        ),
        (
            "nothing runs elsewhere",
            nothing_there,
            live('c'),
            "nothing runs on the target to promote from",
        ),
        (
            "what ran elsewhere",
            of_there(&b),
            live('c'),
            "roll out main-b",
        ),
        ("what failed elsewhere", of_there(&d), live('c'), not_there),
    ];
    for (name, wanted, standing, expected) in rows {
        let action = on_request(wanted, &standing, &history, at(60));
        assert_eq!(told(&action), expected, "{name}");
    }
    let nothing = on_request(Rollback, &live('c'), &history[..2], at(60));
    assert_eq!(told(&nothing), "there is no earlier release to go back to");
}

#[test]
fn what_the_sweep_has_heard_of_nowhere_else() {
    let image = |letter, second| {
        let tagged = TaggedImage {
            digest: digest(letter),
            pushed_at: at(second),
            scan: Scan::Pending,
        };
        (format!("main-{letter}"), tagged)
    };
    let other = ("pr-7".to_owned(), image('f', 9).1);
    let images = [image('b', 2), image('c', 3), image('a', 1), other];
    let unheard = |images: &[_], heard: Option<Release>, second| {
        unheard(&target(), images, heard.as_ref(), at(second)).map(|pushed| pushed.tag)
    };
    let newest = Some("main-c".to_owned());
    assert_eq!(unheard(&images, None, 64), newest);
    assert_eq!(unheard(&images, Some(release('b', 2)), 64), newest);
    assert_eq!(unheard(&images, Some(release('c', 3)), 64), None, "heard");
    assert_eq!(unheard(&images, None, 63), None, "its event may come yet");
    assert_eq!(unheard(&[], None, 64), None, "nothing is there");
    // Whatever the order in which ECR lists them, it is the same one.
    let twins = [image('d', 3), image('c', 3)];
    let mut turned = twins.clone();
    turned.reverse();
    assert_eq!(unheard(&twins, None, 64), Some("main-d".to_owned()));
    assert_eq!(unheard(&turned, None, 64), Some("main-d".to_owned()));
}
