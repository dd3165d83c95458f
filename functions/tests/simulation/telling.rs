//! `report` dies at every one of its calls, to AWS and to GitHub. The stream brings the records again, and what GitHub
//! shows is as if nothing had happened.

use serde_json::{Value, json};

use super::run::{Function, Instance};
use crate::outside::{Fault, LIVES, Outside, REPOSITORY, Recorder, sha};

#[tokio::test]
async fn report_at_a_claim_and_at_a_verdict() {
    let (outside, event) = Box::pin(prepare()).await;
    outside.github_recorder.take();
    outside.recorder.take();
    tell(&outside, event).await;
    let calls = [0, 1].map(|which| recorder(&outside, which).take().len());
    let expected = shown(&outside);
    outside.ecs.stop().await;
    assert!(calls.iter().all(|it| *it > 0), "{calls:?}");

    for (which, calls) in calls.into_iter().enumerate() {
        for call in 0..calls {
            for fault in [Fault::DieBefore, Fault::DieAfter] {
                let (outside, event) = Box::pin(prepare()).await;
                let died = recorder(&outside, which).plan(call, 1, fault);
                let instance = Instance::of(&outside);
                let answer = Function::Report.run(&instance, event.clone(), died);
                assert!(answer.await.is_none(), "it lives");
                recorder(&outside, which).forget_plan();
                tell(&outside, event).await;
                let to = ["AWS", "GitHub"][which];
                assert_eq!(shown(&outside), expected, "{to} ({call}), {fault:?}");
                outside.ecs.stop().await;
            }
        }
    }
    println!(
        "report: {} calls, {} deaths",
        calls[0] + calls[1],
        2 * (calls[0] + calls[1])
    );
}

/// A rollout from its claim to its verdict, and what the stream says of it.
async fn prepare() -> (Outside, Value) {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let pushed = outside.push('b', LIVES).await;
    outside.rollout(pushed).await;
    let records = outside.records().await;
    (outside, json!({ "Records": records }))
}

async fn tell(outside: &Outside, event: Value) {
    let told = Function::Report.run_well(outside, event).await.unwrap();
    assert_eq!(told, json!({ "batchItemFailures": [] }));
}

fn recorder(outside: &Outside, which: usize) -> &Recorder {
    [&outside.recorder, &outside.github_recorder][which]
}

/// The states on GitHub of the deployments and the commits.
fn shown(outside: &Outside) -> Vec<String> {
    let mut shown = Vec::new();
    for deployment in outside.github.deployments(REPOSITORY) {
        let states: Vec<_> = deployment.statuses.iter().map(|it| it.state).collect();
        shown.push(format!("{} {states:?}", deployment.sha));
    }
    for commit in ['a', 'b'] {
        let statuses = outside.github.statuses(REPOSITORY, &sha(commit));
        let states: Vec<_> = statuses.iter().map(|it| it.state).collect();
        shown.push(format!("{commit} {states:?}"));
    }
    shown
}
