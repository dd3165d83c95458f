//! Lambda's Runtime API, as far as a function needs it: it asks for the next event and says what came of it.
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A function that needs longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// One function's Runtime API.
pub(super) struct Runtime {
    /// As `AWS_LAMBDA_RUNTIME_API` has it.
    pub(super) address: String,
    asks: UnboundedReceiver<Ask>,
    answers: UnboundedReceiver<Answer>,
    /// Who asked and waits for an event.
    waiting: Option<oneshot::Sender<Bytes>>,
}

/// The function asks for an event.
struct Ask {
    at: Instant,
    event: oneshot::Sender<Bytes>,
}

/// The function says what came of one.
struct Answer {
    at: Instant,
    is_error: bool,
    body: Bytes,
}

struct Lines {
    asks: UnboundedSender<Ask>,
    answers: UnboundedSender<Answer>,
}

impl Runtime {
    /// Listens on a free port.
    pub(super) async fn start() -> Result<Runtime> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let (asks, asked) = unbounded_channel();
        let (answers, answered) = unbounded_channel();
        let lines = Arc::new(Lines { asks, answers });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let lines = Arc::clone(&lines);
                let _ = stream.set_nodelay(true);
                tokio::spawn(async move {
                    let answer = service_fn(async |request| {
                        Ok::<_, Infallible>(answer(&lines, request).await.unwrap_or_default())
                    });
                    // A function that is stopped leaves its connection as it is.
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answer)
                        .await;
                });
            }
        });
        Ok(Runtime {
            address,
            asks: asked,
            answers: answered,
            waiting: None,
        })
    }

    /// When the function was ready for its next event.
    pub(super) async fn ready(&mut self) -> Result<Instant> {
        let ask = timeout(PATIENCE, self.asks.recv()).await;
        let ask = ask.context("the function does not ask for an event")?;
        let ask = ask.context("nobody asks any more")?;
        self.waiting = Some(ask.event);
        Ok(ask.at)
    }

    /// Gives the function an event; how long it took, and what it answered.
    pub(super) async fn invoke(&mut self, event: &Value) -> Result<(Duration, Value)> {
        let waiting = self
            .waiting
            .take()
            .context("the function asks for nothing")?;
        let event = Bytes::from(serde_json::to_vec(event)?);
        let sent = Instant::now();
        if waiting.send(event).is_err() {
            bail!("the function has gone");
        }
        let answer = timeout(PATIENCE, self.answers.recv()).await;
        let answer = answer.context("the function does not answer")?;
        let answer = answer.context("nobody answers any more")?;
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if answer.is_error {
            bail!("the function failed: {body}");
        }
        Ok((answer.at - sent, body))
    }
}

async fn answer(lines: &Lines, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    if head.method == Method::POST {
        let is_error = head.uri.path().ends_with("/error");
        let at = Instant::now();
        lines.answers.send(Answer { at, is_error, body })?;
        let accepted = Response::builder().status(202);
        return Ok(accepted.body(Full::default())?);
    }
    let (event, waiting) = oneshot::channel();
    let at = Instant::now();
    lines.asks.send(Ask { at, event })?;
    let event = waiting.await?;
    Ok(Response::builder()
        .header(
            "lambda-runtime-aws-request-id",
            "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        )
        .header("lambda-runtime-deadline-ms", "4102444800000")
        .header(
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:bench",
        )
        .header("content-type", "application/json")
        .body(Full::new(event))?)
}
