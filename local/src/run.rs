//! Runs a program whose output goes to a file.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// How long a program may take to end when it is told to.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// Runs `command` to its end. Every line of its output goes to the file `log` and to `each`, as it comes. If nobody
/// waits for the end any more, the program and what it has started are stopped.
pub(crate) async fn logged(
    mut command: Command,
    log: &Path,
    mut each: impl FnMut(&str),
) -> Result<ExitStatus> {
    let program = command
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned();
    let mut file = File::create(log).with_context(|| format!("make {}", log.display()))?;
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C in the terminal reaches every process of its group; how this one ends is ours to say.
        .process_group(0)
        .spawn()
        .with_context(|| format!("start {program}"))?;
    let mut running = Running(child);
    let (sender, mut lines) = unbounded_channel();
    read(running.0.stdout.take(), sender.clone());
    read(running.0.stderr.take(), sender);
    while let Some(line) = lines.recv().await {
        each(&line);
        writeln!(file, "{line}").with_context(|| format!("write {}", log.display()))?;
    }
    running
        .0
        .wait()
        .await
        .with_context(|| format!("wait for {program}"))
}

/// What sends a signal to a group of processes, named by its first: the shell's own `kill`, because a call of the
/// system's would be unsafe.
pub(crate) fn kill(group: u32, signal: &str) -> std::process::Command {
    let mut kill = std::process::Command::new("sh");
    kill.arg("-c")
        .arg(format!("kill -s {signal} -- -{group}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    kill
}

/// A program that is stopped when this is dropped before it has ended.
struct Running(Child);

impl Drop for Running {
    /// Blocks, because nothing that is left to others would be done before our process ends.
    fn drop(&mut self) {
        let Some(group) = self.0.id() else {
            return;
        };
        // Both fail only when nobody of the group is left.
        let _ = kill(group, "TERM").status();
        let deadline = Instant::now() + STOP_TIMEOUT;
        while matches!(self.0.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(PAUSE);
        }
        let _ = kill(group, "KILL").status();
    }
}

fn read(stream: Option<impl AsyncRead + Unpin + Send + 'static>, sender: UnboundedSender<String>) {
    let Some(stream) = stream else { return };
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn a_program_that_nobody_waits_for_is_told_to_end() {
        let folder = tempfile::tempdir().unwrap();
        let (log, told) = (folder.path().join("log"), folder.path().join("told"));
        let script = format!(
            "trap 'touch {}; exit' TERM; echo begun; sleep 60 & wait",
            told.display()
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]);
        let (sender, mut begun) = unbounded_channel();
        tokio::select! {
            _ = logged(command, &log, |line| sender.send(line.to_owned()).unwrap()) => panic!("it ended"),
            line = begun.recv() => assert_eq!(line.as_deref(), Some("begun")),
        }
        assert!(told.exists());
    }

    #[tokio::test]
    async fn the_log_has_every_line() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two; exit 3"]);
        let mut seen = Vec::new();
        let status = logged(command, &log, |line| seen.push(line.to_owned()));
        assert_eq!(status.await.unwrap().code(), Some(3));
        assert_eq!(seen, ["one", "two"]);
        assert_eq!(fs::read_to_string(&log).unwrap(), "one\ntwo\n");
    }
}
