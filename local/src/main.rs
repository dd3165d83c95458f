//! `cargo local`: the whole of Couplet on one machine.

use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use clap::{Args, Parser, Subcommand};
use local::developer::{Build, Developer};
use local::paths::Paths;
use local::progress::Progress;
use local::site::Site;
use local::story::Told;
use local::system::{Ports, System};
use local::terraform::Terraform;
use local::{bench, follow, story};
use tokio::signal::unix::{SignalKind, signal};

/// Brings up AWS, GitHub and Couplet on this machine, tells their story, and stays up.
#[derive(Debug, Parser)]
#[command(name = "cargo local", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    up: Up,
}

#[derive(Debug, Args)]
struct Up {
    /// Ends after the story; the exit code is 0 only if every line of it came out right.
    #[arg(long)]
    once: bool,
    /// Forgets what earlier starts have left.
    #[arg(long)]
    fresh: bool,
    /// The first of the four ports that are used on 127.0.0.1.
    #[arg(
        long,
        global = true,
        default_value_t = 7400,
        env = "COUPLET_LOCAL_PORT",
        value_parser = clap::value_parser!(u16).range(1024..=65532)
    )]
    port: u16,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Pushes another image to what runs in another terminal, and follows it to its verdict.
    Push {
        /// The commit, 40 hexadecimal digits; a new one if none is named.
        #[arg(long)]
        commit: Option<String>,
        /// Pushes an image that crashes on start.
        #[arg(long)]
        broken: bool,
    },
    /// Asks for the release before the one that runs, and follows the request to its verdict.
    Rollback,
    /// Begins afresh, tells the story, and proves around it what terraform/ promises: plans stay empty, a changed
    /// template is rolled out, rights are the calls that are made, and a destroy leaves nothing.
    Prove,
    /// Measures all of this beside what people use today, and writes the figures to target/bench/.
    Bench(bench::Options),
    /// Checks terraform/: its format, its validity, its own tests. Brings nothing up.
    Validate,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let paths = Paths::of_this_checkout();
    let result = match cli.command {
        None => up(&paths, &cli.up, Told::Story).await,
        Some(Command::Prove) => {
            let afresh = Up {
                once: true,
                fresh: true,
                ..cli.up
            };
            up(&paths, &afresh, Told::Proof).await
        }
        Some(Command::Push { commit, broken }) => push(&paths, commit.as_deref(), broken).await,
        Some(Command::Rollback) => rollback(&paths).await,
        Some(Command::Bench(options)) => {
            let ports = Ports::new(cli.up.port);
            bench::run(&paths, &options, ports, &Progress::new()).await
        }
        Some(Command::Validate) => Terraform::validate(&paths).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn up(paths: &Paths, up: &Up, told: Told) -> Result<()> {
    let progress = Progress::new();
    progress.say("Couplet on this machine");
    let system = tokio::select! {
        system = System::start(paths, Ports::new(up.port), up.fresh, &progress) => system?,
        () = told_to_stop() => bail!("stopped before everything was up"),
    };
    let result = tokio::select! {
        result = show(&system, paths, up, told, &progress) => result,
        () = told_to_stop() => match up.once {
            true => Err(anyhow!("stopped before the story was told")),
            false => Ok(()),
        },
    };
    let step = progress.step("Stopping");
    let stopped = system.stop().await;
    if stopped.is_ok() {
        step.done();
    }
    match (result, stopped) {
        (Err(told), Err(stopped)) => bail!("{told:#}\nand then: {stopped:#}"),
        (result, stopped) => result.and(stopped),
    }
}

async fn show(
    system: &System,
    paths: &Paths,
    up: &Up,
    told: Told,
    progress: &Progress,
) -> Result<()> {
    let mut wrong = story::tell(system, paths, told, progress).await?;
    // A history that cannot be read hides no line that is wrong.
    let history = story::history(system).await;
    if let Ok(table) = &history {
        progress.say(&format!("\n{table}"));
    }
    if told == Told::Proof {
        wrong.extend(story::take_away(system, progress).await);
    }
    if !wrong.is_empty() {
        bail!(
            "{} lines did not come out right:\n  {}",
            wrong.len(),
            wrong.join("\n  ")
        );
    }
    history?;
    if up.once {
        progress.say("\nEvery line came out right.");
        return Ok(());
    }
    progress.say(&format!(
        "\nThe board: {}\nIn another terminal: cargo local push [--broken], cargo local rollback\nCtrl-C stops it all.",
        system.site.board
    ));
    std::future::pending().await
}

async fn push(paths: &Paths, commit: Option<&str>, broken: bool) -> Result<()> {
    let site = Site::running(paths).await?;
    let developer = Developer::new(paths, &site)?;
    let commit = developer.commit(commit, "Pushed by hand").await?;
    let build = if broken { Build::Broken } else { Build::Good };
    let push = developer
        .push(&commit, &format!("main-{commit}"), build)
        .await?;
    println!("pushed {} as {}", push.tag, push.digest);
    follow::push(&site, &push).await
}

async fn rollback(paths: &Paths) -> Result<()> {
    let site = Site::running(paths).await?;
    let developer = Developer::new(paths, &site)?;
    let before = follow::newest(&site).await?;
    let by = std::env::var("USER").unwrap_or_else(|_| "somebody".to_owned());
    developer.ask_for_rollback(&by, "asked for by hand").await?;
    println!("asked for the release before");
    follow::after(&site, before).await
}

/// Ctrl-C, the polite signal of a process manager, or the terminal's end.
async fn told_to_stop() {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = signalled(SignalKind::terminate()) => {}
        () = signalled(SignalKind::hangup()) => {}
    }
}

async fn signalled(kind: SignalKind) {
    match signal(kind) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}
