//! Runs a program whose output goes to a file.

use std::fs;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Runs `command` to its end. Every line of its output goes to the file `log` and to `each`.
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
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("start {program}"))?;
    let (sender, mut lines) = unbounded_channel();
    read(child.stdout.take(), sender.clone());
    read(child.stderr.take(), sender);
    let mut text = String::new();
    while let Some(line) = lines.recv().await {
        each(&line);
        text.push_str(&line);
        text.push('\n');
    }
    fs::write(log, text).with_context(|| format!("write {}", log.display()))?;
    child
        .wait()
        .await
        .with_context(|| format!("wait for {program}"))
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
