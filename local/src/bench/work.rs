//! What one rollout asks of AWS and of the processor, beside what deploys to ECS today, in the same emulator.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::child::Child;
use super::cold::Subject;
use super::emulator::{CLUSTER, Emulator, SERVICE};
use super::peers::Peers;
use super::relay::Relay;
use super::runtime::Runtime;
use super::stub::{Call, Stub, Traffic};
use super::table::{Table, median, ms};
use super::{Bench, answers};

pub(super) const TITLE: &str = "Work of one rollout";
pub(super) const STEPS: &str = "The calls of one rollout";

pub(super) const BILLED: &str = "What Lambda would bill";

pub(super) const ROLLOUT_SWEEP: &str = "rollout, the sweep over one target";
pub(super) const VERDICT_SWEEP: &str = "verdict, the sweep over one target";
pub(super) const OURS: &str = "rollout";
pub(super) const ECS_DEPLOY: &str = "`ecs-deploy`";
pub(super) const RECIPE: &str = "`aws ecs` recipe";

/// What the calls take in the part that shows their overlap: about what AWS's own take.
const LATENCY: Duration = Duration::from_millis(15);

struct Work {
    calls: f64,
    ecs: f64,
    until_update: f64,
    update_ms: f64,
    connections: f64,
    sent: f64,
    received: f64,
    cpu: f64,
}

/// Measures each after the other, round for round.
pub(super) async fn measure(bench: &Bench, stub: &Stub, peers: &Peers) -> Result<Vec<Table>> {
    let rounds = if bench.quick { 2 } else { 5 };
    let mut emulator = Emulator::start(bench).await?;
    let relay = Relay::start(emulator.address().to_owned()).await?;
    let mut measured: [Vec<Work>; 3] = Default::default();
    for round in 0..=rounds {
        for (place, measured) in measured.iter_mut().enumerate() {
            let commit = format!("{:040x}", 0xace0 + round * 16 + place);
            let (event, image) = emulator.push(&commit).await?;
            relay.take();
            let cpu = match place {
                0 => ours(bench, stub, &relay, event).await?,
                1 => {
                    let mut command = Command::new(peers.ecs_deploy.join("ecs"));
                    command.args(["deploy", CLUSTER, SERVICE, "--image", "web", &image]);
                    command.args(["--timeout", "120", "--sleep-time", "1"]);
                    program(bench, &relay, peers, ECS_DEPLOY, command).await?
                }
                _ => {
                    let mut command = Command::new(peers.sources.join("recipe.sh"));
                    command.args([CLUSTER, SERVICE, "web", &image]);
                    program(bench, &relay, peers, RECIPE, command).await?
                }
            };
            let work = work(&relay.take(), cpu)?;
            emulator.settle().await?;
            emulator.forget_open().await?;
            // The first round brings the first release: there is nothing to go back to yet.
            if round > 0 {
                measured.push(work);
            }
        }
    }
    emulator.stop().await?;
    let how = format!(
        "The same deployment in the same emulator (ministack, and an ECS whose tasks are processes), over plain HTTP; medians \
         of {rounds}. Ours is a warm function and returns when UpdateService is answered and noted; the others wait until ECS \
         is done, as they are used. The time until then is the emulator's as well, so compare the columns."
    );
    let columns = [
        "calls",
        "of them ECS",
        "calls until UpdateService",
        "ms until UpdateService",
        "connections",
        "KiB sent",
        "KiB received",
        "CPU ms",
    ];
    let mut table = Table::new(TITLE, &how, &columns);
    for (name, works) in [OURS, ECS_DEPLOY, RECIPE].iter().zip(&measured) {
        let of = |figure: fn(&Work) -> f64| median(works.iter().map(figure).collect());
        let figures = vec![
            of(|it| it.calls),
            of(|it| it.ecs),
            of(|it| it.until_update),
            of(|it| it.update_ms),
            of(|it| it.connections),
            of(|it| it.sent / 1024.0),
            of(|it| it.received / 1024.0),
            of(|it| it.cpu),
        ];
        table.row(name, figures);
    }
    Ok(vec![
        table,
        steps(bench, stub).await?,
        billed(bench, stub).await?,
    ])
}

/// The function, warm, with the event of a push. Its time on the processor.
async fn ours(bench: &Bench, stub: &Stub, relay: &Relay, event: serde_json::Value) -> Result<f64> {
    let subject = Subject::ours(bench, "rollout", event);
    let mut runtime = Runtime::start().await?;
    let mut command = subject.command(bench, stub, &runtime);
    command
        .env("AWS_ENDPOINT_URL", &relay.url)
        .env_remove("SSL_CERT_FILE");
    for (host, _) in &stub.hosts {
        command.env_remove(host);
    }
    let child = Child::start(command, &bench.log("rollout"))?;
    runtime.ready().await?;
    // It is warmed up by something that it leaves alone.
    let mut other = answers::push();
    other["detail"]["repository-name"] = "team/other".into();
    runtime.invoke(&other).await?;
    runtime.ready().await?;
    relay.take();
    let before = child.used()?;
    let (_, answer) = runtime.invoke(&subject.event).await?;
    runtime.ready().await?;
    let after = child.used()?;
    ensure!(
        answer.to_string().contains("deployment"),
        "it did nothing: {answer}"
    );
    Ok(ms(after.cpu - before.cpu))
}

/// A program that runs until the deployment is done. Its time on the processor, with all that it has started.
async fn program(
    bench: &Bench,
    relay: &Relay,
    peers: &Peers,
    name: &str,
    mut command: Command,
) -> Result<f64> {
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .env("PATH", format!("{}:{path}", peers.cli.display()))
        .env("AWS_ENDPOINT_URL", &relay.url)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let mut times = Command::new("sh");
    // The shell knows what its children have used, and says it in a form that POSIX lays down.
    let line: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| format!("'{}'", word.to_string_lossy()))
        .collect();
    times.arg("-c").arg(format!("{} && times", line.join(" ")));
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            times.env(name, value);
        }
    }
    let log = bench.log(name);
    let child = Child::start(times, &log)?;
    let ended = tokio::task::spawn_blocking(move || child.wait()).await?;
    let said = std::fs::read_to_string(&log)?;
    ensure!(ended?, "{name} failed: {said}");
    let last = said.lines().last().context("the shell says no times")?;
    let times = last.split_whitespace().map(minutes);
    times
        .sum::<Option<f64>>()
        .with_context(|| format!("`{last}` is no time"))
}

/// `0m1.230s`, in milliseconds.
fn minutes(text: &str) -> Option<f64> {
    let (minutes, seconds) = text.trim_end_matches('s').split_once('m')?;
    let (minutes, seconds): (f64, f64) = (minutes.parse().ok()?, seconds.parse().ok()?);
    Some((minutes * 60.0 + seconds) * 1000.0)
}

fn work(traffic: &Traffic, cpu: f64) -> Result<Work> {
    let calls = &traffic.calls;
    let updated = calls
        .iter()
        .position(|call| call.operation == "ECS.UpdateService");
    let updated = updated.context("it never updated the service")?;
    let first = calls.iter().map(|call| call.came).min().unwrap_or_default();
    let ecs = calls
        .iter()
        .filter(|call| call.operation.starts_with("ECS."));
    Ok(Work {
        calls: calls.len() as f64,
        ecs: ecs.count() as f64,
        until_update: (updated + 1) as f64,
        update_ms: ms(calls[updated].answered - first),
        connections: traffic.connections as f64,
        sent: traffic.received as f64,
        received: traffic.sent as f64,
        cpu,
    })
}

/// One rollout, call by call, when every call takes as long as AWS's own do.
async fn steps(bench: &Bench, stub: &Stub) -> Result<Table> {
    stub.set(|world| world.is_open = false);
    let subject = Subject::ours(bench, "rollout", answers::push());
    let mut runtime = Runtime::start().await?;
    let child = Child::start(
        subject.command(bench, stub, &runtime),
        &bench.log("rollout"),
    )?;
    runtime.ready().await?;
    stub.set(|world| world.latency = LATENCY);
    stub.take();
    runtime.invoke(&subject.event).await?;
    runtime.ready().await?;
    let opened = stub.take().connections;
    let began = Instant::now();
    runtime.invoke(&subject.event).await?;
    let took = began.elapsed();
    drop(child);
    stub.set(|world| world.latency = Duration::ZERO);
    let traffic = stub.take();
    let (sent, received) = (traffic.received, traffic.sent);
    let mut calls = traffic.calls;
    calls.sort_by_key(|call| call.came);
    let first = calls.first().map(|call| call.came).unwrap_or_default();
    let how = format!(
        "A warm function and a stub whose every answer takes {} ms. All of it took {:.0} ms; one after the other the {} calls \
         alone would have taken {:.0} ms. They went over {opened} connections to three hosts, and were {:.1} KiB out and {:.1} KiB \
         in.",
        LATENCY.as_millis(),
        ms(took),
        calls.len(),
        ms(LATENCY) * calls.len() as f64,
        sent as f64 / 1024.0,
        received as f64 / 1024.0,
    );
    let mut table = Table::new(STEPS, &how, &["came at ms", "answered at ms"]);
    for Call {
        operation,
        came,
        answered,
    } in &calls
    {
        let at = |time: &Duration| Some(ms(*time - first));
        table.row(operation, vec![at(came), at(answered)]);
    }
    Ok(table)
}

/// How long an invocation of each function lasts when every call takes as long as AWS's own do.
async fn billed(bench: &Bench, stub: &Stub) -> Result<Table> {
    let how = format!(
        "A warm invocation when every answer takes {} ms: what is waited for is paid for.",
        LATENCY.as_millis()
    );
    let mut table = Table::new(BILLED, &how, &["billed ms", "calls"]);
    let rows = [
        ("rollout", "rollout", answers::push()),
        ("verdict", "verdict", answers::completed()),
        ("report", "report", answers::told()?),
        (ROLLOUT_SWEEP, "rollout", answers::clock()),
        (VERDICT_SWEEP, "verdict", answers::clock()),
    ];
    for (row, function, event) in rows {
        let subject = Subject::ours(bench, function, event);
        let mut runtime = Runtime::start().await?;
        let is_sweep = row != function;
        stub.set(|world| {
            world.is_open = function == "verdict" && !is_sweep;
            world.is_pushed = !is_sweep;
        });
        let child = Child::start(subject.command(bench, stub, &runtime), &bench.log(function))?;
        runtime.ready().await?;
        runtime.invoke(&subject.event).await?;
        runtime.ready().await?;
        stub.set(|world| world.latency = LATENCY);
        stub.take();
        let mut times = Vec::new();
        for _ in 0..5 {
            times.push(ms(runtime.invoke(&subject.event).await?.0));
            runtime.ready().await?;
        }
        drop(child);
        stub.set(|world| {
            world.latency = Duration::ZERO;
            world.is_pushed = true;
        });
        let calls = stub.take().calls.len() as f64 / 5.0;
        table.row(row, vec![median(times), Some(calls)]);
    }
    Ok(table)
}
