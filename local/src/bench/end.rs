//! From the push to the release that serves, in the whole system on this machine: what of it is ours, and what is ECS's.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use ledger::{Rollout, Verdict};
use serde_json::Value;

use super::Bench;
use super::table::{Table, median};
use crate::aws::http;
use crate::developer::{Build, Developer, Push};
use crate::progress::Progress;
use crate::system::{Ports, System};

pub(super) const TITLE: &str = "From push to serving";
pub(super) const EVENTS: &str = "What one rollout wakes";

/// A rollout here takes a few seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// When what happened, since the registry had accepted the push.
struct Times {
    heard: f64,
    claimed: f64,
    registered: f64,
    deployed: f64,
    serving: f64,
    verdict: f64,
}

/// Brings the system up, pushes, and takes it down.
pub(super) async fn measure(
    bench: &Bench,
    ports: Ports,
    progress: &Progress,
) -> Result<Vec<Table>> {
    let system = System::start(&bench.paths, ports, false, progress).await?;
    let measured = pushes(bench, &system).await;
    let stopped = system.stop().await;
    let measured = measured?;
    stopped?;
    Ok(measured)
}

async fn pushes(bench: &Bench, system: &System) -> Result<Vec<Table>> {
    let count = if bench.quick { 2 } else { 6 };
    let developer = Developer::new(&bench.paths, &system.site)?;
    let mut times = Vec::new();
    let mut woken = [Vec::new(), Vec::new(), Vec::new()];
    // The first brings the functions up, and the first release.
    for number in 0..=count {
        let before = invocations(system).await?;
        let commit = developer.commit(None, "Measured").await?;
        let tag = format!("main-{commit}");
        let push = developer.push(&commit, &tag, Build::Good).await?;
        let accepted = Utc::now();
        let one = follow(system, &push, accepted).await?;
        if number > 0 {
            times.push(one);
            // What is told of it comes a moment later.
            tokio::time::sleep(Duration::from_secs(2)).await;
            let after = invocations(system).await?;
            for (place, woken) in woken.iter_mut().enumerate() {
                woken.push(after[place] - before[place]);
            }
        }
    }
    let how = format!(
        "`cargo local`: the functions under ministack's Lambda, an ECS whose checks and drains take seconds where AWS's take \
         tens of them, and the board as what is deployed. Milliseconds since the registry accepted the push, medians of \
         {count} warm ones. Until UpdateService is answered the time is ours (and ministack's, which is Python); from there \
         until the release serves it is ECS's; the verdict follows the event of ECS that all is done."
    );
    let mut table = Table::new(TITLE, &how, &["ms", "share %"]);
    let of = |figure: fn(&Times) -> f64| median(times.iter().map(figure).collect());
    let verdict = of(|it| it.verdict);
    let moments: [(&str, Moment); 6] = [
        ("`rollout` has heard of it", |it| it.heard),
        ("decided", |it| it.claimed),
        ("registered", |it| it.registered),
        ("UpdateService answered: our share", |it| it.deployed),
        ("the new release serves", |it| it.serving),
        ("the verdict is in the ledger", |it| it.verdict),
    ];
    for (name, figure) in moments {
        let at = of(figure);
        let share = at.zip(verdict).map(|(at, all)| at * 100.0 / all);
        table.row(name, vec![at, share]);
    }
    let how = "How often each function was invoked for one rollout of one task, in the same runs.";
    let mut events = Table::new(EVENTS, how, &["invocations"]);
    for (name, woken) in FUNCTIONS.iter().zip(woken) {
        events.row(name, vec![median(woken)]);
    }
    Ok(vec![table, events])
}

type Moment = fn(&Times) -> f64;

const FUNCTIONS: [&str; 3] = ["rollout", "verdict", "report"];

/// How often each function has ended an invocation until now.
async fn invocations(system: &System) -> Result<[f64; 3]> {
    let mut counts = [0.0; 3];
    for (name, count) in FUNCTIONS.iter().zip(&mut counts) {
        let function = system.site.output(&format!("functions/{name}"))?;
        let lines = system.ministack.function_log(function).await?;
        *count = lines
            .iter()
            .filter(|line| line.starts_with("END RequestId"))
            .count() as f64;
    }
    Ok(counts)
}

async fn follow(system: &System, push: &Push, accepted: DateTime<Utc>) -> Result<Times> {
    let (http, ledger) = (http(), system.site.ledger()?);
    let service = system.site.service()?;
    let address = format!("{}/version", system.site.board);
    let began = Instant::now();
    let mut serving = None;
    while began.elapsed() < PATIENCE {
        if serving.is_none()
            && let Ok(answer) = http.get(&address).send().await
            && let Ok(version) = answer.json::<Value>().await
            && version["commit"] == push.commit
        {
            serving = Some(Utc::now());
        }
        let rollouts = ledger.history(&service, 1).await?;
        if let (Some(serving), Some(rollout)) = (serving, rollouts.first())
            && rollout.release.digest.as_str() == push.digest
            && rollout.verdict == Some(Verdict::Succeeded)
        {
            return times(rollout, accepted, serving);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("{} was not rolled out", push.tag)
}

fn times(rollout: &Rollout, accepted: DateTime<Utc>, serving: DateTime<Utc>) -> Result<Times> {
    let since = |at: Option<DateTime<Utc>>| {
        let at = at.context("the ledger does not say when")?;
        Ok::<_, anyhow::Error>((at - accepted).as_seconds_f64() * 1000.0)
    };
    Ok(Times {
        heard: since(rollout.heard_at)?,
        claimed: since(Some(rollout.claimed_at))?,
        registered: since(rollout.registered_at)?,
        deployed: since(rollout.deployed_at)?,
        serving: since(Some(serving))?,
        verdict: since(rollout.ended_at)?,
    })
}
