//! Targets and rollouts for tests.

use chrono::{DateTime, TimeDelta, Utc};
use ledger::table::{Head, Live};
use ledger::{
    Cause, Commit, DeploymentId, Digest, Release, RevisionArn, Rollout, RolloutId, Stage,
    TagPolicy, Target, Tasks, Told, Verdict,
};

use super::{State, States, state};

/// A moment after the epoch of these tests.
pub(crate) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).expect("time")
}

/// A target of `environment` that nothing was ever brought to.
pub(crate) fn target(name: &str, environment: &str) -> Target {
    Target {
        name: name.into(),
        environment: environment.into(),
        repository: "shop/web".into(),
        cluster: "main".into(),
        service: name.into(),
        container: "web".into(),
        template: format!("{name}-template"),
        family: name.into(),
        tag_policy: TagPolicy::Glob("main-*".into()),
        github_repository: "owner/web".into(),
        deadline_seconds: 900,
        max_severity: None,
        first_count: 1,
        environment_url: Some("https://shop.example".into()),
    }
}

/// An open rollout of `target` that was claimed `second` seconds after the epoch, with one of three tasks running.
pub(crate) fn open(target: &Target, second: i64) -> Rollout {
    let digest = Digest::parse(&format!("sha256:{second:064x}")).expect("digest");
    Rollout {
        id: RolloutId::new(at(second), &digest),
        target: target.name.clone(),
        service: target.key(),
        environment: target.environment.clone(),
        github_repository: target.github_repository.clone(),
        environment_url: target.environment_url.clone(),
        release: Release {
            repository: target.repository.clone(),
            digest,
            tag: format!("main-{second}"),
            commit: Commit::parse(&format!("{second:040x}")).ok(),
            pushed_at: at(second - 2),
        },
        cause: Cause::Push,
        request: None,
        stage: Stage::Deploying,
        revision: RevisionArn::parse(&format!(
            "arn:aws:ecs:eu-west-1:123456789012:task-definition/{}:{second}",
            target.family
        ))
        .ok(),
        deployment: DeploymentId::parse(&format!("ecs-svc/{second:019}")).ok(),
        rolls_back_to: None,
        reason: None,
        verdict: None,
        heard_at: Some(at(second) - TimeDelta::milliseconds(300)),
        claimed_at: at(second),
        registered_at: Some(at(second) + TimeDelta::milliseconds(400)),
        deployed_at: Some(at(second + 1)),
        first_task_at: Some(at(second + 20)),
        tasks: Some(Tasks {
            running: 1,
            desired: 3,
        }),
        failing_at: None,
        ended_at: None,
        deadline: at(second) + TimeDelta::seconds(i64::from(target.deadline_seconds)),
        told: Some(told(second, "in_progress", at(second + 2))),
    }
}

fn told(second: i64, state: &str, at: DateTime<Utc>) -> Told {
    Told {
        deployment: u64::try_from(second).unwrap_or_default(),
        state: state.to_owned(),
        at,
        trace: (state != "in_progress").then(|| format!("1-6b49d200-{second:024x}")),
    }
}

/// The same when it got its verdict, 72 seconds after its claim, and GitHub was told two seconds later.
pub(crate) fn ended(target: &Target, second: i64, verdict: Verdict) -> Rollout {
    let state = match verdict {
        Verdict::Succeeded => "success",
        _ => "failure",
    };
    Rollout {
        stage: Stage::Ended,
        verdict: Some(verdict),
        reason: (verdict != Verdict::Succeeded)
            .then(|| "container web exited 1: Essential container in task exited".to_owned()),
        ended_at: Some(at(second + 72)),
        told: Some(told(second, state, at(second + 74))),
        ..open(target, second)
    }
}

/// Where `target` stands after `history`, newest first.
pub(crate) fn after(target: &Target, history: Vec<Rollout>) -> State {
    let live = history
        .iter()
        .find(|it| it.verdict == Some(Verdict::Succeeded))
        .cloned();
    let in_flight = history.iter().find(|it| it.verdict.is_none()).cloned();
    let head = Head {
        live: live.as_ref().map(Live::of),
        in_flight: in_flight.as_ref().map(|rollout| rollout.id.clone()),
        ..Head::default()
    };
    state(target.clone(), head, history, live, in_flight)
}

/// What is seen when these are all targets.
pub(crate) fn states(targets: Vec<State>) -> States {
    States {
        targets,
        malformed: Vec::new(),
    }
}
