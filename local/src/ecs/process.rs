//! A task is a process of the image's own program. There is no container around it: it sees the machine's files, its
//! program comes from the unpacked image, and it gets a port of its own. On Fargate (awsvpc) each task has its own IP
//! address and all of them can listen on the same port; one machine has one port space, so `PORT` differs here.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::health::{Checks, Judge};
use super::pace::Pace;
use super::pull::{Image, Images};
use super::task::Health;
use crate::run::kill;

/// Ports for tasks: below those that the systems give to outgoing connections, which could take one between our
/// choice and the task's bind.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// What the runner of a task needs to know.
pub(super) struct Errand {
    pub(super) task: String,
    pub(super) image: String,
    /// From the container definition; empty where the image's own holds.
    pub(super) entry_point: Vec<String>,
    pub(super) command: Vec<String>,
    /// From the container definition, then what the agent injects.
    pub(super) environment: Vec<(String, String)>,
    /// Behind a load balancer: its target group.
    pub(super) target_group: Option<String>,
    pub(super) log: PathBuf,
    pub(super) pace: Pace,
    pub(super) images: Arc<Images>,
    pub(super) checks: Arc<Checks>,
}

/// What the runner of a task sees, in order.
#[derive(Debug)]
pub(super) enum Sight {
    Pulled { digest: String },
    Running { address: SocketAddr },
    Healthy,
    Unhealthy,
    Stopping,
    Stopped(End),
}

/// How a task ended.
#[derive(Debug)]
pub(super) enum End {
    CannotPull(String),
    CannotStart(String),
    Exited(i32),
    /// Stopped before there was a process.
    NeverStarted,
}

/// Runs one task until it ends, by itself or because `stop` says so (with the delay before SIGTERM).
pub(super) async fn run(
    errand: Errand,
    sights: UnboundedSender<(String, Sight)>,
    stop: oneshot::Receiver<Duration>,
) {
    let see = |sight| {
        // Nobody listens when the controller has gone, and then nothing needs to be known.
        let _ = sights.send((errand.task.clone(), sight));
    };
    let end = live(&errand, &see, stop).await;
    see(Sight::Stopped(end));
}

async fn live(errand: &Errand, see: &impl Fn(Sight), mut stop: oneshot::Receiver<Duration>) -> End {
    let image = tokio::select! {
        pulled = errand.images.pull(&errand.image) => match pulled {
            Ok(image) => image,
            Err(why) => return End::CannotPull(why),
        },
        _ = &mut stop => return End::NeverStarted,
    };
    see(Sight::Pulled {
        digest: image.digest.clone(),
    });
    let path = match &errand.target_group {
        Some(group) => Some(errand.checks.path(group).await),
        None => None,
    };
    let (mut child, address) = match start(errand, &image).await {
        Ok(started) => started,
        Err(why) => return End::CannotStart(format!("CannotStartContainerError: {why}")),
    };
    see(Sight::Running { address });

    let mut judge = Judge::new(&errand.pace);
    let mut clock = tokio::time::interval(errand.pace.health_interval);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let delay = loop {
        tokio::select! {
            status = child.wait() => return exited(status),
            delay = &mut stop => break delay.unwrap_or_default(),
            _ = clock.tick() => {
                let good = match &path {
                    Some(path) => errand.checks.passes(address, path, Duration::from_secs(1)).await,
                    None => true,
                };
                match judge.hear(good, path.is_some()) {
                    Some(Health::Healthy) => see(Sight::Healthy),
                    Some(Health::Unhealthy) => see(Sight::Unhealthy),
                    Some(Health::Unknown) | None => {}
                }
            }
        }
    };

    tokio::select! {
        status = child.wait() => return exited(status),
        () = tokio::time::sleep(delay) => see(Sight::Stopping),
    }
    signal(&child, "TERM").await;
    match tokio::time::timeout(errand.pace.stop_timeout, child.wait()).await {
        Ok(status) => exited(status),
        Err(_) => {
            signal(&child, "KILL").await;
            exited(child.wait().await)
        }
    }
}

async fn start(errand: &Errand, image: &Image) -> Result<(Child, SocketAddr), String> {
    let line = command_line(errand, image);
    let (program, arguments) = line.split_first().ok_or("no command specified")?;
    let program = resolve(program, image)?;
    let address = free_address().ok_or("no free port")?;
    let log = File::options()
        .create(true)
        .append(true)
        .open(&errand.log)
        .map_err(|e| e.to_string())?;
    let directory = match &image.config.working_dir {
        Some(path) if !path.is_empty() => inside(&image.root, path),
        _ => image.root.clone(),
    };
    let mut command = Command::new(&program);
    command
        .args(arguments)
        .env_clear()
        .envs(environment(errand, image, address))
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(|e| e.to_string())?)
        .stderr(log)
        // A group of its own: signals reach what the task has started too, and Ctrl-C in the terminal reaches neither.
        .process_group(0)
        .kill_on_drop(true);
    // A program that was unpacked just now can be "busy" while another thread forks; a moment later it is not.
    let mut attempts = 0;
    loop {
        match command.spawn() {
            Ok(child) => return Ok((child, address)),
            Err(e) if e.kind() == std::io::ErrorKind::ExecutableFileBusy && attempts < 20 => {
                attempts += 1;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Err(e) => {
                return Err(format!(
                    "failed to create new container runtime task: exec {}: {e}",
                    line[0]
                ));
            }
        }
    }
}

/// As Docker does it: an entry point in the container definition also drops the image's command.
fn command_line(errand: &Errand, image: &Image) -> Vec<String> {
    let own = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
    let (mut line, command) = match errand.entry_point.is_empty() {
        true => (own(&image.config.entrypoint), own(&image.config.cmd)),
        false => (errand.entry_point.clone(), Vec::new()),
    };
    match errand.command.is_empty() {
        true => line.extend(command),
        false => line.extend(errand.command.iter().cloned()),
    }
    line
}

/// Later ones win. `PATH` is the machine's, because what a script calls is not in the image's folder.
fn environment(errand: &Errand, image: &Image, address: SocketAddr) -> Vec<(String, String)> {
    let of_image = image.config.env.iter().flatten();
    let mut all: Vec<(String, String)> = of_image
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    all.extend(errand.environment.iter().cloned());
    all.push(("HOST".into(), address.ip().to_string()));
    all.push(("PORT".into(), address.port().to_string()));
    all.push(("PATH".into(), std::env::var("PATH").unwrap_or_default()));
    all
}

/// Finds a program in the unpacked image only: what is not in the image does not run.
fn resolve(program: &str, image: &Image) -> Result<PathBuf, String> {
    let folders = [
        "",
        "usr/local/sbin",
        "usr/local/bin",
        "usr/sbin",
        "usr/bin",
        "sbin",
        "bin",
    ];
    let candidates: Vec<PathBuf> = match program.contains('/') {
        true => vec![inside(&image.root, program)],
        false => folders
            .iter()
            .map(|folder| image.root.join(folder).join(program))
            .collect(),
    };
    candidates
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| format!("exec: {program:?}: stat {program}: no such file or directory"))
}

fn inside(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches("./").trim_start_matches('/'))
}

fn free_address() -> Option<SocketAddr> {
    std::iter::repeat_with(|| fastrand::u16(PORTS))
        .take(200)
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .find(|address| TcpListener::bind(address).is_ok())
}

fn exited(status: std::io::Result<ExitStatus>) -> End {
    match status {
        // A shell's convention, and Docker's: 128 and the number of the signal.
        Ok(status) => End::Exited(
            status
                .code()
                .unwrap_or_else(|| 128 + status.signal().unwrap_or_default()),
        ),
        Err(e) => End::CannotStart(format!("CannotStartContainerError: {e}")),
    }
}

/// Sends a signal to the process and to what it has started.
async fn signal(child: &Child, name: &str) {
    let Some(id) = child.id() else {
        return;
    };
    // It fails only when the process has ended meanwhile, which the caller waits for anyway.
    let _ = Command::from(kill(id, name)).status().await;
}
