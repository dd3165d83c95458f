//! Many worlds. `COUPLET_SEEDS` says how many, `COUPLET_SEED` which one.

use std::time::Instant;

use super::world::{Trace, World};

/// As many as a minute and a half of two cores allows.
const SEEDS: u64 = 60;
/// How many tests share them, so that they run side by side.
const SHARES: u64 = 2;

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
    let mut broken = Vec::new();
    let only = number("COUPLET_SEED");
    let seeds = (first..seeds).step_by(SHARES as usize);
    let seeds: Vec<u64> = match only {
        Some(only) => Vec::from_iter((only % SHARES == first).then_some(only)),
        None => seeds.collect(),
    };
    for seed in &seeds {
        let trace = Trace::default();
        let lived = tokio::spawn(World::live(*seed, trace.clone())).await;
        let why = match lived {
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
            broken.push(*seed);
        }
    }
    let took = begun.elapsed().as_secs();
    println!("{} worlds, {} broken, {took} s", seeds.len(), broken.len());
    assert!(
        broken.is_empty(),
        "broken promises in the worlds {broken:?}"
    );
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
