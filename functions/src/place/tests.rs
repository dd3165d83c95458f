//! What is put back, what is followed, and what is left alone, a row each.

use super::*;
use crate::fixtures::{self, at, target};
use ledger::table::{Head, Live};
use ledger::{Rollout, RolloutId, Tasks};

fn revision(letter: char) -> RevisionArn {
    let number = letter as u32;
    let arn = format!("arn:aws:ecs:eu-west-1:1:task-definition/web:{number}");
    RevisionArn::parse(&arn).expect("revision")
}

fn id(letter: char) -> DeploymentId {
    DeploymentId::parse(&format!("ecs-svc/{letter}")).expect("deployment id")
}

/// The rollout of this letter, claimed in the order of the letters.
fn rollout(letter: char, stage: Stage, verdict: Option<Verdict>) -> Rollout {
    Rollout {
        id: RolloutId::parse(&letter.to_string()).expect("rollout id"),
        stage,
        verdict,
        revision: Some(revision(letter)),
        deployment: Some(id(letter)),
        ..fixtures::rollout(letter)
    }
}

fn ended(letter: char, verdict: Verdict) -> Rollout {
    rollout(letter, Stage::Ended, Some(verdict))
}

fn open(letter: char, stage: Stage) -> Rollout {
    Rollout {
        rolls_back_to: Some(id('b')),
        ..rollout(letter, stage, None)
    }
}

/// `live` has succeeded, and perhaps another is open.
fn standing(live: char, in_flight: Option<Rollout>) -> Standing {
    let live = ended(live, Verdict::Succeeded);
    Standing {
        head: Head {
            version: 7,
            newest: None,
            live: Some(Live::of(&live)),
            in_flight: in_flight.as_ref().map(|rollout| rollout.id.clone()),
            held: None,
        },
        in_flight,
        claimed: None,
        answered: false,
    }
}

fn service(letter: char, family: &str, progress: Progress) -> Service {
    let number = letter as u32;
    Service {
        active: true,
        deployed_by: "ECS".into(),
        desired_count: 1,
        rolls_back: true,
        deployments: vec![Deployment {
            id: id(letter),
            definition: format!("arn:aws:ecs:eu-west-1:1:task-definition/{family}:{number}"),
            primary: true,
            tasks: Tasks::default(),
            progress,
            reason: String::new(),
        }],
    }
}

fn stranger(letter: char, progress: Progress, rollout: Option<Rollout>) -> Stranger {
    Stranger {
        deployment: service(letter, "web", progress).deployments[0].clone(),
        gave_up: None,
        rollout,
    }
}

#[test]
fn what_is_unexpected() {
    let none = standing('b', None);
    let some = standing('b', Some(open('d', Stage::Deploying)));
    let rows = [
        ("what is live", &none, 'b', "web", false),
        ("an older one", &none, 'a', "web", true),
        ("what is on its way", &some, 'd', "web", false),
        (
            "what is live while another is on its way",
            &some,
            'b',
            "web",
            true,
        ),
        ("Terraform's", &some, 'a', "web-template", false),
        ("somebody else's", &some, 'a', "other", false),
    ];
    for (name, standing, runs, family, expected) in rows {
        let service = service(runs, family, Progress::Completed);
        let found = unexpected(&target(), standing, &service);
        assert_eq!(found.is_some(), expected, "{name}");
    }
}

#[test]
fn what_the_sweep_puts_right() {
    use Progress::{Completed, Failed, InProgress};
    let open = |stage| standing('b', Some(open('d', stage)));
    let half = open(Stage::Claimed);
    let (deploying, failing, none) = (
        open(Stage::Deploying),
        open(Stage::Failing),
        standing('c', None),
    );
    let overtaken = |letter| Some(ended(letter, Verdict::Superseded));
    let given_up = Stranger {
        gave_up: Some(revision('d')),
        ..stranger('c', InProgress, None)
    };
    let rows = [
        ("half-done", &half, None, 46, "resume main-d"),
        ("in hand", &half, None, 45, "nothing"),
        ("as it should be", &deploying, None, 90, "nothing"),
        (
            "an overtaken one in the place of the open one",
            &deploying,
            Some(stranger('c', InProgress, None)),
            90,
            "put back for ecs-svc/c",
        ),
        (
            "ECS went back from an overtaken one to what was live",
            &deploying,
            Some(stranger('b', Completed, None)),
            90,
            "put back for ecs-svc/b",
        ),
        ("ECS went back", &deploying, Some(given_up), 90, "nothing"),
        (
            "ECS goes back, the failure known",
            &failing,
            Some(stranger('c', InProgress, None)),
            90,
            "nothing",
        ),
        (
            "what took the place has failed itself",
            &failing,
            Some(stranger('c', Failed, None)),
            90,
            "put back for ecs-svc/c",
        ),
        (
            "an overtaken one in the place of the live one",
            &none,
            Some(stranger('b', Completed, overtaken('b'))),
            90,
            "put back for ecs-svc/b",
        ),
        (
            "somebody went back by hand",
            &none,
            Some(stranger(
                'a',
                Completed,
                Some(ended('a', Verdict::Succeeded)),
            )),
            90,
            "nothing",
        ),
        (
            "a newer one that was overtaken and runs",
            &none,
            Some(stranger('d', Completed, overtaken('d'))),
            90,
            "nothing",
        ),
        (
            "it has failed, and ECS had nothing to go back to",
            &none,
            Some(stranger('d', Failed, Some(ended('d', Verdict::RolledBack)))),
            90,
            "put back for ecs-svc/d",
        ),
    ];
    for (name, standing, stranger, second, expected) in rows {
        let told = match repair(standing, stranger.as_ref(), true, at(second)) {
            Repair::Resume(rollout) => format!("resume {}", rollout.release.tag),
            Repair::PutBack(deployment) => format!("put back for {deployment}"),
            Repair::Nothing => "nothing".into(),
        };
        assert_eq!(told, expected, "{name}");
    }
    let failed = stranger('d', Failed, None);
    assert_eq!(
        repair(&none, Some(&failed), false, at(90)),
        Repair::Nothing,
        "ECS is not to go back by itself"
    );
}

#[test]
fn what_is_put_back() {
    let rows = [
        (
            "the open one",
            Some(open('d', Stage::Deploying)),
            "open main-d",
        ),
        (
            "what ECS gives up is not",
            Some(open('d', Stage::Failing)),
            "live",
        ),
        ("the live one", None, "live"),
        (
            "the one that is about to come",
            Some(open('d', Stage::Claimed)),
            "open main-d",
        ),
    ];
    for (name, in_flight, expected) in rows {
        let told = match rightful(&standing('b', in_flight)) {
            Rightful::Open(newer, _) => format!("open {}", newer.release.tag),
            Rightful::Live(found) => {
                assert_eq!(found, revision('b'), "{name}");
                "live".into()
            }
            Rightful::Nothing => "nothing".into(),
        };
        assert_eq!(told, expected, "{name}");
    }
    assert_eq!(rightful(&Standing::default()), Rightful::Nothing);
}

#[test]
fn what_is_live_after_all() {
    use Progress::{Completed, InProgress};
    let late = || Some(ended('c', Verdict::TimedOut));
    let none = standing('b', None);
    let rows = [
        (
            "completed after its deadline",
            &none,
            stranger('c', Completed, late()),
            true,
        ),
        ("not yet", &none, stranger('c', InProgress, late()), false),
        (
            "older than what was live",
            &none,
            stranger('a', Completed, Some(ended('a', Verdict::Superseded))),
            false,
        ),
        (
            "nobody knows it",
            &none,
            stranger('c', Completed, None),
            false,
        ),
        (
            "while another is open",
            &standing('b', Some(open('d', Stage::Deploying))),
            stranger('c', Completed, late()),
            false,
        ),
    ];
    for (name, standing, stranger, expected) in rows {
        let found = follows(standing, &stranger);
        assert_eq!(found.is_some(), expected, "{name}");
    }
    let first = stranger('c', Completed, late());
    assert!(
        follows(&Standing::default(), &first).is_some(),
        "the first of all"
    );
}

#[test]
fn what_ecs_would_go_back_to() {
    let superseding = standing('b', Some(open('d', Stage::Deploying)));
    let superseding = goes_back_to(&superseding);
    assert_eq!(superseding, Some(id('b')), "as the superseded one");
    assert_eq!(goes_back_to(&standing('c', None)), Some(id('c')), "live");
    assert_eq!(goes_back_to(&Standing::default()), None, "the first of all");
}
