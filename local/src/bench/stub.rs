//! An AWS and a GitHub that answer at once and remember who asked what: what is measured against them is ours alone.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as Poller, Poll};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::answers::{self, World};

/// A stub that listens for as long as we run.
#[derive(Clone)]
pub(super) struct Stub {
    /// Where it listens, without a slash at the end.
    pub(super) url: String,
    /// Where each of some services listens: to a client they are hosts of their own, as AWS's are.
    pub(super) hosts: Vec<(&'static str, String)>,
    state: Arc<State>,
}

/// The variables that name the hosts.
const HOSTS: [&str; 3] = [
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_ECR",
    "AWS_ENDPOINT_URL_ECS",
];

struct State {
    world: Mutex<World>,
    calls: Mutex<Vec<Call>>,
    began: Instant,
    connections: AtomicUsize,
    received: AtomicU64,
    sent: AtomicU64,
}

/// One call that was answered.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// As in `ECS.UpdateService`.
    pub(super) operation: String,
    /// When it came, since the stub began.
    pub(super) came: Duration,
    /// When it was answered.
    pub(super) answered: Duration,
}

/// What went through since the last look.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic {
    pub(super) calls: Vec<Call>,
    pub(super) connections: usize,
    /// What clients sent, with TLS and headers.
    pub(super) received: u64,
    /// What they were answered, likewise.
    pub(super) sent: u64,
}

impl Stub {
    /// Listens on free ports, with TLS if there is a certificate.
    pub(super) async fn start(tls: Option<TlsAcceptor>) -> Result<Stub> {
        let state = Arc::new(State {
            world: Mutex::new(World::of(1)),
            calls: Mutex::default(),
            began: Instant::now(),
            connections: AtomicUsize::new(0),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        });
        let mut stub = Stub {
            url: String::new(),
            hosts: Vec::new(),
            state,
        };
        stub.url = stub.listen(tls.clone()).await?;
        for host in HOSTS {
            stub.hosts.push((host, stub.listen(tls.clone()).await?));
        }
        Ok(stub)
    }

    /// Another port of the same stub.
    async fn listen(&self, tls: Option<TlsAcceptor>) -> Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let serving = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.state.connections.fetch_add(1, Ordering::Relaxed);
                // Without it the kernel waits for more to send, which is none of the client's time.
                let _ = stream.set_nodelay(true);
                tokio::spawn(serving.clone().serve(stream, tls.clone()));
            }
        });
        // The certificate is for a name: an address is not what AWS has.
        Ok(format!("{scheme}://localhost:{port}"))
    }

    /// Changes what there is.
    pub(super) fn set(&self, change: impl FnOnce(&mut World)) {
        change(
            &mut self
                .state
                .world
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// What went through since this was asked last.
    pub(super) fn take(&self) -> Traffic {
        let state = &self.state;
        Traffic {
            calls: std::mem::take(&mut state.calls.lock().unwrap_or_else(PoisonError::into_inner)),
            connections: state.connections.swap(0, Ordering::Relaxed),
            received: state.received.swap(0, Ordering::Relaxed),
            sent: state.sent.swap(0, Ordering::Relaxed),
        }
    }

    async fn serve(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        let stream = Counted {
            stream,
            state: Arc::clone(&self.state),
        };
        // A client that ends is no error of ours.
        let _ = match tls {
            Some(tls) => match tls.accept(stream).await {
                Ok(stream) => self.serve_stream(stream).await,
                Err(error) => {
                    eprintln!("stub: no TLS: {error}");
                    Ok(())
                }
            },
            None => self.serve_stream(stream).await,
        };
    }

    async fn serve_stream(&self, stream: impl AsyncRead + AsyncWrite + Unpin) -> hyper::Result<()> {
        let answer = service_fn(async |request| {
            Ok::<_, Infallible>(self.answer(request).await.unwrap_or_else(|error| {
                eprintln!("stub: {error:#}");
                let body = Full::new(Bytes::from(format!("{error:#}")));
                let mut response = Response::new(body);
                *response.status_mut() = hyper::StatusCode::BAD_REQUEST;
                response
            }))
        });
        http1::Builder::new()
            .serve_connection(TokioIo::new(stream), answer)
            .await
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
        let came = self.state.began.elapsed();
        let (head, body) = request.into_parts();
        let body = body.collect().await.context("read a request")?.to_bytes();
        let body: Value = match body.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&body).context("a request is no JSON")?,
        };
        let target = head.headers.get("x-amz-target");
        let target = target.and_then(|it| it.to_str().ok());
        let (answer, patience, operation) = {
            let world = self
                .state
                .world
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let (answer, operation) = match target {
                Some(target) => (answers::aws(&world, target, &body)?, answers::short(target)),
                None => {
                    let path = head.uri.path();
                    let operation = format!("GitHub.{}", head.method);
                    (answers::github(&head.method, path)?, operation)
                }
            };
            (answer, world.latency, operation)
        };
        if !patience.is_zero() {
            tokio::time::sleep(patience).await;
        }
        let call = Call {
            operation,
            came,
            answered: self.state.began.elapsed(),
        };
        let mut calls = self
            .state
            .calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        calls.push(call);
        Ok(Response::builder()
            .header("content-type", "application/x-amz-json-1.1")
            .body(Full::new(Bytes::from(answer)))?)
    }
}

/// A stream whose bytes are counted.
struct Counted {
    stream: TcpStream,
    state: Arc<State>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        poller: &mut Poller<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(poller, buffer);
        let count = (buffer.filled().len() - before) as u64;
        self.state.received.fetch_add(count, Ordering::Relaxed);
        read
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        poller: &mut Poller<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(poller, bytes);
        if let Poll::Ready(Ok(count)) = &written {
            self.state.sent.fetch_add(*count as u64, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(poller)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(poller)
    }
}
