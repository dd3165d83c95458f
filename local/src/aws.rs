//! Plain calls to the emulator.
//!
//! The emulator checks no signatures, so an SDK would add nothing but its size: every call here is
//! one POST.

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::event::REGION;

/// One emulated AWS.
#[derive(Clone, Debug)]
pub struct Aws {
    /// Where it listens, without a slash at the end.
    pub url: String,
    http: reqwest::Client,
}

impl Aws {
    /// The AWS that listens at `url`.
    pub fn new(url: impl Into<String>) -> Aws {
        let url = url.into().trim_end_matches('/').to_owned();
        Aws { url, http: http() }
    }

    /// Calls an operation by its JSON target, as in `json("AWSEvents.ListRules", …)`.
    pub async fn json(&self, target: &str, body: Value) -> anyhow::Result<Value> {
        let answer = self.ask(target, body).await?;
        let text = success(answer, target).await?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).with_context(|| format!("read the answer of {target}: {text}"))
    }

    /// The same call with the answer as it came, an error of the service included.
    pub(crate) async fn ask(&self, target: &str, body: Value) -> anyhow::Result<reqwest::Response> {
        self.http
            .post(&self.url)
            .header("x-amz-target", target)
            .header("content-type", content_type(target))
            .header("authorization", authorization(service(target)))
            .body(body.to_string())
            .send()
            .await
            .with_context(|| format!("call {target}"))
    }

    /// Calls an operation of a service that speaks forms and XML; the answer is the XML.
    pub(crate) async fn query(
        &self,
        service: &str,
        version: &str,
        action: &str,
    ) -> anyhow::Result<String> {
        let answer = self
            .http
            .post(&self.url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", authorization(service))
            .body(format!("Action={action}&Version={version}"))
            .send()
            .await
            .with_context(|| format!("call {service} {action}"))?;
        success(answer, action).await
    }

    /// Reads a path of a service that has paths; the answer is what it is.
    pub(crate) async fn get(&self, service: &str, path: &str) -> anyhow::Result<String> {
        let answer = self
            .http
            .get(format!("{}{path}", self.url))
            .header("authorization", authorization(service))
            .send()
            .await
            .with_context(|| format!("read {path} of {service}"))?;
        success(answer, path).await
    }

    /// Queues `payload` for a function, named or by ARN; its retries and its failure destination
    /// are then the emulator's work.
    /// Source: <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>
    pub async fn invoke_async(&self, function: &str, payload: &Value) -> anyhow::Result<()> {
        let call = format!("Invoke {function}");
        let answer = self
            .http
            .post(format!(
                "{}/2015-03-31/functions/{function}/invocations",
                self.url
            ))
            .header("x-amz-invocation-type", "Event")
            .header("content-type", "application/json")
            .header("authorization", authorization("lambda"))
            .body(payload.to_string())
            .send()
            .await
            .with_context(|| call.clone())?;
        success(answer, &call).await.map(drop)
    }
}

/// The environment of a program that speaks to the AWS at `endpoint`.
pub fn environment(endpoint: &str) -> impl Fn(&str) -> Option<String> + Clone + use<> {
    let endpoint = endpoint.to_owned();
    move |name: &str| match name {
        "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
        "AWS_REGION" => Some(REGION.to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
        _ => None,
    }
}

/// A client for loopback. It keeps no idle connection, because a connection dies with the Tokio
/// runtime that opened it, and every test has its own.
pub(crate) fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .pool_max_idle_per_host(0)
        .build()
        .expect("a client without TLS has nothing to load")
}

async fn success(answer: reqwest::Response, call: &str) -> anyhow::Result<String> {
    let status = answer.status();
    let text = answer
        .text()
        .await
        .with_context(|| format!("read the answer of {call}"))?;
    if !status.is_success() {
        bail!("{call} was answered {status}: {text}");
    }
    Ok(text)
}

fn content_type(target: &str) -> &'static str {
    if target.starts_with("DynamoDB") || target.starts_with("AmazonSQS") {
        "application/x-amz-json-1.0"
    } else {
        "application/x-amz-json-1.1"
    }
}

/// The name that a service signs its requests with.
fn service(target: &str) -> &'static str {
    match target.split(['.', '_']).next().unwrap_or(target) {
        "AWSEvents" => "events",
        "AnyScaleFrontendService" => "application-autoscaling",
        "AmazonEC2ContainerRegistry" => "ecr",
        "AmazonEC2ContainerServiceV20141113" => "ecs",
        "AmazonSQS" => "sqs",
        "AmazonSSM" => "ssm",
        "DynamoDB" | "DynamoDBStreams" => "dynamodb",
        "Logs" => "logs",
        _ => "aws",
    }
}

/// A header that names the service, which is what the emulator routes by, and signs nothing.
fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, \
         SignedHeaders=host, Signature=none"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ministack::Ministack;
    use serde_json::json;

    #[test]
    fn a_call_is_signed_in_the_name_of_its_service() {
        assert_eq!(service("DynamoDB_20120810.CreateTable"), "dynamodb");
        assert_eq!(
            service("AmazonEC2ContainerRegistry_V20150921.PutImage"),
            "ecr"
        );
        assert!(authorization("events").contains("/us-east-1/events/aws4_request"));
    }

    #[tokio::test]
    async fn an_error_shows_what_was_answered() {
        let aws = Ministack::shared_for_tests().await.aws();
        let error = aws
            .json("AWSEvents.DescribeRule", json!({ "Name": "nobody" }))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("AWSEvents.DescribeRule was answered 400"),
            "{error}"
        );
        assert!(error.contains("nobody does not exist"), "{error}");
    }
}
