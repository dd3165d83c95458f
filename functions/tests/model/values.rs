//! The model's numbers as the real values, and back.

use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use functions::ecs::Service;
use ledger::table::{Held, Live, Standing};
use ledger::transition;
use ledger::{Cause, DeploymentId, Digest, Release, RevisionArn, RolloutId, TagPolicy, Target};

use super::config::Config;
use super::state::{
    Dep, Deployment, Id, Image, Key, Progress, Revision, Rollout, Stage, State, Verdict, View,
};

/// It is always now. What happened before is as far back as the flags of the clock say.
pub(crate) static NOW: LazyLock<DateTime<Utc>> = LazyLock::new(|| at(100_000));

/// The only target.
pub(crate) fn target(config: &Config) -> Target {
    Target {
        name: "web".into(),
        environment: "production".into(),
        repository: "web".into(),
        cluster: "main".into(),
        service: "web".into(),
        container: "web".into(),
        template: "web-template".into(),
        family: "web".into(),
        tag_policy: match config.semver {
            true => TagPolicy::Semver("*".into()),
            false => TagPolicy::Glob("*".into()),
        },
        github_repository: "owner/web".into(),
        deadline_seconds: 600,
        max_severity: None,
        first_count: 1,
        environment_url: None,
    }
}

/// What a claim writes.
pub(crate) fn claimed(config: &Config, key: Key, image: Image) -> Rollout {
    let release = release(config, image);
    let real = ledger::Rollout::claimed(&target(config), release, cause(key), *NOW);
    assert!(real.claimed_at == *NOW && real.deadline > *NOW);
    Rollout {
        key,
        image: image_of(&real.release.digest),
        stage: match real.stage {
            ledger::Stage::Claimed => Stage::Claimed,
            ledger::Stage::Deploying => Stage::Deploying,
            ledger::Stage::Failing => Stage::Failing,
            ledger::Stage::Ended => Stage::Ended,
        },
        revision: None,
        deployment: None,
        rolls_back_to: None,
        verdict: real.verdict.map(verdict_of),
        abandoned: false,
        settled: false,
        late: false,
        verdicts: 0,
        completed: false,
        went_back: false,
        got_stuck: false,
    }
}

/// What `Ledger::standing` reads, the claim item aside.
pub(crate) fn standing(config: &Config, state: &State, claimed: Option<Id>) -> Standing {
    let head = &state.head;
    let read = |id| rollout(config, id, state.rollout(id));
    Standing {
        head: ledger::table::Head {
            version: head.version.into(),
            newest: head.newest.map(|image| release(config, image)),
            live: head.live.map(|id| Live::of(&read(id))),
            in_flight: head.in_flight.map(rollout_id),
            held: head.held.then(|| Held {
                by: "ada".into(),
                why: None,
                at: *NOW,
            }),
        },
        in_flight: head.in_flight.map(&read),
        claimed: claimed.map(&read),
        answered: false,
    }
}

/// The rollouts, newest first.
pub(crate) fn history(config: &Config, rollouts: &[Rollout]) -> Vec<ledger::Rollout> {
    let rollouts = rollouts.iter().enumerate().rev();
    rollouts
        .map(|(id, it)| rollout(config, id as Id, it))
        .collect()
}

pub(crate) fn rollout(config: &Config, id: Id, ours: &Rollout) -> ledger::Rollout {
    let release = release(config, ours.image);
    let mut real = ledger::Rollout::claimed(&target(config), release, cause(ours.key), *NOW);
    real.id = rollout_id(id);
    real.stage = match ours.stage {
        Stage::Claimed => ledger::Stage::Claimed,
        Stage::Deploying => ledger::Stage::Deploying,
        Stage::Failing => ledger::Stage::Failing,
        Stage::Ended => ledger::Stage::Ended,
    };
    let arn = |revision| RevisionArn::parse(&revision_arn(revision)).expect("revision");
    real.revision = ours.revision.map(arn);
    real.deployment = ours.deployment.map(deployment_id);
    real.rolls_back_to = ours.rolls_back_to.map(deployment_id);
    real.verdict = ours.verdict.map(|verdict| match verdict {
        Verdict::Succeeded => ledger::Verdict::Succeeded,
        Verdict::RolledBack => ledger::Verdict::RolledBack,
        Verdict::Failed => ledger::Verdict::Failed,
        Verdict::Superseded => ledger::Verdict::Superseded,
        Verdict::Stopped => ledger::Verdict::Stopped,
        Verdict::TimedOut => ledger::Verdict::TimedOut,
    });
    let ago = |seconds| *NOW - TimeDelta::seconds(seconds);
    real.claimed_at = ago(if ours.abandoned { 61 } else { 0 });
    real.deployed_at = ours.deployment.map(|_| match (ours.settled, ours.late) {
        (false, _) => *NOW,
        (true, false) => ago(61),
        (true, true) => ago(1000),
    });
    if ours.stage == Stage::Failing {
        real.failing_at = Some(ago(if ours.settled { 61 } else { 0 }));
    }
    if ours.late {
        real.deadline = ago(1);
    }
    real
}

/// What DescribeServices answers.
pub(crate) fn service(config: &Config, view: &View) -> Service {
    let deployments = view
        .iter()
        .enumerate()
        .map(|(place, it)| transition::Deployment {
            tasks: ledger::Tasks::default(),
            id: deployment_id(it.id),
            definition: definition(it),
            primary: place == 0,
            progress: match it.progress {
                Progress::UnderWay => transition::Progress::InProgress,
                Progress::Completed => transition::Progress::Completed,
                Progress::Failed => transition::Progress::Failed,
            },
            reason: String::new(),
        });
    Service {
        active: true,
        deployed_by: "ECS".into(),
        desired_count: 1,
        rolls_back: config.breaker,
        deployments: deployments.collect(),
    }
}

/// The image of a release that a decision has chosen.
pub(crate) fn image_of(digest: &Digest) -> Image {
    digest.as_str().as_bytes()[digest.as_str().len() - 1] - b'a'
}

/// The rollout that a decision has chosen.
pub(crate) fn id_of(rollout: &ledger::Rollout) -> Id {
    number_of(rollout.id.as_str())
}

pub(crate) fn release(config: &Config, image: Image) -> Release {
    let pushed = &config.images[usize::from(image)];
    let letter = char::from(b'a' + image);
    Release {
        repository: "web".into(),
        digest: Digest::parse(&format!("sha256:{}", letter.to_string().repeat(64)))
            .expect("digest"),
        tag: pushed.tag.into(),
        commit: None,
        pushed_at: at(pushed.second),
    }
}

fn cause(key: Key) -> Cause {
    match key {
        Key::Push(_) => Cause::Push,
        Key::Ask(_) => Cause::Request {
            action: "rollback".into(),
            by: "ada".into(),
            why: None,
        },
    }
}

pub(crate) fn verdict_of(verdict: ledger::Verdict) -> Verdict {
    match verdict {
        ledger::Verdict::Succeeded => Verdict::Succeeded,
        ledger::Verdict::RolledBack => Verdict::RolledBack,
        ledger::Verdict::Failed => Verdict::Failed,
        ledger::Verdict::Superseded => Verdict::Superseded,
        ledger::Verdict::Stopped => Verdict::Stopped,
        ledger::Verdict::TimedOut => Verdict::TimedOut,
    }
}

fn rollout_id(id: Id) -> RolloutId {
    RolloutId::parse(&format!("rollout/{id}")).expect("rollout id")
}

pub(crate) fn deployment_id(id: Dep) -> DeploymentId {
    DeploymentId::parse(&format!("ecs-svc/{id}")).expect("deployment id")
}

pub(crate) fn definition(deployment: &Deployment) -> String {
    match deployment.revision {
        Some(revision) => revision_arn(revision),
        None => "arn:aws:ecs:eu-west-1:1:task-definition/web-template:1".into(),
    }
}

fn revision_arn(revision: Revision) -> String {
    format!("arn:aws:ecs:eu-west-1:1:task-definition/web:{revision}")
}

pub(crate) fn number_of(name: &str) -> u8 {
    let number = name.rsplit('/').next().unwrap_or_default();
    number.parse().expect("a number of the model")
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).expect("time")
}
