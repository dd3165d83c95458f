//! What grows with the number of targets and rollouts, and what does not.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;

use super::board::{first_answer, service};
use super::child::Child;
use super::cold::Subject;
use super::runtime::Runtime;
use super::stub::Stub;
use super::table::{Table, ms};
use super::{Bench, answers, free_port, load};

pub(super) const TARGETS: &str = "Targets on one repository";
pub(super) const SWEEP: &str = "The sweep";
pub(super) const BOARD: &str = "Rollouts in the ledger";

const LATENCY: Duration = Duration::from_millis(5);

/// Measures all three.
pub(super) async fn measure(bench: &Bench, stub: &Stub) -> Result<Vec<Table>> {
    let counts: &[usize] = if bench.quick {
        &[1, 100]
    } else {
        &[1, 100, 1000]
    };
    let columns = [
        "calls",
        "calls for each",
        "ms",
        "ms for each",
        "CPU ms for each",
        "peak MiB",
    ];
    let how = format!(
        "One push, followed by so many targets; a stub whose every answer takes {} ms. A run may take 30 s.",
        LATENCY.as_millis()
    );
    let mut pushes = Table::new(TARGETS, &how, &columns);
    let how = "The sweep of `rollout` and of `verdict` when nothing was lost and no rollout is open; the same stub.";
    let mut sweeps = Table::new(SWEEP, how, &columns);
    for count in counts {
        let figures = invoke(bench, stub, "rollout", answers::push(), *count, true).await?;
        pushes.row(&super::table::number(*count as f64), figures);
        for name in ["rollout", "verdict"] {
            let figures = invoke(bench, stub, name, answers::clock(), *count, false).await?;
            sweeps.row(&format!("{name}, {count} targets"), figures);
        }
    }
    Ok(vec![pushes, sweeps, board(bench, stub).await?])
}

async fn invoke(
    bench: &Bench,
    stub: &Stub,
    name: &'static str,
    event: Value,
    targets: usize,
    is_pushed: bool,
) -> Result<Vec<Option<f64>>> {
    let subject = Subject::ours(bench, name, event);
    let mut runtime = Runtime::start().await?;
    let child = Child::start(subject.command(bench, stub, &runtime), &bench.log(name))?;
    runtime.ready().await?;
    stub.set(|world| {
        (world.is_open, world.is_pushed) = (false, is_pushed);
        (world.targets, world.latency) = (targets, LATENCY);
    });
    stub.take();
    let before = child.used()?;
    let (took, _) = runtime.invoke(&subject.event).await?;
    runtime.ready().await?;
    let after = child.used()?;
    stub.set(|world| {
        world.is_pushed = true;
        (world.targets, world.latency) = (1, Duration::ZERO);
    });
    let calls = stub.take().calls.len() as f64;
    let each = targets as f64;
    Ok(vec![
        Some(calls),
        Some(calls / each),
        Some(ms(took)),
        Some(ms(took) / each),
        Some(ms(after.cpu - before.cpu) / each),
        Some(after.peak_kib / 1024.0),
    ])
}

async fn board(bench: &Bench, stub: &Stub) -> Result<Table> {
    let how = "Three targets with so many rollouts behind each; a stub for the ledger, which answers every query as DynamoDB \
               would and counts. The page is fetched when nothing is known yet, and so is the target's own with its figures.";
    let columns = [
        "board's requests",
        "target's requests",
        "board's KiB read",
        "target's KiB read",
        "board ms",
        "target ms",
        "MiB",
    ];
    let mut table = Table::new(BOARD, how, &columns);
    for rollouts in [100, 10_000, 1_000_000] {
        stub.set(|world| (world.targets, world.rollouts) = (3, rollouts));
        let port = free_port()?;
        let child = Child::start(service(bench, stub, port), &bench.log("service"))?;
        first_answer(port, "/healthz", child.started).await?;
        let mut figures = Vec::new();
        for path in ["/", "/targets/web-0"] {
            stub.take();
            let began = Instant::now();
            load::fetch(port, path).await?;
            let (took, traffic) = (began.elapsed(), stub.take());
            figures.push((
                traffic.calls.len() as f64,
                traffic.sent as f64 / 1024.0,
                ms(took),
            ));
        }
        let [board, target] = figures[..] else {
            unreachable!("two pages")
        };
        table.row(
            &super::table::number(rollouts as f64),
            vec![
                Some(board.0),
                Some(target.0),
                Some(board.1),
                Some(target.1),
                Some(board.2),
                Some(target.2),
                Some(child.used()?.resident_kib / 1024.0),
            ],
        );
    }
    stub.set(|world| (world.targets, world.rollouts) = (1, 1));
    Ok(table)
}
