//! Plain HTTP, for what has no SDK: GitHub above all.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use http::header::{HeaderValue, LOCATION, USER_AGENT};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::{roots, settings};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Lambda's time is limited, its retries are not.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How often one request is sent on.
const REDIRECTS: usize = 3;

/// A client that keeps its connections and gives up after some seconds. It is made when it is used first.
#[derive(Clone, Debug, Default)]
pub struct Http(Arc<OnceLock<Tls>>);

type Tls = Client<HttpsConnector<HttpConnector>, String>;

impl Http {
    /// A client that trusts what [`roots`] says.
    fn client(&self) -> Result<&Tls> {
        if let Some(client) = self.0.get() {
            return Ok(client);
        }
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(roots::tls(settings::variable)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(self.0.get_or_init(|| client))
    }

    /// The answer to a request, whatever its status, with its body as text. Where the same host names another place, the
    /// request is repeated there as it was, as GitHub wants it for a repository that was renamed.
    /// Source: <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects>
    pub async fn send(&self, request: Request<String>) -> Result<Response<String>> {
        let what = format!("{} {}", request.method(), request.uri().path());
        let answered = tokio::time::timeout(TIMEOUT, self.follow(request)).await;
        answered
            .with_context(|| format!("no answer to {what} within {} s", TIMEOUT.as_secs()))?
            .with_context(|| format!("no answer to {what}"))
    }

    async fn follow(&self, mut request: Request<String>) -> Result<Response<String>> {
        let us = HeaderValue::from_static(concat!("couplet/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().entry(USER_AGENT).or_insert(us);
        let client = self.client()?;
        for _ in 0..=REDIRECTS {
            let answer = client.request(request.clone()).await?;
            match elsewhere(request.uri(), &answer) {
                Some(uri) => *request.uri_mut() = uri,
                None => {
                    let (head, body) = answer.into_parts();
                    let body = body.collect().await.context("the answer broke off")?;
                    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
                    return Ok(Response::from_parts(head, text));
                }
            }
        }
        bail!("redirected more than {REDIRECTS} times")
    }
}

/// Where else the same host wants the request. To another host nothing goes: there is a token in it.
fn elsewhere<B>(asked: &Uri, answer: &Response<B>) -> Option<Uri> {
    use StatusCode as S;
    if ![
        S::MOVED_PERMANENTLY,
        S::FOUND,
        S::TEMPORARY_REDIRECT,
        S::PERMANENT_REDIRECT,
    ]
    .contains(&answer.status())
    {
        return None;
    }
    let named: Uri = answer
        .headers()
        .get(LOCATION)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    let mut parts = named.clone().into_parts();
    if named.authority().is_none() {
        parts.scheme = asked.scheme().cloned();
        parts.authority = asked.authority().cloned();
    }
    let named = Uri::from_parts(parts).ok()?;
    let same = named.scheme() == asked.scheme() && named.authority() == asked.authority();
    same.then_some(named)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one connection after the other; what was asked, and the address.
    async fn answering(answers: Vec<String>) -> (tokio::task::JoinHandle<Vec<String>>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let here = address.clone();
        let asked = tokio::spawn(async move {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.expect("a request");
                asked.push(String::from_utf8_lossy(&request[..read]).into_owned());
                let answer = answer.replace("HERE", &here);
                stream.write_all(answer.as_bytes()).await.expect("written");
            }
            asked
        });
        (asked, address)
    }

    fn moved(to: &str) -> String {
        format!(
            "HTTP/1.1 307 x\r\nlocation: {to}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        )
    }

    fn post(address: &str) -> Request<String> {
        Request::post(format!("{address}/old"))
            .header("authorization", "Bearer secret")
            .body("text".to_owned())
            .expect("a request")
    }

    #[tokio::test]
    async fn a_request_follows_a_renamed_repository_as_it_was() {
        let told = "HTTP/1.1 201 x\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok".to_owned();
        let answers = vec![moved("HERE/new?a=1"), moved("/newest"), told];
        let (asked, address) = answering(answers).await;
        let answer = Http::default().send(post(&address)).await;
        let answer = answer.expect("an answer");
        assert_eq!(
            (answer.status().as_u16(), answer.body().as_str()),
            (201, "ok")
        );
        let asked = asked.await.expect("asked");
        for (asked, line) in asked
            .iter()
            .zip(["POST /old ", "POST /new?a=1 ", "POST /newest "])
        {
            assert!(asked.starts_with(line), "{asked}");
            assert!(asked.contains("Bearer secret") && asked.ends_with("\r\n\r\ntext"));
            assert!(asked.contains("user-agent: couplet/"), "{asked}");
        }
    }

    #[tokio::test]
    async fn a_token_goes_to_no_other_host() {
        let (_, address) = answering(vec![moved("http://127.0.0.1:1/")]).await;
        let answer = Http::default().send(post(&address)).await;
        assert_eq!(answer.expect("an answer").status().as_u16(), 307);
    }

    #[tokio::test]
    async fn who_redirects_for_ever_is_left_alone() {
        let (_, address) = answering(vec![moved("/old"); REDIRECTS + 1]).await;
        let answer = Http::default().send(post(&address)).await;
        let error = format!("{:#}", answer.expect_err("no end"));
        assert_eq!(
            error,
            "no answer to POST /old: redirected more than 3 times"
        );
    }
}
