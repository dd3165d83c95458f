//! The real decisions: the model's numbers become the values that they take, and their answers become numbers again.

use chrono::TimeDelta;
use functions::decide::{self, Action, Pushed, TaggedImage, Wanted};
use functions::event::ImageAction;
use functions::place::{self, Repair, Rightful, Stranger};
use functions::scan::Scan;
use ledger::Release;
use ledger::table::Standing;
use ledger::transition::{self, Next, Seen};

use super::call::Becomes;
use super::config::{Ask, Config};
use super::state::{Dep, Heard, Id, Image, Rollout, State, View};
use super::values::{
    NOW, deployment_id, history, id_of, image_of, number_of, release, rollout, service, standing,
    target, verdict_of,
};

/// The decision about a push: the event is understood, and then judged by what is known now.
pub(crate) fn on_push(config: &Config, image: Image, standing: &Standing) -> Action {
    let release = release(config, image);
    let pushed = pushed(&release);
    let tagged = TaggedImage {
        digest: release.digest,
        pushed_at: release.pushed_at,
        scan: Scan::Pending,
    };
    decide::on_push(&target(config), &pushed, Some(&tagged), standing, *NOW)
}

fn pushed(release: &Release) -> Pushed {
    let event = |tag: &str| ImageAction {
        action_type: "PUSH".into(),
        result: "SUCCESS".into(),
        repository_name: release.repository.clone(),
        image_digest: Some(release.digest.clone()),
        image_tag: Some(tag.into()),
    };
    assert!(decide::pushed(event("")).is_err(), "a part of an index");
    decide::pushed(event(&release.tag)).expect("a push")
}

/// The decision about a request.
pub(crate) fn on_request(ask: Ask, standing: &Standing, history: &[ledger::Rollout]) -> Action {
    let wanted = match ask {
        Ask::Rollback => Wanted::Rollback,
        Ask::Redeploy | Ask::Hold | Ask::Release => Wanted::Redeploy,
    };
    decide::on_request(wanted, standing, history, *NOW)
}

/// The sweep's decision about what runs.
pub(crate) fn repair(config: &Config, state: &State, view: &View, keeps_strangers: bool) -> Repair {
    let standing = standing(config, state, None);
    let stranger = stranger(config, &standing, state, view).filter(|_| keeps_strangers);
    place::repair(&standing, stranger.as_ref(), config.breaker, *NOW)
}

/// The rollout that is live although the ledger says otherwise.
pub(crate) fn follows(config: &Config, state: &State, view: &View) -> Option<Id> {
    let standing = standing(config, state, None);
    let stranger = stranger(config, &standing, state, view)?;
    place::follows(&standing, &stranger).map(id_of)
}

/// As `stranger::stranger` asks for it.
fn stranger(config: &Config, standing: &Standing, state: &State, view: &View) -> Option<Stranger> {
    let service = service(config, view);
    let deployment = place::unexpected(&target(config), standing, &service)?;
    let gave_up = state.head.in_flight.filter(|id| state.ecs.has_failed(*id));
    let of = |gave_up: Id| rollout(config, gave_up, state.rollout(gave_up)).revision;
    let mut history = history(config, &state.rollouts).into_iter();
    Some(Stranger {
        deployment: deployment.clone(),
        gave_up: gave_up.and_then(of),
        rollout: history
            .find(|rollout| deployment.runs(rollout))
            .filter(|_| standing.in_flight.is_none()),
    })
}

/// What is to be put in the place of a deployment.
pub(crate) fn rightful(config: &Config, state: &State) -> Rightful {
    place::rightful(&standing(config, state, None))
}

/// What a claim notes as what ECS would go back to.
pub(crate) fn goes_back_to(standing: &Standing) -> Option<Dep> {
    place::goes_back_to(standing).map(|id| number_of(id.as_str()))
}

/// The sweep's look at ECR: the newest image, if its event should have come by now.
pub(crate) fn unheard(
    config: &Config,
    pushed: u8,
    newest: Option<Image>,
    is_time: bool,
) -> Option<Image> {
    let images: Vec<_> = (0..pushed)
        .map(|image| {
            let release = release(config, image);
            let (digest, pushed_at) = (release.digest, release.pushed_at);
            let scan = Scan::Pending;
            (
                release.tag,
                TaggedImage {
                    digest,
                    pushed_at,
                    scan,
                },
            )
        })
        .collect();
    let heard = newest.map(|image| release(config, image));
    let last = images.iter().map(|(_, image)| image.pushed_at).max()?;
    let now = match is_time {
        true => last + TimeDelta::hours(1),
        false => last,
    };
    let found = decide::unheard(&target(config), &images, heard.as_ref(), now)?;
    Some(image_of(&found.digest))
}

/// What becomes of a rollout after an event, or after ECS was asked.
pub(crate) fn next(
    config: &Config,
    (ours, heard, view, gave_up): &(Rollout, Heard, Option<View>, bool),
) -> Option<Becomes> {
    let rollout = rollout(config, 0, ours);
    let seen = match (heard, view) {
        (Heard::Completed(id), None) => Seen::Completed(deployment_id(*id)),
        (Heard::Failed(id), None) => Seen::Failed {
            deployment: deployment_id(*id),
            reason: "tasks failed to start.".into(),
        },
        (_, view) => Seen::Service {
            deployments: view.as_ref().map(|view| without_template(config, view)),
            gave_up: rollout.revision.clone().filter(|_| *gave_up),
            at: *NOW,
        },
    };
    // These events are not modelled, for this reason.
    let under_way = transition::next(&rollout, &Seen::InProgress(deployment_id(0)));
    assert!(matches!(under_way, Next::Stay { .. }), "{under_way:?}");
    match transition::next(&rollout, &seen) {
        Next::Stay { .. } | Next::Note { .. } => None,
        Next::Fail { .. } => Some(Becomes::Failing),
        Next::End { verdict, .. } => Some(Becomes::Ended(verdict_of(verdict))),
    }
}

/// As `verdict`'s sweep hands it on.
fn without_template(config: &Config, view: &View) -> Vec<transition::Deployment> {
    let mut deployments = service(config, view).deployments;
    deployments.retain(|it| !it.is_of("web-template"));
    deployments
}

/// The deployment that ECS would go back to, as `drive` notes it.
pub(crate) fn before(config: &Config, view: &View) -> Option<Dep> {
    let service = service(config, view);
    let before = service.before()?;
    let wanted = service.rolls_back && !before.is_of("web-template");
    wanted.then(|| number_of(before.id.as_str()))
}
