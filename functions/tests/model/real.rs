//! The real decisions: the model's numbers become the values that they take, and their answers become numbers again.

use chrono::TimeDelta;
use functions::decide::{self, Action, Pushed, TaggedImage, Wanted};
use functions::event::ImageAction;
use ledger::Release;
use ledger::table::Standing;
use ledger::transition::{self, Next, Seen};

use super::call::Becomes;
use super::config::{Ask, Config};
use super::state::{Dep, Deployment, Heard, Id, Image, Rollout, View};
use super::values::{
    NOW, definition, deployment_id, history, image_of, number_of, release, rollout, service,
    target, verdict_of,
};

/// The decision about a push: the event is understood, and then judged by what is known now.
pub(crate) fn on_push(config: &Config, image: Image, standing: &Standing) -> Action {
    let release = release(config, image);
    let pushed = pushed(&release);
    let tagged = TaggedImage {
        digest: release.digest,
        pushed_at: release.pushed_at,
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

/// The sweep's decision about the open rollout.
pub(crate) fn on_sweep(
    config: &Config,
    open: Id,
    rollouts: &[Rollout],
    primary: &Deployment,
) -> Action {
    let history = history(config, rollouts);
    let open = rollout(config, open, &rollouts[usize::from(open)]);
    decide::on_sweep(&open, Some(&definition(primary)), &history, *NOW)
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
            (release.tag, TaggedImage { digest, pushed_at })
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
    (ours, heard, view): &(Rollout, Heard, Option<View>),
) -> Option<Becomes> {
    let seen = match (heard, view) {
        (Heard::Completed(id), None) => Seen::Completed(deployment_id(*id)),
        (Heard::Failed(id), None) => Seen::Failed {
            deployment: deployment_id(*id),
            reason: "tasks failed to start.".into(),
        },
        (_, view) => Seen::Service {
            deployments: view.as_ref().map(|view| without_template(config, view)),
            at: *NOW,
        },
    };
    let rollout = rollout(config, 0, ours);
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
