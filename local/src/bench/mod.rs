//! `cargo local bench`: how fast, small and frugal all of this is, beside what people use today. Everything is measured on the
//! machine that it runs on, in one run, one after the other and back, and written to `target/bench/`.
//!
//! # Layout
//! - [`build`]: what is measured and what measures; [`peers`]: what is measured against, and how it gets here
//! - [`stub`], [`answers`], [`authority`]: an AWS and a GitHub over TLS that answer at once; [`runtime`]: Lambda's loop
//! - [`child`]: a program on a processor of its own, and what it has used; [`load`]: who asks a server
//! - [`cold`], [`work`], [`size`], [`clean`], [`board`], [`growth`], [`end`]: what is measured
//! - [`emulator`], [`relay`]: an AWS that does what it is told, and the wire before it
//! - [`table`], [`goals`], [`cost`]: what comes of the figures

mod answers;
mod authority;
mod board;
mod build;
mod child;
mod clean;
mod cold;
mod cost;
mod emulator;
mod end;
mod goals;
mod growth;
mod load;
mod peers;
mod relay;
mod runtime;
mod size;
mod stub;
mod table;
mod work;

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use chrono::{SecondsFormat, Utc};
use clap::{Args, ValueEnum};

use crate::paths::Paths;
use crate::progress::Progress;
use crate::system::Ports;
use child::Aside;
use stub::Stub;
use table::Report;

/// The ledger's table, wherever it stands.
const TABLE: &str = "ledger";

/// What is measured, and how long.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Few rounds: to see that it works.
    #[arg(long)]
    quick: bool,
    /// Measures these parts only.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Measures the functions and the board in this folder instead of building them: to compare two versions.
    #[arg(long)]
    built: Option<PathBuf>,
    /// Measures nothing: prints what a month costs, by the figures of the last run.
    #[arg(long)]
    cost: bool,
}

/// A part of all that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Cold,
    Work,
    Size,
    Board,
    Growth,
    End,
    Build,
}

/// What every part needs to know.
#[derive(Clone, Debug)]
struct Bench {
    quick: bool,
    paths: Paths,
    /// Where everything of this run lies.
    folder: PathBuf,
    /// The folder of the functions that are measured.
    functions: PathBuf,
    /// The board that is measured.
    service: PathBuf,
    /// The certificate that signs the stub's.
    authority: PathBuf,
}

impl Bench {
    /// Where the last words of what is measured go.
    fn log(&self, name: &str) -> PathBuf {
        let short: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        self.folder.join("logs").join(short)
    }
}

fn folder(paths: &Paths) -> PathBuf {
    paths.target.join("bench")
}

/// Measures, prints, and writes `report.md` and `report.json` to `target/bench/`.
pub async fn run(
    paths: &Paths,
    options: &Options,
    ports: Ports,
    progress: &Progress,
) -> Result<()> {
    let folder = folder(paths);
    fs::create_dir_all(folder.join("logs")).context("make target/bench")?;
    let file = folder.join("report.json");
    if options.cost {
        let last = fs::read(&file).context("nothing was measured yet: run `cargo local bench`")?;
        println!("{}", cost::page(&serde_json::from_slice(&last)?)?);
        return Ok(());
    }
    if !cfg!(target_os = "linux") {
        bail!("what a program uses is read from /proc, which only Linux has");
    }
    if cfg!(debug_assertions) {
        return again(paths, progress);
    }
    let mut report = begin(options.quick);
    measure(paths, options, ports, progress, &mut report).await?;
    report.tables.insert(0, goals::goals(&report));
    fs::write(&file, serde_json::to_string_pretty(&report)?)?;
    let markdown = report.markdown();
    fs::write(folder.join("report.md"), &markdown)?;
    progress.say(&format!("\n{markdown}\n{}", file.display()));
    Ok(())
}

/// Runs the same command as a release: a stub that is slower than its clients would measure itself.
fn again(paths: &Paths, progress: &Progress) -> Result<()> {
    build::peers(paths, progress)?;
    let status = Command::new(paths.service("local"))
        .args(std::env::args_os().skip(1))
        .status()
        .context("start what measures")?;
    ensure!(status.success(), "the measuring failed");
    Ok(())
}

async fn measure(
    paths: &Paths,
    options: &Options,
    ports: Ports,
    progress: &Progress,
    report: &mut Report,
) -> Result<()> {
    let folder = folder(paths);
    let (functions, service) = match &options.built {
        Some(folder) => {
            let folder = std::path::absolute(folder)?;
            (folder.clone(), folder.join("service"))
        }
        None => (paths.target.join("release"), build::ours(paths, progress)?),
    };
    let peers = peers::ready(paths, progress).await?;
    let (tls, authority) = authority::authority(&folder)?;
    let bench = Bench {
        quick: options.quick,
        paths: paths.clone(),
        folder,
        functions,
        service,
        authority,
    };
    let (secure, plain) = (Stub::start(Some(tls)).await?, Stub::start(None).await?);
    let wanted = |part| match options.only.as_slice() {
        [] => part != Part::Build || !options.quick,
        only => only.contains(&part),
    };
    let parts = [
        (Part::Size, "Sizes"),
        (Part::Cold, "Cold starts"),
        (Part::Work, "The work of one rollout"),
        (Part::Board, "The board"),
        (Part::Growth, "Growth"),
        (Part::End, "From push to serving"),
        (Part::Build, "Building from nothing"),
    ];
    for (part, name) in parts.into_iter().filter(|(part, _)| wanted(*part)) {
        let step = progress.step(name);
        let aside = (![Part::End, Part::Build].contains(&part)).then(Aside::step);
        let tables = match part {
            Part::Size => vec![size::measure(&bench, &peers)?],
            Part::Cold => cold::measure(&bench, &secure, &peers).await?,
            Part::Work => work::measure(&bench, &secure, &peers).await?,
            Part::Board => vec![board::measure(&bench, &plain, &peers).await?],
            Part::Growth => growth::measure(&bench, &plain).await?,
            Part::End => end::measure(&bench, ports, progress).await?,
            Part::Build => vec![clean::measure(&bench)?],
        };
        drop(aside);
        report.tables.extend(tables);
        step.done();
    }
    Ok(())
}

fn begin(quick: bool) -> Report {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("?");
    Report {
        at: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
        processor: processor(),
        machine: format!(
            "{} processors, load {load} at the beginning",
            child::processors()
        ),
        quick,
        tables: Vec::new(),
    }
}

/// As the kernel calls it.
fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let name = name.and_then(|name| name.split_once(':'));
    name.map_or_else(
        || std::env::consts::ARCH.to_owned(),
        |(_, name)| name.trim().to_owned(),
    )
}

/// The places of `count` subjects in the order of a round: every other one comes back.
fn there_and_back(count: usize, round: usize) -> Vec<usize> {
    match round % 2 {
        0 => (0..count).collect(),
        _ => (0..count).rev().collect(),
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("find a free port")?;
    Ok(listener.local_addr()?.port())
}
