//! The model behind HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use chrono::Utc;
use poem::http::StatusCode;
use poem::listener::TcpAcceptor;
use poem::{Response, Server, endpoint};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::call::{Answer, Call};
use super::door::Visitor;
use super::{GitHub, State, side_door, sign_in};

/// How long a request under way may still take after the stop.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// A GitHub that can be reached; stops when it is dropped.
pub struct Served {
    url: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Served {
    /// The base of every address, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes no more requests and waits for the answers to those under way.
    pub async fn stop(self) {
        drop(self.stop);
        // The only other end of the task is a panic, and that has been printed.
        let _ = self.server.await;
    }
}

/// Opens the port; the answers come from `github`.
pub(super) async fn serve(github: GitHub, address: SocketAddr) -> anyhow::Result<Served> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("listen on {address} for github"))?;
    let url = format!("http://{}", listener.local_addr()?);
    let server = Server::new_with_acceptor(TcpAcceptor::from_tokio(listener)?);
    let (stop, stopped) = oneshot::channel();
    let endpoint = endpoint::make(move |request| hear(github.clone(), request));
    let server = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        let served = server
            .run_with_graceful_shutdown(endpoint, stopped, Some(LAST_ANSWERS))
            .await;
        served.expect("a server on an open listener only ends when it is told to");
    });
    Ok(Served { url, stop, server })
}

async fn hear(github: GitHub, mut request: poem::Request) -> poem::Result<Response> {
    let header = |name| {
        let value = request.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let visitor = Visitor {
        user_agent: header("user-agent"),
        authorization: header("authorization"),
        version: header("x-github-api-version"),
    };
    let (base, target) = address(
        &header("host").unwrap_or_default(),
        &request.original_uri().to_string(),
    );
    let call = Call {
        base,
        method: request.method().to_string(),
        target,
        query: request.params()?,
        accept: header("accept").unwrap_or_default(),
        body: request.take_body().into_vec().await?,
    };
    let mut state = github.state();
    let State {
        door,
        model,
        sign_in,
    } = &mut *state;
    let answer = if call.path().starts_with(side_door::PREFIX) {
        side_door::answer(model, &call, Utc::now())
    } else if call.path().starts_with(sign_in::PREFIX) {
        sign_in.answer(&call, Utc::now())
    } else {
        door.pass(model, sign_in, &visitor, &call, Utc::now())
    };
    Ok(written(answer))
}

/// The API's own address and what is asked of it. An Enterprise Server has it below `/api/v3`.
/// Source: <https://docs.github.com/en/enterprise-server@latest/rest/enterprise-admin#endpoint-urls>
fn address(host: &str, target: &str) -> (String, String) {
    const BELOW: &str = "/api/v3";
    match target.strip_prefix(BELOW) {
        Some(target) if target.starts_with('/') => {
            (format!("http://{host}{BELOW}"), target.to_owned())
        }
        _ => (format!("http://{host}"), target.to_owned()),
    }
}

fn written(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (kind, body) = match answer.body {
        Value::String(text) => ("text/html; charset=utf-8", text),
        body => ("application/json; charset=utf-8", body.to_string()),
    };
    let mut headers = answer.headers;
    headers
        .entry("content-type")
        .or_insert_with(|| kind.to_owned());
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(body)
}

#[cfg(test)]
mod tests {
    use super::super::caller::{Caller, SHA};
    use super::*;

    #[tokio::test]
    async fn a_stopped_server_answers_no_more() {
        let github = GitHub::new("token");
        let served = github
            .serve(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .unwrap();
        let url = served.url().to_owned();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        assert!(client.get(&url).send().await.is_ok());

        served.stop().await;
        assert!(client.get(&url).send().await.is_err());
    }

    #[tokio::test]
    async fn a_taken_port_is_named() {
        let caller = Caller::new().await;
        let address: SocketAddr = caller.served.url()["http://".len()..].parse().unwrap();
        let error = caller.github.serve(address).await.err().unwrap();
        assert_eq!(error.to_string(), format!("listen on {address} for github"));
    }

    #[tokio::test]
    async fn links_lead_back_to_the_model() {
        let caller = Caller::new().await;
        let path = format!("commits/{SHA}");
        let commit = caller.get(&path).await;
        assert_eq!(commit.body["url"], caller.url(&path));
        // The same as an Enterprise Server.
        let base = caller.served.url();
        let path = format!("/api/v3{}", &caller.url(&path)[base.len()..]);
        let commit = caller.get_at(&path).await;
        assert_eq!(commit.body["url"], format!("{base}{path}"));
    }
}
