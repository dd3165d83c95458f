//! The board: how much it answers on one core, how late, and with how much memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::child::{Child, Used};
use super::peers::Peers;
use super::stub::Stub;
use super::table::{Table, median, ms, percentile};
use super::{Bench, TABLE, free_port, load, there_and_back};

pub(super) const TITLE: &str = "Board on one core";
pub(super) const OURS: &str = "service";
pub(super) const SILENT: &str = "service, without its log";
pub(super) const BARE: &str = "bare hyper";
pub(super) const FLASK: &str = "Flask, gunicorn with one worker";

pub(super) const COLUMNS: [&str; 12] = [
    "tiny JSON req/s",
    "history JSON req/s",
    "page req/s",
    "tiny JSON CPU µs",
    "history JSON CPU µs",
    "page CPU µs",
    "p50 ms at 2,000/s",
    "p99 ms at 2,000/s",
    "start to first answer ms",
    "idle MiB",
    "loaded MiB",
    "MiB with 1,000 listeners",
];

/// What is asked of ours, and the name of the same for the others.
const PATHS: [(&str, &str); 3] = [
    ("/version", "tiny.json"),
    ("/api/v1/targets/web-0/rollouts", "history.json"),
    ("/", "page"),
];
const RATE: u32 = 2000;
/// So many of each server for each round. A host that stops for a moment spoils one second and not all.
const SECONDS: usize = 4;
const LISTENERS: usize = 1000;

#[derive(Default)]
struct Round {
    rates: [f64; 3],
    costs: [f64; 3],
    start: f64,
    idle: f64,
    loaded: f64,
    listened: Option<f64>,
}

struct Server {
    name: &'static str,
    command: Box<dyn Fn(u16) -> Command>,
}

impl Server {
    fn is_ours(&self) -> bool {
        matches!(self.name, OURS | SILENT)
    }

    fn path(&self, place: usize) -> String {
        match self.is_ours() {
            true => PATHS[place].0.to_owned(),
            false => format!("/{}", PATHS[place].1),
        }
    }
}

/// Each second's own percentiles, in milliseconds.
#[derive(Default)]
struct Late {
    p50: Vec<f64>,
    p99: Vec<f64>,
}

/// Measures every server, one after the other, there and back.
pub(super) async fn measure(bench: &Bench, stub: &Stub, peers: &Peers) -> Result<Table> {
    stub.set(|world| (world.targets, world.rollouts) = (3, 1000));
    let contents = contents(bench, stub).await?;
    let servers = servers(bench, stub, peers, &contents);
    let rounds = if bench.quick { 1 } else { 5 };
    let mut measured: Vec<Vec<Round>> = servers.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        for place in there_and_back(servers.len(), round) {
            let server = &servers[place];
            let figures = one(bench, server).await;
            measured[place].push(figures.with_context(|| server.name.to_owned())?);
        }
    }
    let late = lateness(bench, &servers, rounds * SECONDS).await?;
    stub.set(|world| (world.targets, world.rollouts) = (1, 1));
    let how = format!(
        "Each server has one processor to itself and serves the same headers and bodies: a tiny JSON, a page of the API with the \
         history of a target, the board. Requests a second are what 32 connections got, and CPU is the server's own for one request: \
         its thousandth part is not the load's. p50 and p99 are of {RATE} requests of the tiny JSON a second, each from the \
         moment at which it was due: {SECONDS} seconds a round, of each server in turn. Bare hyper and Flask write the JSON anew for every \
         request, from values that are in memory. Flask writes a line for every request, to a pipe; ours does for the last two; bare hyper writes none. Medians of {rounds}."
    );
    let mut table = Table::new(TITLE, &how, &COLUMNS);
    for ((server, rounds), late) in servers.iter().zip(&measured).zip(late) {
        let of = |figure: &dyn Fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
        let mut figures = Vec::new();
        for place in 0..PATHS.len() {
            figures.push(of(&|it| it.rates[place]));
        }
        for place in 0..PATHS.len() {
            figures.push(of(&|it| it.costs[place]));
        }
        figures.extend([
            median(late.p50),
            median(late.p99),
            of(&|it| it.start),
            of(&|it| it.idle),
            of(&|it| it.loaded),
            median(rounds.iter().filter_map(|it| it.listened).collect()),
        ]);
        table.row(server.name, figures);
    }
    Ok(table)
}

async fn one(bench: &Bench, server: &Server) -> Result<Round> {
    let port = free_port()?;
    let path = |place| server.path(place);
    let child = Child::serve((server.command)(port))?;
    let mut round = Round {
        start: ms(first_answer(port, &path(0), child.started).await?),
        ..Round::default()
    };
    // What a first request makes is part of an idle server.
    for place in 0..PATHS.len() {
        load::fetch(port, &path(place)).await?;
    }
    round.idle = child.used()?.resident_kib / 1024.0;
    let time = Duration::from_millis(if bench.quick { 500 } else { 2000 });
    for place in 0..PATHS.len() {
        load::closed(bench, port, &path(place), time / 4).await?;
        let (before, began) = (child.used()?, Instant::now());
        let answered = load::closed(bench, port, &path(place), time).await?;
        let (took, after) = (began.elapsed(), child.used()?);
        round.rates[place] = answered / took.as_secs_f64();
        round.costs[place] = spent(before, after) * 1000.0 / answered;
    }
    round.loaded = child.used()?.resident_kib / 1024.0;
    if server.is_ours() {
        let listeners = load::listeners(port, "/events", LISTENERS).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        round.listened = Some(child.used()?.resident_kib / 1024.0);
        drop(listeners);
    }
    Ok(round)
}

/// How late answers come, of one server after the other, second by second and back: what the machine's host does in between
/// lengthens them more than any of the servers does.
async fn lateness(bench: &Bench, servers: &[Server], seconds: usize) -> Result<Vec<Late>> {
    let mut running = Vec::new();
    for server in servers {
        let (port, path) = (free_port()?, server.path(0));
        let child = Child::serve((server.command)(port))?;
        first_answer(port, &path, child.started).await?;
        load::closed(bench, port, &path, Duration::from_millis(500)).await?;
        running.push((child, port, path, Late::default()));
    }
    let awake = Child::awake();
    for second in 0..seconds {
        for place in there_and_back(running.len(), second) {
            let (_, port, path, late) = &mut running[place];
            let time = Duration::from_secs(1);
            let mut times = load::open(bench, *port, path, time, RATE).await?;
            late.p50.extend(percentile(&mut times, 50.0));
            late.p99.extend(percentile(&mut times, 99.0));
        }
    }
    drop(awake);
    Ok(running.into_iter().map(|(_, _, _, late)| late).collect())
}

fn spent(before: Used, after: Used) -> f64 {
    ms(after.cpu.saturating_sub(before.cpu))
}

/// How long after its start it gave its first answer.
pub(super) async fn first_answer(port: u16, path: &str, started: Instant) -> Result<Duration> {
    let mut last = None;
    while started.elapsed() < Duration::from_secs(20) {
        match load::fetch(port, path).await {
            Ok(_) => return Ok(started.elapsed()),
            Err(error) => last = Some(error),
        }
        // A sleep of Tokio's is a millisecond at the least.
        std::thread::sleep(Duration::from_micros(100));
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("nobody asked"))).context("it does not answer")
}

/// The service, with a stub for its ledger.
pub(super) fn service(bench: &Bench, stub: &Stub, port: u16) -> Command {
    let mut command = Command::new(&bench.service);
    command
        .env_clear()
        .env("HOST", "127.0.0.1")
        .env("PORT", port.to_string())
        // One machine asks for all.
        .env("COUPLET_REQUESTS_PER_SECOND", "0")
        .env("COUPLET_LEDGER_TABLE", TABLE)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_ENDPOINT_URL", &stub.url)
        // One client asks for all here, and is counted all the same.
        .env("COUPLET_REQUESTS_PER_SECOND", "10000000");
    command
}

fn servers(bench: &Bench, stub: &Stub, peers: &Peers, contents: &Path) -> Vec<Server> {
    let (ours, silent) = ((bench.clone(), stub.clone()), (bench.clone(), stub.clone()));
    let (bare, folder) = (bench.paths.service("bare"), contents.to_owned());
    let (flask, sources, files) = (
        peers.flask.clone(),
        peers.sources.clone(),
        contents.to_owned(),
    );
    vec![
        Server {
            name: BARE,
            command: Box::new(move |port| {
                let mut command = Command::new(&bare);
                command.arg(&folder).env("PORT", port.to_string());
                command
            }),
        },
        Server {
            name: OURS,
            command: Box::new(move |port| service(&ours.0, &ours.1, port)),
        },
        Server {
            name: SILENT,
            command: Box::new(move |port| {
                let mut command = service(&silent.0, &silent.1, port);
                command.env("RUST_LOG", "warn");
                command
            }),
        },
        Server {
            name: FLASK,
            command: Box::new(move |port| {
                let mut command = Command::new(&flask);
                command
                    .args(["-m", "gunicorn", "--workers", "1", "--access-logfile", "-"])
                    .args([
                        "--worker-class",
                        "gthread",
                        "--threads",
                        "4",
                        "--keep-alive",
                        "30",
                    ])
                    .args(["--bind", &format!("127.0.0.1:{port}"), "board:app"])
                    .arg("--chdir")
                    .arg(&sources)
                    .env("PYTHONDONTWRITEBYTECODE", "1")
                    .env("BOARD_CONTENTS", &files);
                command
            }),
        },
    ]
}

/// What ours answers, in files for the others.
async fn contents(bench: &Bench, stub: &Stub) -> Result<PathBuf> {
    let folder = bench.folder.join("contents");
    fs::create_dir_all(&folder)?;
    let port = free_port()?;
    let child = Child::start(service(bench, stub, port), &bench.log("contents"))?;
    first_answer(port, PATHS[0].0, child.started).await?;
    for (path, name) in PATHS {
        let (head, body) = load::fetch(port, path).await?;
        fs::write(folder.join(name), body)?;
        // The rest of the head is each server's own affair.
        let own = ["content-length:", "date:"];
        let lines = head.lines().skip(1);
        let lines = lines.filter(|line| !own.iter().any(|own| line.starts_with(own)));
        let lines: Vec<&str> = lines.collect();
        fs::write(folder.join(format!("{name}.headers")), lines.join("\n"))?;
    }
    Ok(folder)
}
