//! A thousand open streams: what they cost the ledger, what they weigh, and that they do not hold the service up when it
//! stops.

use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::TimeDelta;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::outside::{Outside, PATIENCE};

const STREAMS: usize = 1000;
/// What a thousand of them may weigh in an unoptimised build, in kilobytes.
const HEAVIEST: u64 = 64 * 1024;
/// How long the readings of the ledger are counted: three of them with a rollout under way.
const WINDOW: Duration = Duration::from_secs(6);

#[tokio::test]
async fn a_thousand_streams_cost_what_one_does_are_light_and_end_with_the_service() -> Result<()> {
    let mut outside = Outside::start("whole-stream").await?;
    let web = outside.target("web", "production").await?;
    outside.roll_out(&web, 1, TimeDelta::seconds(10)).await?;

    // Nobody listens: the one reading is for the count itself.
    let idle = readings(&outside).await?;
    assert!(idle <= 1, "{idle} readings while nobody listens");

    let mut streams = vec![listen(&outside).await?];
    let one = readings(&outside).await?;
    assert!(one >= 2, "{one} readings while somebody listens");

    let before = memory(&outside.service)?;
    while streams.len() < STREAMS {
        streams.push(listen(&outside).await?);
    }
    let more = memory(&outside.service)?.saturating_sub(before);
    assert!(more < HEAVIEST, "{STREAMS} streams weigh {more} kB");
    let all = readings(&outside).await?;
    println!("readings in {WINDOW:?}: {idle} idle, {one} for one stream, {all} for {STREAMS}");
    // As many as fit into the time, and the one for the count.
    assert!(
        all <= one.max(3) + 1,
        "{all} readings for {STREAMS} streams, {one} for one"
    );

    let told = Command::new("kill")
        .args(["-TERM", &outside.service.id().to_string()])
        .status()?;
    assert!(told.success());
    let began = Instant::now();
    for stream in &mut streams {
        let mut rest = Vec::new();
        let read = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
        read.context("the stream does not end")?
            .context("the stream breaks off")?;
        // The last chunk of an answer that was finished, not broken off.
        assert!(rest.ends_with(b"0\r\n\r\n"), "{rest:?}");
    }
    let status = loop {
        if let Some(status) = outside.service.try_wait()? {
            break status;
        }
        assert!(began.elapsed() < PATIENCE);
        sleep(Duration::from_millis(20)).await;
    };
    assert!(status.success(), "{status}");
    // Far below the limit after which connections are cut.
    assert!(began.elapsed() < Duration::from_secs(5));
    Ok(())
}

/// A stream that has said hello.
async fn listen(outside: &Outside) -> Result<TcpStream> {
    let mut stream = outside.connect().await?;
    let request = b"GET /events HTTP/1.1\r\nhost: board\r\n\r\n";
    stream.write_all(request).await?;
    let mut said = Vec::new();
    while !String::from_utf8_lossy(&said).contains("data: ") {
        let mut part = [0; 1024];
        let length = timeout(PATIENCE, stream.read(&mut part)).await??;
        assert_ne!(length, 0, "the stream ended");
        said.extend_from_slice(&part[..length]);
    }
    Ok(stream)
}

/// How often all of the ledger is read in a [`WINDOW`].
async fn readings(outside: &Outside) -> Result<u64> {
    let before = requests(outside).await?;
    sleep(WINDOW).await;
    // The targets; the head and the history of one.
    Ok((requests(outside).await? - before) / 3)
}

/// How often DynamoDB was asked until now, as the service itself says.
async fn requests(outside: &Outside) -> Result<u64> {
    let mut stream = outside.connect().await?;
    let request = b"GET /metrics HTTP/1.1\r\nhost: board\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await?;
    let mut said = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut said)).await??;
    let mut lines = said.lines();
    let count = lines.find_map(|line| line.strip_prefix("couplet_ledger_requests_total "));
    Ok(count.context("no count")?.parse()?)
}

/// The resident memory of a process in kilobytes.
fn memory(process: &Child) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id()))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let size = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(size.context("no VmRSS")?.parse()?)
}
