//! Many worlds. `COUPLET_SEEDS` says how many, `COUPLET_SEED` which one.

use std::time::Instant;

use anyhow::Result;
use tokio::task::{JoinError, JoinSet};

use super::world::{Trace, World};

/// As many as a few minutes of two cores allow.
const SEEDS: u64 = 200;
/// How many tests share them, so that they run side by side.
const SHARES: u64 = 2;
/// A world mostly waits for ECS, so several go on at the same time.
const SIDE_BY_SIDE: usize = 4;

/// A world's number, what happened in it, and how it ended.
type Lived = (u64, Trace, Result<Result<()>, JoinError>);

#[tokio::test]
async fn promises_hold_in_even_worlds() {
    worlds(0, number("COUPLET_SEEDS").unwrap_or(SEEDS)).await;
}

#[tokio::test]
async fn promises_hold_in_odd_worlds() {
    worlds(1, number("COUPLET_SEEDS").unwrap_or(SEEDS)).await;
}

#[tokio::test]
#[ignore = "half an hour"]
async fn promises_hold_in_a_thousand_even_worlds() {
    worlds(0, 1000).await;
}

#[tokio::test]
#[ignore = "half an hour"]
async fn promises_hold_in_a_thousand_odd_worlds() {
    worlds(1, 1000).await;
}

async fn worlds(first: u64, seeds: u64) {
    let begun = Instant::now();
    let only = number("COUPLET_SEED");
    let mut to_come = match only {
        Some(only) => Vec::from_iter((only % SHARES == first).then_some(only)),
        None => (first..seeds).step_by(SHARES as usize).collect(),
    }
    .into_iter();
    let (mut lived, mut broken) = (0, Vec::new());
    let mut living = JoinSet::new();
    loop {
        living_up_to(&mut living, &mut to_come);
        let Some(world) = living.join_next().await else {
            break;
        };
        let (seed, trace, end) = world.expect("a world");
        lived += 1;
        let why = match end {
            Ok(Ok(())) if only.is_none() => continue,
            Ok(Ok(())) => "it holds".to_owned(),
            Ok(Err(broken)) => format!("{broken:#}"),
            Err(panic) => panic.to_string(),
        };
        println!("{}", trace.lock().unwrap().join("\n"));
        println!("seed {seed}: {why}");
        println!(
            "COUPLET_SEED={seed} cargo test -p functions --test simulation seeds -- --nocapture"
        );
        if why != "it holds" {
            broken.push(seed);
        }
    }
    let took = begun.elapsed().as_secs();
    println!("{lived} worlds, {} broken, {took} s", broken.len());
    assert!(
        broken.is_empty(),
        "broken promises in the worlds {broken:?}"
    );
}

fn living_up_to(living: &mut JoinSet<Lived>, to_come: &mut impl Iterator<Item = u64>) {
    while living.len() < SIDE_BY_SIDE
        && let Some(seed) = to_come.next()
    {
        living.spawn(async move {
            let trace = Trace::default();
            let end = tokio::spawn(World::live(seed, trace.clone())).await;
            (seed, trace, end)
        });
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
