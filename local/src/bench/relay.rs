//! A wire that is listened to: passes every byte on and notes which calls went through it, by whichever client.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::answers::short;
use super::stub::{Call, Traffic};

/// The header that names an operation, as clients write it.
const TARGET: &[u8] = b"x-amz-target:";

/// A relay that listens for as long as we run.
#[derive(Clone)]
pub(super) struct Relay {
    /// Where it listens, without a slash at the end.
    pub(super) url: String,
    heard: Arc<Mutex<Traffic>>,
    began: Instant,
}

impl Relay {
    /// Passes all on to `address`.
    pub(super) async fn start(address: String) -> Result<Relay> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let relay = Relay {
            url: format!("http://{}", listener.local_addr()?),
            heard: Arc::default(),
            began: Instant::now(),
        };
        let passing = relay.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (relay, address) = (passing.clone(), address.clone());
                tokio::spawn(async move {
                    // Either side may end a connection whenever it likes.
                    let _ = relay.pass(client, &address).await;
                });
            }
        });
        Ok(relay)
    }

    /// What went through since this was asked last.
    pub(super) fn take(&self) -> Traffic {
        self.with(std::mem::take)
    }

    async fn pass(&self, mut client: TcpStream, address: &str) -> io::Result<()> {
        let mut server = TcpStream::connect(address).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        self.with(|heard| heard.connections += 1);
        let (mut from_client, mut from_server) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
        // The call that this connection waits for: HTTP/1.1 has one at a time.
        let mut open = None;
        loop {
            tokio::select! {
                read = client.read(&mut from_client) => {
                    let bytes = &from_client[..read?];
                    if bytes.is_empty() {
                        return server.shutdown().await;
                    }
                    let named = operation(bytes);
                    let came = self.began.elapsed();
                    self.with(|heard| {
                        heard.received += bytes.len() as u64;
                        if let Some(operation) = named {
                            open = Some(heard.calls.len());
                            heard.calls.push(Call { operation, came, answered: came });
                        }
                    });
                    server.write_all(bytes).await?;
                }
                read = server.read(&mut from_server) => {
                    let bytes = &from_server[..read?];
                    if bytes.is_empty() {
                        return client.shutdown().await;
                    }
                    let now = self.began.elapsed();
                    self.with(|heard| {
                        heard.sent += bytes.len() as u64;
                        if let Some(call) = open.and_then(|place| heard.calls.get_mut(place)) {
                            call.answered = now;
                        }
                    });
                    client.write_all(bytes).await?;
                }
            }
        }
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut Traffic) -> T) -> T {
        use_it(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The operation that the first bytes of a request name.
fn operation(bytes: &[u8]) -> Option<String> {
    let mut windows = bytes.windows(TARGET.len());
    let at = windows.position(|it| it.eq_ignore_ascii_case(TARGET))?;
    let rest = &bytes[at + TARGET.len()..];
    let end = rest.iter().position(|byte| *byte == b'\r')?;
    Some(short(String::from_utf8_lossy(&rest[..end]).trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_known_by_its_header_whoever_writes_it() {
        for header in ["x-amz-target", "X-Amz-Target"] {
            let request = format!(
                "POST / HTTP/1.1\r\n{header}: AmazonEC2ContainerServiceV20141113.UpdateService\r\n\r\n{{}}"
            );
            let named = operation(request.as_bytes());
            assert_eq!(named.as_deref(), Some("ECS.UpdateService"));
        }
        assert_eq!(operation(b"{\"more\": \"of a body\"}"), None);
    }
}
