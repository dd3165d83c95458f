//! The one AWS endpoint: what the emulator does not model is answered here, the rest passes.

mod alarms;
mod autoscaling;
mod ecr;
mod forward;
mod kept;
mod network;
mod put_events;
mod query;
mod record;
mod registry;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use poem::http::{Method, StatusCode};
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::{Request, Response, Server};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::aws::{Aws, http};
use crate::ecs;
use crate::event::Events;

use kept::Kept;
pub use record::{Call, Calls, Mark, TERRAFORM};

/// How long an open request may go on after [`Front::stop`].
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// What the front needs.
pub struct FrontSettings {
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// The emulator behind it.
    pub ministack_url: String,
    /// Where the events of pushes and of `PutEvents` go.
    pub events: Events,
    /// Who answers the calls to ECS.
    pub ecs: Arc<ecs::Controller>,
    /// The URL that answers name; where it listens if none.
    pub public_url: Option<String>,
    /// Where what it answers itself outlives the process; nothing does if none.
    pub state_dir: Option<PathBuf>,
}

/// A front that listens.
#[derive(Debug)]
pub struct Front {
    url: String,
    calls: Calls,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Front {
    /// Where it listens, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Who called what until now.
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Ends it when the open requests are answered.
    pub async fn stop(self) -> anyhow::Result<()> {
        // The receiver is gone if the server ended by itself; joining says why.
        let _ = self.stop.send(());
        let ended = self.server.await.context("join the front")?;
        ended.context("serve the front")
    }
}

/// Listens from now on.
pub async fn serve(settings: FrontSettings) -> anyhow::Result<Front> {
    let address = settings.address;
    let acceptor = TcpListener::bind(address)
        .into_acceptor()
        .await
        .with_context(|| {
            format!(
                "port {} is taken; stop what listens there or choose another with --port",
                address.port()
            )
        })?;
    let bound = acceptor.local_addr();
    let bound = bound
        .first()
        .and_then(|it| it.as_socket_addr())
        .context("the front listens nowhere")?;
    let url = format!("http://{bound}");

    let calls = Calls::default();
    let state_dir = settings.state_dir.as_deref();
    let state = Arc::new(State {
        calls: calls.clone(),
        aws: Aws::new(settings.ministack_url),
        http: http(),
        events: settings.events,
        ecs: settings.ecs,
        public_url: settings.public_url.unwrap_or_else(|| url.clone()),
        pushes: registry::Pushes::default(),
        scaling: Kept::open(state_dir, "scaling")?,
        alarms: Kept::open(state_dir, "alarms")?,
        network: Kept::open(state_dir, "network")?,
    });
    let endpoint = poem::endpoint::make(move |request| {
        let state = Arc::clone(&state);
        async move { Ok::<_, poem::Error>(answer(&state, request).await) }
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let server = Server::new_with_acceptor(acceptor);
    let server = tokio::spawn(async move {
        // A front that is dropped without a stop serves on, as a listener in the background does.
        let signal = async move {
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        server
            .run_with_graceful_shutdown(endpoint, signal, Some(STOP_TIMEOUT))
            .await
    });
    Ok(Front {
        url,
        calls,
        stop,
        server,
    })
}

/// What every request sees.
struct State {
    calls: Calls,
    aws: Aws,
    http: reqwest::Client,
    events: Events,
    ecs: Arc<ecs::Controller>,
    public_url: String,
    pushes: registry::Pushes,
    scaling: Kept<autoscaling::Scaling>,
    alarms: Kept<alarms::Alarms>,
    network: Kept<network::Additions>,
}

/// Notes the call, and answers it.
async fn answer(state: &State, request: Request) -> Response {
    let result = match state.calls.note(request).await {
        Ok(request) => route(state, request).await,
        Err(error) => Err(error),
    };
    result.unwrap_or_else(|error| {
        eprintln!("front: {error:#}");
        Response::builder()
            .status(StatusCode::BAD_GATEWAY)
            .body(format!("{error:#}"))
    })
}

/// Whose a request is.
/// Source of the targets: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>
async fn route(state: &State, request: Request) -> anyhow::Result<Response> {
    let target = request
        .header("x-amz-target")
        .unwrap_or_default()
        .to_owned();
    match target.split_once('.') {
        Some(("AmazonEC2ContainerServiceV20141113", operation)) => {
            call_ecs(state, operation, request).await
        }
        Some(("AmazonEC2ContainerRegistry_V20150921", operation)) => {
            ecr::answer(state, operation, request).await
        }
        Some(("AnyScaleFrontendService", operation)) => {
            autoscaling::answer(state, operation, request).await
        }
        Some(("AWSEvents", "PutEvents")) => put_events::answer(state, request).await,
        _ if matches!(*request.method(), Method::PUT | Method::DELETE)
            && registry::manifest_of(request.uri().path()).is_some() =>
        {
            registry::answer(state, request).await
        }
        _ => match query::service(&request) {
            Some("ec2") => network::answer(state, request).await,
            Some("monitoring") => alarms::answer(state, request).await,
            _ => forward::forward(state, request).await,
        },
    }
}

async fn call_ecs(state: &State, operation: &str, request: Request) -> anyhow::Result<Response> {
    let body = match read_json(request).await? {
        Ok(body) => body,
        Err(refusal) => return Ok(refusal),
    };
    Ok(match state.ecs.call(operation, body).await {
        Ok(answer) => aws_json(StatusCode::OK, &answer),
        Err(error) => aws_error(&error.code, &error.message),
    })
}

/// The body, or what AWS answers to one that isn't JSON.
async fn read_json(request: Request) -> anyhow::Result<Result<Value, Response>> {
    let bytes = request
        .into_body()
        .into_bytes()
        .await
        .context("read a request")?;
    if bytes.is_empty() {
        return Ok(Ok(json!({})));
    }
    Ok(serde_json::from_slice(&bytes)
        .map_err(|_| aws_error("SerializationException", "the body is not valid JSON")))
}

fn aws_json(status: StatusCode, body: &Value) -> Response {
    Response::builder()
        .status(status)
        .content_type("application/x-amz-json-1.1")
        .body(body.to_string())
}

fn aws_error(code: &str, message: &str) -> Response {
    let status = match code {
        "ServerException" | "InternalFailure" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    aws_json(status, &json!({ "__type": code, "message": message }))
}

#[cfg(test)]
mod tests;
