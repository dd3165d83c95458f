//! The application load balancer's listener: a reverse proxy in front of the healthy tasks.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use anyhow::Context as _;
use poem::endpoint::make;
use poem::http::{HeaderMap, Method, StatusCode, Uri, header};
use poem::listener::TcpAcceptor;
use poem::{Body, IntoResponse, Request, Response, Server};
use reqwest::Client;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;

use crate::ecs::Controller;
use crate::headers::end_to_end;

/// Requests are held whole before they are sent on, so that another target can get them; no more than this.
const LARGEST_REQUEST: usize = 16 << 20;

/// Listens on `address` until the handle is aborted. Requests go round robin over the targets that are registered and
/// healthy at that moment; a target that is deregistered meanwhile finishes what it has.
pub async fn serve(
    controller: Arc<Controller>,
    address: SocketAddr,
) -> anyhow::Result<JoinHandle<io::Result<()>>> {
    let listening = || format!("listening on {address} as the load balancer");
    let listener = TcpListener::bind(address).await.with_context(listening)?;
    let acceptor = TcpAcceptor::from_tokio(listener).with_context(listening)?;
    let balancer = Arc::new(Balancer {
        controller,
        // Each request has a connection of its own: a kept one may be closed by a stopping task just as it is used.
        client: Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("making the load balancer's client")?,
        turn: AtomicUsize::new(0),
    });
    let endpoint = make(move |request: Request| {
        let balancer = Arc::clone(&balancer);
        async move { Ok::<_, poem::Error>(balancer.pass_on(request).await) }
    });
    Ok(tokio::spawn(
        Server::new_with_acceptor(acceptor).run(endpoint),
    ))
}

struct Balancer {
    controller: Arc<Controller>,
    client: Client,
    turn: AtomicUsize,
}

impl Balancer {
    /// Another target is tried only if the connection to the first could not be opened: then it has seen nothing.
    async fn pass_on(&self, mut request: Request) -> Response {
        let Ok(body) = request.take_body().into_bytes_limit(LARGEST_REQUEST).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        let headers = forwarded(&request);
        let mut targets = self.controller.healthy_targets(None);
        if targets.is_empty() {
            return says(StatusCode::SERVICE_UNAVAILABLE, "no healthy target");
        }
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % targets.len();
        targets.rotate_left(first);
        for target in targets {
            let sent = self
                .client
                .request(request.method().clone(), url(target, request.uri()))
                .headers(headers.clone())
                .body(body.clone())
                .send()
                .await;
            match sent {
                Ok(response) => return answer(request.method(), response),
                Err(error) if error.is_connect() => {}
                Err(_) => return says(StatusCode::BAD_GATEWAY, "the target did not answer"),
            }
        }
        says(StatusCode::BAD_GATEWAY, "no target could be reached")
    }
}

fn url(target: SocketAddr, uri: &Uri) -> String {
    let path = uri.path_and_query().map_or("/", |it| it.as_str());
    format!("http://{target}{path}")
}

/// The client's headers and where it came from; the body is sent whole, so its length is counted anew.
fn forwarded(request: &Request) -> HeaderMap {
    let mut headers = end_to_end(request.headers());
    headers.remove(header::CONTENT_LENGTH);
    if let Some(address) = request.remote_addr().as_socket_addr()
        && let Ok(value) = address.ip().to_string().parse()
    {
        headers.append("x-forwarded-for", value);
    }
    headers.insert(
        "x-forwarded-proto",
        header::HeaderValue::from_static("http"),
    );
    headers
}

/// Passes the body on as it comes: an event stream stays one.
fn answer(method: &Method, response: reqwest::Response) -> Response {
    let status = response.status();
    let headers = end_to_end(response.headers());
    let body = match method == Method::HEAD {
        true => Body::empty(),
        false => Body::from_async_read(Pieces::of(response)),
    };
    let mut answer = Response::builder().status(status).body(body);
    *answer.headers_mut() = headers;
    answer
}

/// The body of a response, piece by piece, so that a target that breaks off in the middle is seen by the client too.
struct Pieces {
    pieces: Receiver<io::Result<Vec<u8>>>,
    rest: io::Cursor<Vec<u8>>,
}

impl Pieces {
    /// Reads ahead by one piece only; ends when the client has gone and nobody takes the next.
    fn of(mut response: reqwest::Response) -> Pieces {
        let (sender, pieces) = channel(1);
        tokio::spawn(async move {
            while let Some(piece) = response.chunk().await.transpose() {
                let piece = piece.map(|bytes| bytes.to_vec()).map_err(io::Error::other);
                let broken = piece.is_err();
                if sender.send(piece).await.is_err() || broken {
                    break;
                }
            }
        });
        Pieces {
            pieces,
            rest: io::Cursor::default(),
        }
    }
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.position() == self.rest.get_ref().len() as u64 {
            match ready!(self.pieces.poll_recv(context)) {
                Some(piece) => self.rest = io::Cursor::new(piece?),
                None => return Poll::Ready(Ok(())),
            }
        }
        let room = buffer.remaining();
        let start = self.rest.position() as usize;
        let piece = &self.rest.get_ref()[start..];
        let taken = piece.len().min(room);
        buffer.put_slice(&piece[..taken]);
        self.rest.set_position((start + taken) as u64);
        Poll::Ready(Ok(()))
    }
}

fn says(status: StatusCode, why: &'static str) -> Response {
    why.with_status(status).into_response()
}
