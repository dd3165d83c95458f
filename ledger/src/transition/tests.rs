//! Every rule of the state machine, a row each.

use super::*;
use crate::{Cause, Digest, Release, RevisionArn, TagPolicy, Target};

const OLD: &str = "ecs-svc/1111111111111111111";
const OURS: &str = "ecs-svc/2222222222222222222";
const OTHER: &str = "ecs-svc/3333333333333333333";
const CRASH: &str = "container web exited 1: Essential container in task exited";

fn id(text: &str) -> DeploymentId {
    DeploymentId::parse(text).expect("deployment id")
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).expect("time")
}

fn claimed() -> Rollout {
    let target = Target {
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
        max_severity: None,
        first_count: 1,
        environment_url: None,
    };
    let release = Release {
        repository: "web".into(),
        digest: Digest::parse(&format!("sha256:{}", "a".repeat(64))).expect("digest"),
        tag: "main-1".into(),
        commit: None,
        pushed_at: at(0),
    };
    Rollout::claimed(&target, release, Cause::Push, at(0))
}

fn deploying() -> Rollout {
    Rollout {
        stage: Stage::Deploying,
        deployment: Some(id(OURS)),
        rolls_back_to: Some(id(OLD)),
        deployed_at: Some(at(1)),
        ..claimed()
    }
}

/// With the revision that it runs.
fn registered() -> Rollout {
    let revision = "arn:aws:ecs:eu-west-1:1:task-definition/web:7";
    Rollout {
        revision: Some(RevisionArn::parse(revision).expect("revision")),
        ..deploying()
    }
}

fn failing() -> Rollout {
    Rollout {
        stage: Stage::Failing,
        reason: Some(CRASH.into()),
        failing_at: Some(at(1)),
        ..deploying()
    }
}

fn first() -> Rollout {
    Rollout {
        rolls_back_to: None,
        ..deploying()
    }
}

fn failed(deployment: &str) -> Seen {
    Seen::Failed {
        deployment: id(deployment),
        reason: "tasks failed to start.".into(),
    }
}

fn stopped(deployment: &str) -> Seen {
    Seen::Trouble {
        deployment: Some(id(deployment)),
        reason: CRASH.into(),
    }
}

fn service(second: i64, deployments: &[(&str, bool, Progress)]) -> Seen {
    let deployments = deployments
        .iter()
        .map(|(name, primary, progress)| Deployment {
            id: id(name),
            definition: format!(
                "arn:aws:ecs:eu-west-1:1:task-definition/web:{}",
                &name[8..9]
            ),
            primary: *primary,
            tasks: Tasks::default(),
            progress: *progress,
            reason: "tasks failed to start.".into(),
        });
    Seen::Service {
        deployments: Some(deployments.collect()),
        gave_up: None,
        at: at(second),
    }
}

/// With ECS's history, which says that the revision of the rollout was given up.
fn given_up(second: i64, deployments: &[(&str, bool, Progress)]) -> Seen {
    match service(second, deployments) {
        Seen::Service {
            deployments, at, ..
        } => Seen::Service {
            deployments,
            gave_up: registered().revision,
            at,
        },
        other => other,
    }
}

fn told(rollout: &Rollout, seen: &Seen) -> String {
    match next(rollout, seen) {
        Next::Stay { why } => format!("stay: {why}"),
        Next::Note { reason } => format!("note: {reason}"),
        Next::Fail { reason } => format!("fail: {reason}"),
        Next::End { verdict, reason } => match reason {
            Some(reason) => format!("{verdict}: {reason}"),
            None => verdict.to_string(),
        },
    }
}

#[test]
fn events() {
    let breaker = "tasks failed to start.";
    let rows: Vec<(&str, Rollout, Seen, String)> = vec![
        (
            "our completion",
            deploying(),
            Seen::Completed(id(OURS)),
            "succeeded".into(),
        ),
        (
            "the old id completes late",
            deploying(),
            Seen::Completed(id(OLD)),
            "stay: another deployment completed".into(),
        ),
        (
            "our failure, with a way back",
            deploying(),
            failed(OURS),
            format!("fail: {breaker}"),
        ),
        (
            "our failure, the reason known",
            Rollout {
                reason: Some(CRASH.into()),
                ..deploying()
            },
            failed(OURS),
            format!("fail: {CRASH}"),
        ),
        (
            "our failure, nothing to go back to",
            first(),
            failed(OURS),
            format!("failed: {breaker}"),
        ),
        (
            "another's failure",
            deploying(),
            failed(OTHER),
            "stay: another deployment failed".into(),
        ),
        (
            "the old id completes after our failure",
            failing(),
            Seen::Completed(id(OLD)),
            format!("rolled_back: {CRASH}"),
        ),
        (
            "a third id completes after our failure",
            failing(),
            Seen::Completed(id(OTHER)),
            "stay: another deployment completed".into(),
        ),
        (
            "the rollback begins",
            failing(),
            Seen::InProgress(id(OLD)),
            "stay: a deployment is in progress".into(),
        ),
        (
            "a stopped task",
            deploying(),
            stopped(OURS),
            format!("note: {CRASH}"),
        ),
        (
            "the same again",
            failing(),
            stopped(OURS),
            "stay: the reason is known".into(),
        ),
        (
            "a stopped task of the old deployment",
            deploying(),
            stopped(OLD),
            "stay: a task of another deployment stopped".into(),
        ),
        (
            "an event before the id is stored",
            claimed(),
            Seen::Completed(id(OURS)),
            "stay: the rollout has no deployment yet".into(),
        ),
        (
            "after the verdict",
            Rollout {
                verdict: Some(Verdict::Superseded),
                ..deploying()
            },
            Seen::Completed(id(OURS)),
            "stay: the rollout has its verdict".into(),
        ),
    ];
    for (name, rollout, seen, expected) in rows {
        assert_eq!(told(&rollout, &seen), expected, "{name}");
    }
}

#[test]
fn asking_ecs() {
    use Progress::{Completed, Failed, InProgress};
    let gone = Seen::Service {
        deployments: None,
        gave_up: None,
        at: at(10),
    };
    let rows: Vec<(&str, Rollout, Seen, &str)> = vec![
        (
            "completed",
            deploying(),
            service(90, &[(OURS, true, Completed)]),
            "succeeded",
        ),
        (
            "in progress",
            deploying(),
            service(90, &[(OURS, true, InProgress), (OLD, false, Completed)]),
            "stay: the deployment is in progress",
        ),
        (
            "past its deadline",
            deploying(),
            service(901, &[(OURS, true, InProgress)]),
            "timed_out: no steady state before the deadline",
        ),
        (
            "failed, ECS goes back",
            deploying(),
            service(90, &[(OLD, true, InProgress), (OURS, false, Failed)]),
            "fail: tasks failed to start.",
        ),
        (
            "failed, nothing to go back to",
            first(),
            service(90, &[(OURS, true, Failed)]),
            "failed: tasks failed to start.",
        ),
        (
            "gone back, the failure known",
            failing(),
            service(90, &[(OLD, true, Completed)]),
            "rolled_back: container web exited 1: Essential container in task exited",
        ),
        (
            "gone back, every event lost",
            registered(),
            given_up(90, &[(OLD, true, Completed)]),
            "rolled_back: ECS went back to the deployment before",
        ),
        (
            "gone back at once, the failure known",
            failing(),
            service(2, &[(OLD, true, Completed)]),
            "rolled_back: container web exited 1: Essential container in task exited",
        ),
        (
            "going back",
            failing(),
            service(90, &[(OLD, true, InProgress)]),
            "stay: ECS is going back to the deployment before",
        ),
        (
            "going back for too long",
            failing(),
            service(901, &[(OLD, true, InProgress)]),
            "timed_out: container web exited 1: Essential container in task exited",
        ),
        (
            "asked too early",
            deploying(),
            service(30, &[(OLD, true, Completed)]),
            "stay: ECS may not show the deployment yet",
        ),
        (
            "somebody else's deployment",
            deploying(),
            service(90, &[(OTHER, true, InProgress), (OURS, false, InProgress)]),
            "stopped: ecs-svc/3333333333333333333 took its place, not by Couplet",
        ),
        (
            "an overtaken rollout's deployment, which is to give way",
            registered(),
            service(90, &[(OTHER, true, InProgress), (OURS, false, InProgress)]),
            "stay: another rollout has taken its place and is to give way",
        ),
        (
            "one of the family that does not give way",
            registered(),
            service(901, &[(OTHER, true, Completed)]),
            "timed_out: no steady state before the deadline",
        ),
        (
            "gone back from an overtaken rollout's, which is to give way to this one",
            registered(),
            service(90, &[(OLD, true, Completed)]),
            "stay: another rollout has taken its place and is to give way",
        ),
        (
            "gone back to another one than was thought, by ECS's history",
            registered(),
            given_up(90, &[(OTHER, true, Completed)]),
            "rolled_back: ECS went back to the deployment before",
        ),
        (
            "going back to another one than was thought",
            registered(),
            given_up(90, &[(OTHER, true, InProgress)]),
            "stay: ECS is going back to the deployment before",
        ),
        (
            "gone back to another one than was thought, the failure known",
            failing(),
            service(90, &[(OTHER, true, Completed)]),
            "rolled_back: container web exited 1: Essential container in task exited",
        ),
        (
            "failed, and a moment later still there",
            failing(),
            service(60, &[(OURS, true, Failed)]),
            "stay: ECS may be about to go back",
        ),
        (
            "failed, and there was nothing to go back to",
            failing(),
            service(61, &[(OURS, true, Failed)]),
            "failed: container web exited 1: Essential container in task exited",
        ),
        (
            "gone, and there was no release before",
            first(),
            service(90, &[]),
            "failed: ECS gave it up and had nothing to go back to",
        ),
        (
            "the service is gone",
            deploying(),
            gone,
            "stopped: the service is gone",
        ),
        (
            "claimed, never registered",
            claimed(),
            service(901, &[(OLD, true, Completed)]),
            "timed_out: the service was not updated before the deadline",
        ),
        (
            "claimed, still early",
            claimed(),
            service(90, &[(OLD, true, Completed)]),
            "stay: the rollout has no deployment yet",
        ),
    ];
    for (name, rollout, seen, expected) in rows {
        assert_eq!(told(&rollout, &seen), expected, "{name}");
    }
}
