//! Load: as much as a server takes, or so much in a second whatever it takes. Both end by themselves. This is a program of its
//! own because it must be quicker than what it measures.
//!
//! ```text
//! load closed PORT PATH MILLISECONDS        prints how many were answered
//! load open PORT PATH MILLISECONDS RATE     prints how long each took, in nanoseconds
//! ```

use std::env;
use std::io::{Read, Write};
use std::net::TcpStream as Blocking;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How many connections ask at the same time when a server is asked for all that it can do.
const CONNECTIONS: usize = 32;
/// How many connections share a fixed rate.
const SENDERS: u32 = 8;
/// Before its time a sender sleeps no longer: the kernel wakes it late.
const SPIN: Duration = Duration::from_micros(150);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [how, port, path, time, more @ ..] = arguments.as_slice() else {
        bail!("load closed PORT PATH MILLISECONDS, or load open PORT PATH MILLISECONDS RATE");
    };
    let (port, time) = (port.parse()?, Duration::from_millis(time.parse()?));
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes();
    match (how.as_str(), more) {
        ("closed", []) => println!("{}", closed(port, request, time).await?),
        ("open", [rate]) => {
            let times = open(port, &request, rate.parse()?, time)?;
            let lines: Vec<String> = times.iter().map(|it| it.as_nanos().to_string()).collect();
            println!("{}", lines.join("\n"));
        }
        _ => bail!("{how} is not understood"),
    }
    Ok(())
}

/// How many requests were answered in about this time, by a server that is asked again as soon as it has answered.
async fn closed(port: u16, request: Vec<u8>, time: Duration) -> Result<u64> {
    let end = Instant::now() + time;
    let asking = (0..CONNECTIONS).map(|_| tokio::spawn(ask(port, request.clone(), end)));
    let asking: Vec<_> = asking.collect();
    let mut answered = 0;
    for one in asking {
        answered += one.await??;
    }
    Ok(answered)
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

/// How long each answer took when so many are asked for in a second, from the time at which it should have been sent: a
/// server that stops for a moment does not make the moments after it disappear.
fn open(port: u16, request: &[u8], rate: u32, time: Duration) -> Result<Vec<Duration>> {
    let apart = Duration::from_secs(1) * SENDERS / rate;
    let count = (time.as_secs_f64() / apart.as_secs_f64()) as u32;
    let begin = Instant::now() + Duration::from_millis(50);
    let senders = (0..SENDERS).map(|number| {
        let (request, first) = (request.to_vec(), begin + apart * number / SENDERS);
        thread::spawn(move || send(port, &request, first, apart, count))
    });
    let senders: Vec<_> = senders.collect();
    let mut times = Vec::new();
    for sender in senders {
        let sent = sender.join().map_err(|_| anyhow!("a sender panicked"))?;
        times.extend(sent?);
    }
    Ok(times)
}

fn send(
    port: u16,
    request: &[u8],
    first: Instant,
    apart: Duration,
    count: u32,
) -> Result<Vec<Duration>> {
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
        times.push(due.elapsed());
    }
    Ok(times)
}

/// How long an answer is with its head, once the head is there.
fn whole(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") else {
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
