//! `cargo local`: the whole of Couplet on one machine.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand};
use local::developer::{Build, Developer};
use local::paths::Paths;
use local::progress::Progress;
use local::site::Site;
use local::system::{self, Ports, System};
use local::terraform::Terraform;
use local::{follow, story};
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
    #[arg(long, default_value_t = 7400, env = "COUPLET_LOCAL_PORT")]
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
    /// Checks terraform/: its format, its validity, its own tests. Brings nothing up.
    Validate,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let paths = Paths::of_this_checkout();
    let result = match cli.command {
        None => up(&paths, &cli.up).await,
        Some(Command::Push { commit, broken }) => push(&paths, commit.as_deref(), broken).await,
        Some(Command::Rollback) => rollback(&paths).await,
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

async fn up(paths: &Paths, up: &Up) -> Result<()> {
    let progress = Progress::new();
    progress.say("Couplet on this machine");
    if up.fresh {
        system::forget(paths)?;
    }
    let system = tokio::select! {
        system = System::start(paths, Ports::new(up.port), &progress) => system?,
        () = told_to_stop() => bail!("stopped before everything was up"),
    };
    let result = tokio::select! {
        result = show(&system, paths, up, &progress) => result,
        () = told_to_stop() => Ok(()),
    };
    let step = progress.step("Stopping");
    system.stop().await?;
    step.done();
    result
}

async fn show(system: &System, paths: &Paths, up: &Up, progress: &Progress) -> Result<()> {
    let wrong = story::tell(system, paths, progress).await?;
    progress.say(&format!("\n{}", story::history(system).await?));
    if !wrong.is_empty() {
        bail!(
            "{} lines did not come out right:\n  {}",
            wrong.len(),
            wrong.join("\n  ")
        );
    }
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

/// Ctrl-C, or the polite signal of a process manager.
async fn told_to_stop() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}
