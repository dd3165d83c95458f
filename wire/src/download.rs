//! What lies at an address of AWS that carries its own signature.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use http_body_util::BodyExt;

use crate::{roots, settings};

const TIMEOUT: Duration = Duration::from_secs(5);

/// Speaks to AWS as the SDK does, without the SDK. It is made when it is used first.
#[derive(Clone, Debug, Default)]
pub struct Download(Arc<OnceLock<SharedHttpConnector>>);

impl Download {
    /// A text. The error does not name the address: who knows it may read what is there.
    pub async fn text(&self, url: &str) -> Result<String> {
        let request = HttpRequest::get(url).map_err(|_| anyhow!("the address is malformed"))?;
        let answered = async {
            let answer = self.connector()?.call(request).await?;
            let status = answer.status();
            ensure!(status.is_success(), "answered with {}", status.as_u16());
            let body = answer.into_body().collect().await;
            let body = body.map_err(|error| anyhow!(error))?;
            Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned())
        };
        tokio::time::timeout(TIMEOUT, answered)
            .await
            .with_context(|| format!("no answer within {} s", TIMEOUT.as_secs()))?
    }

    fn connector(&self) -> Result<&SharedHttpConnector> {
        if let Some(connector) = self.0.get() {
            return Ok(connector);
        }
        let connector = roots::connector(settings::variable)?;
        Ok(self.0.get_or_init(|| connector))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn answering(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let read = stream.read(&mut [0; 4096]).await.expect("a request");
            assert!(read > 0);
            stream.write_all(answer.as_bytes()).await.expect("written");
        });
        format!("http://{address}/layer?signature=secret")
    }

    #[tokio::test]
    async fn what_is_there_is_read_and_an_error_keeps_the_address_to_itself() {
        let download = Download::default();
        let there = answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
        assert_eq!(download.text(&there).await.expect("a text"), "{}");
        let forbidden = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
        let nobody = "http://127.0.0.1:1/?signature=secret".to_owned();
        for (url, expected) in [
            (answering(forbidden).await, "answered with 403"),
            (nobody, ""),
            (
                "http://a b/?signature=secret".to_owned(),
                "the address is malformed",
            ),
        ] {
            let error = format!("{:#}", download.text(&url).await.expect_err("no text"));
            assert!(
                error.contains(expected) && !error.contains("secret"),
                "{error}"
            );
        }
    }
}
