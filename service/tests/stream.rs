//! The binary with a thousand open streams: what they weigh, and that they do not hold it up when it stops.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use local::ministack::Ministack;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

const STREAMS: usize = 1000;
/// What a thousand of them may weigh in an unoptimised build, in kilobytes.
const HEAVIEST: u64 = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(20);

struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already unless the test fails.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(endpoint: &str, table: &str, port: u16) -> Service {
    let child = Command::new(env!("CARGO_BIN_EXE_service"))
        .env_clear()
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("COUPLET_LEDGER_TABLE", table)
        .env("COUPLET_REQUESTS_PER_SECOND", "0")
        .env("HOST", "127.0.0.1")
        .env("PORT", port.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Service(child.expect("start the service"))
}

async fn connect(port: u16) -> TcpStream {
    let end = Instant::now() + PATIENCE;
    loop {
        match TcpStream::connect(("127.0.0.1", port)).await {
            Ok(stream) => return stream,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// A stream that has said hello.
async fn listen(port: u16) -> TcpStream {
    let mut stream = connect(port).await;
    let request = b"GET /events HTTP/1.1\r\nhost: board\r\n\r\n";
    stream.write_all(request).await.expect("ask");
    let mut said = Vec::new();
    while !String::from_utf8_lossy(&said).contains("data: ") {
        let mut part = [0; 1024];
        let length = timeout(PATIENCE, stream.read(&mut part)).await;
        let length = length.expect("in time").expect("read");
        assert_ne!(length, 0, "the stream ended");
        said.extend_from_slice(&part[..length]);
    }
    stream
}

/// The resident memory of a process in kilobytes.
fn memory(process: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).expect("status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let size = line.and_then(|line| line.split_whitespace().nth(1));
    size.and_then(|size| size.parse().ok()).expect("VmRSS")
}

#[tokio::test]
async fn a_thousand_streams_are_light_and_end_with_the_service() {
    let ministack = Ministack::shared_for_tests().await;
    let table = "service-stream";
    ministack.create_ledger_table(table).await.expect("table");
    let free = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = free.local_addr().expect("address").port();
    drop(free);
    let mut service = start(ministack.url(), table, port);

    let mut streams = vec![listen(port).await];
    let before = memory(&service.0);
    while streams.len() < STREAMS {
        streams.push(listen(port).await);
    }
    let more = memory(&service.0).saturating_sub(before);
    assert!(more < HEAVIEST, "{STREAMS} streams weigh {more} kB");

    let told = Command::new("kill")
        .args(["-TERM", &service.0.id().to_string()])
        .status();
    assert!(told.expect("kill").success());
    let began = Instant::now();
    for stream in &mut streams {
        let mut rest = Vec::new();
        let read = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
        read.expect("the stream ends").expect("in good order");
        // The last chunk of an answer that was finished, not broken off.
        assert!(rest.ends_with(b"0\r\n\r\n"), "{rest:?}");
    }
    let status = loop {
        if let Some(status) = service.0.try_wait().expect("wait") {
            break status;
        }
        assert!(began.elapsed() < PATIENCE);
        sleep(Duration::from_millis(20)).await;
    };
    assert!(status.success(), "{status}");
    // Far below the limit after which connections are cut.
    assert!(began.elapsed() < Duration::from_secs(5));
}
