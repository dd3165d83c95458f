//! Every function dies after every one of its calls, and before the first, on every way through it. What follows is what
//! follows in reality, and ends as if nothing had happened.

use std::time::Instant;

use ledger::Stage;
use serde_json::{Value, json};

use super::rest::{Hears, Rest, ecs_rests};
use super::run::{Function, Instance, sweep};
use super::world::{BROKEN, SLEEPS};
use crate::outside::{Fault, Outside, a_minute_old, is_read, request};

/// A way through a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    FirstPush,
    SecondPush,
    SupersedingPush,
    Rollback,
    Hold,
    Release,
    FoundPush,
    Resumption,
    Yielding,
    FoundUsurper,
    Note,
    Failing,
    Failure,
    Success,
    RolledBack,
    FoundSuccess,
    FoundRollback,
}

macro_rules! ways {
    ($($name:ident: $way:ident,)*) => { $(
        #[tokio::test]
        async fn $name() {
            Box::pin(die_everywhere(Way::$way)).await;
        }
    )* };
}

ways! {
    rollout_at_a_first_push: FirstPush,
    rollout_at_a_second_push: SecondPush,
    rollout_at_a_push_that_supersedes: SupersedingPush,
    rollout_at_a_request_to_go_back: Rollback,
    rollout_at_a_hold: Hold,
    rollout_at_a_release: Release,
    rollout_at_a_push_that_the_sweep_finds: FoundPush,
    rollout_as_it_carries_on: Resumption,
    rollout_as_it_gives_way: Yielding,
    rollout_as_the_sweep_gives_way: FoundUsurper,
    verdict_at_a_stopped_task: Note,
    verdict_at_a_failure_that_ecs_goes_back_from: Failing,
    verdict_at_a_failure: Failure,
    verdict_at_a_success: Success,
    verdict_at_a_rollback: RolledBack,
    verdict_at_a_success_that_the_sweep_finds: FoundSuccess,
    verdict_at_a_rollback_that_the_sweep_finds: FoundRollback,
}

async fn die_everywhere(way: Way) {
    let begun = Instant::now();
    let (mut outside, function, event) = Box::pin(way.prepare()).await;
    outside.recorder.take();
    function.run_well(&outside, event).await.unwrap();
    let calls = outside.recorder.take();
    let expected = Rest::after(&mut outside, Hears::Events).await;
    outside.ecs.stop().await;
    assert_eq!(expected.history, way.history(), "{way:?}");
    // To die before a call is to die after the one before it.
    let mut deaths = vec![(0, Fault::DieBefore, Hears::Events)];
    for (index, call) in calls.iter().enumerate() {
        let hears: &[Hears] = match (is_read(&call.operation), index % 2) {
            (false, _) => &[Hears::Events, Hears::Nothing],
            (true, 0) => &[Hears::Events],
            (true, _) => &[Hears::Nothing],
        };
        deaths.extend(hears.iter().map(|hears| (index, Fault::DieAfter, *hears)));
    }
    for (index, fault, hears) in &deaths {
        let rest = way.die(*index, *fault, *hears).await;
        let call = &calls[*index].operation;
        let what = format!("{call} ({index}), {fault:?}, hears {hears:?}");
        assert_eq!(rest, expected, "{way:?}: {what}");
    }
    let (calls, runs) = (calls.len(), deaths.len());
    println!(
        "{way:?}: {calls} calls, {runs} deaths, {} s",
        begun.elapsed().as_secs()
    );
}

impl Way {
    /// How it is in the end when the function dies at one of its calls.
    async fn die(self, index: usize, fault: Fault, hears: Hears) -> Rest {
        let (mut outside, function, event) = Box::pin(self.prepare()).await;
        let died = outside.recorder.plan(index, 1, fault);
        let answer = function
            .run(&Instance::of(&outside), event.clone(), died)
            .await;
        assert!(answer.is_none(), "it lives, and answers {answer:?}");
        outside.recorder.forget_plan();
        // Lambda tries it again after a minute; nobody but the one who asks could know of a request that is lost.
        if hears == Hears::Events || event["source"] == "couplet" {
            outside.a_minute_passes().await;
            let event = a_minute_old(&event);
            function.run_well(&outside, event).await.unwrap();
        }
        let rest = Rest::after(&mut outside, hears).await;
        outside.ecs.stop().await;
        rest
    }

    /// All rollouts in the end, newest first.
    fn history(self) -> &'static [&'static str] {
        match self {
            Way::FirstPush
            | Way::Hold
            | Way::FoundPush
            | Way::Resumption
            | Way::Success
            | Way::FoundSuccess => &["aaaaaaa succeeded"],
            Way::SecondPush | Way::Release => &["bbbbbbb succeeded", "aaaaaaa succeeded"],
            Way::SupersedingPush | Way::Yielding | Way::FoundUsurper => &[
                "ccccccc succeeded",
                "bbbbbbb superseded",
                "aaaaaaa succeeded",
            ],
            Way::Rollback => &[
                "aaaaaaa succeeded",
                "bbbbbbb succeeded",
                "aaaaaaa succeeded",
            ],
            Way::Failure => &["aaaaaaa failed"],
            Way::Note | Way::Failing | Way::RolledBack | Way::FoundRollback => {
                &["bbbbbbb rolled_back", "aaaaaaa succeeded"]
            }
        }
    }

    /// How it is before, and the event that the function is given.
    async fn prepare(self) -> (Outside, Function, Value) {
        let mut outside = Outside::start_with(|beginning| {
            if self == Way::SupersedingPush {
                // Without the breaker ECS tries for ever, and what does not run can only be superseded.
                beginning.service["deploymentConfiguration"] = json!({});
            }
        })
        .await;
        let (function, event) = match self {
            Way::FirstPush => (Function::Rollout, outside.push('a', SLEEPS).await),
            Way::SecondPush => {
                outside.live('a').await;
                (Function::Rollout, outside.push('b', SLEEPS).await)
            }
            Way::SupersedingPush => {
                outside.live('a').await;
                let older = outside.push('b', BROKEN).await;
                let newer = outside.push('c', SLEEPS).await;
                outside.rollout(older).await;
                (Function::Rollout, newer)
            }
            Way::Rollback => {
                outside.live('a').await;
                outside.live('b').await;
                (Function::Rollout, ask("rollback"))
            }
            Way::Hold => {
                outside.live('a').await;
                (Function::Rollout, ask("hold"))
            }
            Way::Release => {
                outside.live('a').await;
                outside.rollout(ask("hold")).await;
                let pushed = outside.push('b', SLEEPS).await;
                outside.rollout(pushed).await;
                (Function::Rollout, ask("release"))
            }
            Way::FoundPush => {
                outside.push('a', SLEEPS).await;
                (Function::Rollout, sweep())
            }
            Way::Resumption => {
                let pushed = outside.push('a', SLEEPS).await;
                let denied = json!({ "__type": "AccessDeniedException" });
                outside.recorder.answer("ECS.UpdateService", 400, denied);
                outside.rollout(pushed.clone()).await;
                assert_eq!(outside.history().await, ["aaaaaaa Claimed"]);
                outside.a_minute_passes().await;
                (Function::Rollout, pushed)
            }
            Way::Yielding => {
                let older = usurped(&mut outside).await;
                (Function::Rollout, older)
            }
            Way::FoundUsurper => {
                usurped(&mut outside).await;
                (Function::Rollout, sweep())
            }
            Way::Note => {
                crashing(&mut outside).await;
                (Function::Verdict, outside.task_is("STOPPED").await)
            }
            Way::Failing => {
                crashing(&mut outside).await;
                let failed = outside.deployment_event("FAILED").await;
                (Function::Verdict, failed)
            }
            Way::Failure => {
                let pushed = outside.push('a', BROKEN).await;
                outside.rollout(pushed).await;
                let failed = outside.deployment_event("FAILED").await;
                (Function::Verdict, failed)
            }
            Way::Success => {
                let pushed = outside.push('a', SLEEPS).await;
                outside.rollout(pushed).await;
                (Function::Verdict, outside.completed().await)
            }
            Way::RolledBack => {
                crashing(&mut outside).await;
                let failed = outside.deployment_event("FAILED").await;
                // It would else ask ECS at once, and hear that it has gone back.
                let died = outside.recorder.plan(2, 1, Fault::DieAfter);
                let instance = Instance::of(&outside);
                let answer = Function::Verdict.run(&instance, failed, died).await;
                assert!(answer.is_none());
                outside.recorder.forget_plan();
                let stage = outside.in_flight().await.stage;
                assert_eq!(stage, Stage::Failing);
                let completed = outside.deployment_event("COMPLETED").await;
                (Function::Verdict, completed)
            }
            Way::FoundSuccess => {
                let pushed = outside.push('a', SLEEPS).await;
                outside.rollout(pushed).await;
                ecs_rests(&outside).await;
                outside.a_minute_passes().await;
                (Function::Verdict, sweep())
            }
            Way::FoundRollback => {
                crashing(&mut outside).await;
                ecs_rests(&outside).await;
                outside.a_minute_passes().await;
                (Function::Verdict, sweep())
            }
        };
        (outside, function, event)
    }
}

fn ask(action: &str) -> Value {
    let detail = json!({ "action": action, "target": "web", "by": "ada" });
    request(&format!("a-{action}"), detail)
}

/// A release that does not run is rolled out in the place of one that does.
async fn crashing(outside: &mut Outside) {
    outside.live('a').await;
    let pushed = outside.push('b', BROKEN).await;
    outside.rollout(pushed).await;
}

/// An older rollout updates the service after a newer one has, and dies before it sees that. Returns its event.
async fn usurped(outside: &mut Outside) -> Value {
    outside.live('a').await;
    let older = outside.push('b', SLEEPS).await;
    let newer = outside.push('c', SLEEPS).await;
    let held = outside.recorder.hold("ECS.UpdateService");
    let clients = outside.rollout.clone();
    let event = older.clone();
    let late = tokio::spawn(async move { functions::rollout::handle(&clients, event).await });
    held.arrived.await.unwrap();
    outside.rollout(newer).await;
    let died = outside.recorder.plan(0, 1, Fault::DieBefore);
    held.let_go.send(()).unwrap();
    died.await.unwrap();
    late.abort();
    outside.recorder.forget_plan();
    outside.a_minute_passes().await;
    older
}
