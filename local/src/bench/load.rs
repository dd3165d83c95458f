//! Load: as much as a server takes, or so much in a second whatever it takes. Both end by themselves.

use std::io::{Read, Write};
use std::net::TcpStream as Blocking;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How many connections ask at the same time when a server is asked for all that it can do.
const CONNECTIONS: usize = 32;
/// How many connections share a fixed rate.
const SENDERS: u32 = 8;
/// Before its time a sender sleeps no longer: the kernel wakes it late.
const SPIN: Duration = Duration::from_micros(150);

/// How many requests were answered in about this time, by a server that is asked again as soon as it has answered.
pub(super) async fn closed(port: u16, path: &str, time: Duration) -> Result<u64> {
    let request = request(path);
    tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let end = Instant::now() + time;
            let asking = (0..CONNECTIONS).map(|_| tokio::spawn(ask(port, request.clone(), end)));
            let asking: Vec<_> = asking.collect();
            let mut answered = 0;
            for one in asking {
                answered += one.await??;
            }
            Ok(answered)
        })
    })
    .await?
}

async fn ask(port: u16, request: Vec<u8>, end: Instant) -> Result<u64> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 256 * 1024];
    let (mut answered, mut length) = (0, 0);
    while Instant::now() < end {
        stream.write_all(&request).await?;
        let mut filled = 0;
        // Every answer to a request is as long as the first: it is looked into once.
        while filled == 0 || filled < length {
            let read = stream.read(&mut buffer[filled..]).await?;
            ensure!(read > 0, "the server hung up");
            filled += read;
            if length == 0 {
                length = whole(&buffer[..filled])?.unwrap_or(0);
            }
        }
        answered += 1;
    }
    Ok(answered)
}

/// How long each answer took when so many are asked for in a second, in milliseconds, from the time at which it should have
/// been sent: a server that stops for a moment does not make the moments after it disappear.
pub(super) async fn open(port: u16, path: &str, rate: u32, time: Duration) -> Result<Vec<f64>> {
    let request = request(path);
    let apart = Duration::from_secs(1) * SENDERS / rate;
    let count = (time.as_secs_f64() / apart.as_secs_f64()) as u32;
    tokio::task::spawn_blocking(move || {
        let begin = Instant::now() + Duration::from_millis(50);
        let senders = (0..SENDERS).map(|number| {
            let (request, first) = (request.clone(), begin + apart * number / SENDERS);
            thread::spawn(move || send(port, &request, first, apart, count))
        });
        let senders: Vec<_> = senders.collect();
        let mut times = Vec::new();
        for sender in senders {
            let sent = sender
                .join()
                .map_err(|_| anyhow::anyhow!("a sender panicked"))?;
            times.extend(sent?);
        }
        Ok(times)
    })
    .await?
}

fn send(
    port: u16,
    request: &[u8],
    first: Instant,
    apart: Duration,
    count: u32,
) -> Result<Vec<f64>> {
    let mut stream = Blocking::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut buffer = vec![0; 256 * 1024];
    let mut times = Vec::with_capacity(count as usize);
    let mut length = 0;
    for number in 0..count {
        let due = first + apart * number;
        let left = due.saturating_duration_since(Instant::now());
        thread::sleep(left.saturating_sub(SPIN));
        while Instant::now() < due {
            std::hint::spin_loop();
        }
        stream.write_all(request)?;
        let mut filled = 0;
        while filled == 0 || filled < length {
            let read = stream.read(&mut buffer[filled..])?;
            ensure!(read > 0, "the server hung up");
            filled += read;
            if length == 0 {
                length = whole(&buffer[..filled])?.unwrap_or(0);
            }
        }
        times.push(super::table::ms(due.elapsed()));
    }
    Ok(times)
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

/// One answer's body; an error if its status is not 200.
pub(super) async fn fetch(port: u16, path: &str) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(&request(path)).await?;
    let mut answer = Vec::new();
    loop {
        let read = stream.read_buf(&mut answer).await?;
        ensure!(read > 0, "the server hung up");
        if let Some(length) = whole(&answer)?
            && answer.len() >= length
        {
            let body = find(&answer, b"\r\n\r\n").context("an answer without an end")? + 4;
            return Ok(answer[body..].to_vec());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(whole(answer).unwrap(), Some(answer.len()));
        assert_eq!(whole(&answer[..20]).unwrap(), None);
        assert!(whole(b"HTTP/1.1 503 x\r\n\r\n").is_err());
    }
}
