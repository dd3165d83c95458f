//! A program under measurement: on a processor of its own, and what it has used.
//!
//! The processor's time and the peak of its memory are read from `/proc`, so they are measured on Linux only.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child as Process, Command, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
#[cfg(target_os = "linux")]
use rustix::fs::{Advice, fadvise};
use rustix::process::{Pid, Signal, kill_process};
#[cfg(target_os = "linux")]
use rustix::thread::{CpuSet, sched_setaffinity};

/// A running program. It ends when this is dropped.
pub(super) struct Child {
    process: Process,
    /// When it was started.
    pub(super) started: Instant,
}

/// What a program has used until now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    /// The time of all its threads on a processor.
    pub(super) cpu: Duration,
    /// The most memory that it ever had.
    pub(super) peak_kib: f64,
    /// The memory that it has now.
    pub(super) resident_kib: f64,
}

/// How many processors there are for what is measured and for what measures. With only one they share it. It is asked once,
/// because a thread that was put aside sees fewer.
pub(super) fn processors() -> usize {
    static COUNT: LazyLock<usize> =
        LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));
    *COUNT
}

/// Keeps this thread, and what it starts, on one processor.
#[cfg(target_os = "linux")]
fn pin(processor: usize) {
    let mut set = CpuSet::new();
    set.set(processor);
    // A container may not have that one; then nothing is pinned.
    let _ = sched_setaffinity(None, &set);
}

#[cfg(not(target_os = "linux"))]
fn pin(_: usize) {}

/// Keeps all of our own threads off the processor of what is measured, as long as this lives.
pub(super) struct Aside(bool);

impl Aside {
    /// From now on.
    pub(super) fn step() -> Aside {
        let has_two = processors() > 1;
        if has_two {
            place(&format!("1-{}", processors() - 1));
        }
        Aside(has_two)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if self.0 {
            place(&format!("0-{}", processors() - 1));
        }
    }
}

/// Threads that are there already can be moved from outside only.
fn place(processors: &str) {
    let us = std::process::id().to_string();
    let _ = Command::new("taskset")
        .args(["-a", "-c", "-p", processors, &us])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

impl Child {
    /// Starts a program on the first processor, without a word of it reaching the terminal. Its last words stand in `log`.
    pub(super) fn start(mut command: Command, log: &Path) -> Result<Child> {
        let file = fs::File::create(log).with_context(|| format!("make {}", log.display()))?;
        command.stdout(file.try_clone()?).stderr(file);
        Child::spawn(command)
    }

    /// The same for a server that writes a line for every request: to a pipe, as a container's go, and nobody keeps them.
    pub(super) fn serve(mut command: Command) -> Result<Child> {
        let (mut lines, pipe) = io::pipe().context("make a pipe")?;
        command.stdout(pipe.try_clone()?).stderr(pipe);
        thread::spawn(move || io::copy(&mut lines, &mut io::sink()));
        Child::spawn(command)
    }

    /// Keeps the first processor from falling asleep: how long a virtual one takes to wake up is its host's affair. It gives
    /// way to everything else. Nothing without `chrt`, or where all share one processor.
    pub(super) fn awake() -> Option<Child> {
        let mut command = Command::new("chrt");
        command.args(["--idle", "0", "sh", "-c", "while :; do :; done"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        (processors() > 1)
            .then(|| Child::spawn(command).ok())
            .flatten()
    }

    fn spawn(mut command: Command) -> Result<Child> {
        command.stdin(Stdio::null());
        let program = command.get_program().to_string_lossy().into_owned();
        let start = move || -> io::Result<(Process, Instant)> {
            if processors() > 1 {
                pin(0);
            }
            let started = Instant::now();
            Ok((command.spawn()?, started))
        };
        let started = thread::spawn(start).join();
        let Ok(started) = started else {
            bail!("the thread that starts {program} panicked");
        };
        let (process, started) = started.with_context(|| format!("start {program}"))?;
        Ok(Child { process, started })
    }

    /// What it has used, with the processes that it has started and that still run.
    pub(super) fn used(&self) -> Result<Used> {
        used(self.process.id())
    }

    /// Whether it still runs.
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Waits for its end; whether that was a good one.
    pub(super) fn wait(mut self) -> Result<bool> {
        Ok(self.process.wait().context("wait for a program")?.success())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.is_running() {
            return;
        }
        // Politely first: gunicorn takes its workers with it.
        if let Some(pid) = Pid::from_raw(self.process.id() as i32) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + Duration::from_millis(500);
        while self.is_running() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn used(process: u32) -> Result<Used> {
    let folder = format!("/proc/{process}");
    let status = fs::read_to_string(format!("{folder}/status"))?;
    let mut all = Used {
        cpu: Duration::ZERO,
        peak_kib: field(&status, "VmHWM:")?,
        resident_kib: field(&status, "VmRSS:")?,
    };
    for thread in fs::read_dir(format!("{folder}/task"))? {
        let thread = thread?.path();
        // A thread may end between the two looks.
        let Ok(text) = fs::read_to_string(thread.join("schedstat")) else {
            continue;
        };
        let first = text.split_whitespace().next().unwrap_or_default();
        all.cpu += Duration::from_nanos(first.parse().unwrap_or_default());
        let children = fs::read_to_string(thread.join("children")).unwrap_or_default();
        for child in children.split_whitespace() {
            let child = used(child.parse()?)?;
            all.cpu += child.cpu;
            all.peak_kib += child.peak_kib;
            all.resident_kib += child.resident_kib;
        }
    }
    Ok(all)
}

fn field(status: &str, name: &str) -> Result<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    let number = number.with_context(|| format!("/proc says no {name}"))?;
    Ok(number.parse()?)
}

/// Takes a file, or all files of a folder, out of the kernel's cache: the next who reads them reads the disk.
pub(super) fn forget(path: &Path) -> Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            if !entry.file_type()?.is_symlink() {
                forget(&entry.path())?;
            }
        }
        return Ok(());
    }
    let file = fs::File::open(path).with_context(|| format!("open {}", path.display()))?;
    // What is not on the disk yet stays in the cache.
    file.sync_all()?;
    #[cfg(target_os = "linux")]
    fadvise(&file, 0, None, Advice::DontNeed)?;
    Ok(())
}
