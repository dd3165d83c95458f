//! Whether the service is alive, and what it is.

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use poem::handler;
use poem::web::{Data, Json};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::app::Service;
use crate::failure::Failure;
use crate::metrics;
use crate::settings::{self, Identity};

/// Where the balancer and ECS ask.
pub(crate) const ALIVE: &str = "/healthz";
/// Where a person or a monitor asks.
pub(crate) const READY: &str = "/readyz";

/// Where a script asks whether its release is live.
pub(crate) const VERSION: &str = "/version";
/// What machines ask, again and again: that is neither counted nor worth a line in the log.
pub(crate) const PROBES: [&str; 4] = [ALIVE, READY, VERSION, metrics::PATH];

const REQUEST: &[u8] = b"GET /healthz HTTP/1.0\r\n\r\n";
const LIMIT: Duration = Duration::from_secs(1);
/// Shorter than a monitor's patience, and than what a page gives the ledger.
const READY_LIMIT: Duration = Duration::from_secs(2);

/// Alive. It touches nothing: a ledger that cannot be read is no reason to replace the task.
#[handler]
pub(crate) fn alive() -> &'static str {
    "ok"
}

/// Ready: the ledger can be read, and soon enough.
#[handler]
pub(crate) async fn ready(service: Data<&Arc<Service>>) -> Result<&'static str, Failure> {
    let limit = READY_LIMIT.as_secs();
    timeout(READY_LIMIT, service.watch.seen())
        .await
        .with_context(|| format!("the ledger did not answer within {limit} s"))??;
    Ok("ready")
}

/// What runs here.
#[handler]
pub(crate) fn version(service: Data<&Arc<Service>>) -> Json<Identity> {
    Json(service.identity.clone())
}

/// Asks the service that runs beside this process whether it is alive. ECS runs this in the container, whose
/// image has neither a shell nor curl.
pub(crate) async fn check(variable: impl Fn(&str) -> Option<String>) -> Result<()> {
    let port = settings::port(variable("PORT"))?;
    timeout(LIMIT, ask(port))
        .await
        .with_context(|| format!("no answer from port {port} within {} s", LIMIT.as_secs()))?
        .with_context(|| format!("the service on port {port} is not healthy"))
}

async fn ask(port: u16) -> Result<()> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.writable().await?;
    // A few bytes always fit into a new connection's buffer.
    let written = stream.try_write(REQUEST)?;
    ensure!(written == REQUEST.len(), "it does not read its request");
    let answer = read(&stream).await?;
    let line = answer.lines().next().unwrap_or_default();
    let status = line.split(' ').nth(1).unwrap_or_default();
    ensure!(status == "200", "it answered `{line}`");
    Ok(())
}

/// Reads until the first line is there or the answer ends.
async fn read(stream: &TcpStream) -> Result<String> {
    let mut answer = Vec::new();
    let mut buffer = [0; 256];
    while answer.len() < 1024 && !answer.contains(&b'\n') {
        stream.readable().await?;
        match stream.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// The outcome of a check against a server that says `answer`, or nothing at all.
    async fn check_against(answer: Option<&'static str>) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("listen");
        let port = listener.local_addr().expect("address").port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("accept");
            let _ = stream.read(&mut [0; 256]).expect("request");
            match answer {
                Some(answer) => stream.write_all(answer.as_bytes()).expect("answer"),
                // Held open until the other side gives up.
                None => drop(stream.read(&mut [0; 256])),
            }
        });
        let outcome = check(|_| Some(port.to_string())).await;
        server.join().expect("server");
        match outcome {
            Ok(()) => "healthy".to_owned(),
            Err(error) => format!("{error:#}").replace(&port.to_string(), "P"),
        }
    }

    #[tokio::test]
    async fn only_a_200_is_healthy() {
        let rows = [
            (Some("HTTP/1.0 200 OK\r\n\r\nok"), "healthy"),
            (
                Some("HTTP/1.0 503 Service Unavailable\r\n\r\n"),
                "the service on port P is not healthy: it answered `HTTP/1.0 503 Service Unavailable`",
            ),
            (
                Some("200"),
                "the service on port P is not healthy: it answered `200`",
            ),
            (
                None,
                "no answer from port P within 1 s: deadline has elapsed",
            ),
        ];
        for (answer, expected) in rows {
            assert_eq!(check_against(answer).await, expected);
        }
    }

    #[tokio::test]
    async fn nobody_there_is_not_healthy() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("listen");
        let port = listener.local_addr().expect("address").port().to_string();
        drop(listener);
        let error = check(|_| Some(port.clone()))
            .await
            .expect_err("nobody there");
        assert!(
            error.to_string().starts_with("the service on port"),
            "{error:#}"
        );
    }
}
