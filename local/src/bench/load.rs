//! Who asks a server, and how often.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Bench;

/// How many requests were answered in about this time, by a server that is asked again as soon as it has answered.
pub(super) async fn closed(bench: &Bench, port: u16, path: &str, time: Duration) -> Result<f64> {
    let arguments = [
        "closed",
        &port.to_string(),
        path,
        &time.as_millis().to_string(),
    ];
    Ok(run(bench, &arguments).await?.trim().parse()?)
}

/// How long each answer took when so many are asked for in a second, in milliseconds, from the time at which it was due.
pub(super) async fn open(
    bench: &Bench,
    port: u16,
    path: &str,
    time: Duration,
    rate: u32,
) -> Result<Vec<f64>> {
    let (port, time, rate) = (
        port.to_string(),
        time.as_millis().to_string(),
        rate.to_string(),
    );
    let said = run(bench, &["open", &port, path, &time, &rate]).await?;
    let times = said.lines().map(|line| Ok(line.parse::<f64>()? / 1e6));
    times.collect()
}

async fn run(bench: &Bench, arguments: &[&str]) -> Result<String> {
    let mut load = Command::new(bench.paths.service("load"));
    load.args(arguments);
    let output = tokio::task::spawn_blocking(move || load.output()).await?;
    let output = output.context("start the load")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "the load failed: {said}");
    Ok(String::from_utf8(output.stdout)?)
}

/// Clients that listen to a stream for as long as this lives.
pub(super) async fn listeners(port: u16, path: &str, count: usize) -> Result<Vec<TcpStream>> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(&request(path)).await?;
        streams.push(stream);
    }
    let mut buffer = [0; 1024];
    for stream in &mut streams {
        let read = stream.read(&mut buffer).await?;
        let status = buffer[..read].starts_with(b"HTTP/1.1 200");
        ensure!(status, "a listener was not let in");
    }
    Ok(streams)
}

/// One answer: its head and its body. An error if its status is not 200.
pub(super) async fn fetch(port: u16, path: &str) -> Result<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(&request(path)).await?;
    let mut answer = Vec::new();
    loop {
        let read = stream.read_buf(&mut answer).await?;
        ensure!(read > 0, "the server hung up");
        if let Some(length) = whole(&answer)?
            && answer.len() >= length
        {
            let end = find(&answer, b"\r\n\r\n").context("an answer without an end")?;
            let head = String::from_utf8_lossy(&answer[..end]).into_owned();
            return Ok((head, answer[end + 4..].to_vec()));
        }
    }
}

fn request(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes()
}

/// How long an answer is with its head, once the head is there.
fn whole(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(end) = find(bytes, b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    if !head.starts_with("http/1.1 200") {
        bail!(
            "the server answered {}",
            head.lines().next().unwrap_or_default()
        );
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .context("an answer does not say how long it is")?;
    Ok(Some(end + 4 + length.trim().parse::<usize>()?))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|it| it == wanted)
}
