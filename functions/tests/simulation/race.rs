//! Twenty pushes within two seconds on one target.

use std::time::Instant;

use tokio::task::JoinSet;

use super::promises::{Promises, Pushed};
use super::rest::{Hears, Rest, deployments, ecs_rests};
use super::run::{Function, Instance, sweep};
use super::world::{BROKEN, SLEEPS};
use crate::outside::Outside;

const PUSHES: usize = 20;
/// How many functions run at once.
const INSTANCES: usize = 4;

#[tokio::test]
async fn twenty_pushes_end_on_the_newest() {
    let mut outside = Box::pin(Outside::start()).await;
    let mut idle = Vec::new();
    for _ in 0..INSTANCES {
        idle.push(Instance::beside(&outside).await);
    }
    let mut running = JoinSet::new();
    let mut waiting = Vec::new();
    let mut pushed = Vec::new();
    let mut promises = Promises::default();
    let mut failed = 0;
    let begun = Instant::now();
    let mut took = None;
    // The tag names the commit, whatever the image says.
    let mut commits = ('a'..).take(PUSHES);
    loop {
        if let Some(letter) = commits.next() {
            let number = pushed.len();
            let tag = format!("main-{number:07}{:033}", 0);
            let event = outside.push_as(&tag, letter, SLEEPS).await;
            let digest = event["detail"]["image-digest"].as_str().unwrap();
            pushed.push(Pushed {
                digest: digest.to_owned(),
                good: true,
            });
            waiting.push(event);
        } else if took.is_none() {
            took = Some(begun.elapsed());
        }
        waiting.extend(outside.heard());
        while !waiting.is_empty()
            && let Some(instance) = idle.pop()
        {
            let event = waiting.remove(0);
            running.spawn(async move {
                let (lives, died) = tokio::sync::oneshot::channel();
                let function = Function::of(&event);
                let answer = function.run(&instance, event, died).await;
                drop(lives);
                (instance, function, answer.unwrap())
            });
        }
        let ended = match took {
            Some(_) => running.join_next().await,
            None => running.try_join_next(),
        };
        let Some(ended) = ended else {
            match took {
                Some(_) => break,
                None => continue,
            }
        };
        let (instance, function, answer) = ended.unwrap();
        if let Err(error) = answer {
            failed += 1;
            println!("{function:?} fails: {error:#}");
        }
        idle.push(instance);
        if took.is_some() {
            promises.hold_now(&outside).await.unwrap();
        }
    }
    let history = Rest::after(&mut outside, Hears::Events).await.history;
    println!(
        "{PUSHES} pushes in {took:?}: {} rollouts, {failed} failed, {history:#?}",
        history.len()
    );
    promises.hold_at_rest(&outside, &pushed).await.unwrap();
    outside.ecs.stop().await;
}

#[tokio::test]
async fn who_puts_a_newer_one_back_sees_that_there_is_a_newer_one_still() {
    let mut outside = Box::pin(Outside::start()).await;
    let oldest = outside.push('a', SLEEPS).await;
    let older = outside.push('b', SLEEPS).await;
    let newest = outside.push('c', SLEEPS).await;
    let instance = Instance::beside(&outside).await;
    let update = "ECS.UpdateService";

    // The oldest updates the service after the older one has, and is about to put that back when the newest comes.
    let recorder = instance.recorder.clone();
    let first = recorder.hold(update);
    let late = tokio::spawn(async move {
        let (_lives, died) = tokio::sync::oneshot::channel();
        Function::Rollout.run(&instance, oldest, died).await
    });
    first.arrived.await.unwrap();
    Function::Rollout.run_well(&outside, older).await.unwrap();
    let second = recorder.hold(update);
    first.let_go.send(()).unwrap();
    second.arrived.await.unwrap();
    Function::Rollout.run_well(&outside, newest).await.unwrap();
    second.let_go.send(()).unwrap();
    late.await.unwrap().unwrap().unwrap();

    assert!(outside.running_image().await.ends_with("@<image c>"));
    let history = Rest::after(&mut outside, Hears::Nothing).await.history;
    let expected = [
        "ccccccc succeeded",
        "bbbbbbb superseded",
        "aaaaaaa superseded",
    ];
    assert_eq!(history, expected);
    outside.ecs.stop().await;
}

#[tokio::test]
async fn what_ecs_goes_back_to_takes_nobodys_place() {
    let mut outside = Box::pin(Outside::start()).await;
    outside.live('a').await;
    let good = outside.push('b', SLEEPS).await;
    let bad = outside.push('c', BROKEN).await;
    // Nobody hears that the good one is deployed, and so it is superseded when it runs.
    outside.recorder.lose_answer_of("ECS.UpdateService");
    Function::Rollout
        .run_well(&outside, good)
        .await
        .unwrap_err();
    ecs_rests(&outside).await;
    Function::Rollout.run_well(&outside, bad).await.unwrap();
    ecs_rests(&outside).await;
    assert!(outside.running_image().await.ends_with("@<image b>"));

    let before = deployments(&outside).await;
    outside.a_minute_passes().await;
    let swept = Function::Rollout.run_well(&outside, sweep()).await.unwrap();
    assert_eq!(deployments(&outside).await, before, "{swept}");
    let history = Rest::after(&mut outside, Hears::Events).await.history;
    let expected = [
        "ccccccc rolled_back",
        "bbbbbbb superseded",
        "aaaaaaa succeeded",
    ];
    assert_eq!(history, expected);
    outside.ecs.stop().await;
}
