//! Who called what: every signed request whose caller says its name, kept as long as we run.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use poem::http::HeaderMap;
use poem::{Body, Request};
use serde_json::{Map, Value, json};

use crate::rights::rest;

/// What Terraform and OpenTofu are called here.
pub const TERRAFORM: &str = "terraform";

/// One call, without what would make two alike calls differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The function or the service that called, by its name, or [`TERRAFORM`].
    pub caller: String,
    /// The service by the name that it signs with, which is nearly always the one that IAM uses.
    pub service: String,
    /// The operation; of services that have paths and no operations, IAM's name for it.
    pub operation: String,
    /// The parameters that say on what.
    pub parameters: Value,
}

/// A moment, for [`Calls::since`].
#[derive(Clone, Copy, Debug)]
pub struct Mark(u64);

/// The calls until now. Clones know the same calls.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<Mutex<Log>>);

#[derive(Debug, Default)]
struct Log {
    /// How many calls there were.
    count: u64,
    /// Each call once, with the number of its last time.
    calls: Vec<(Call, u64)>,
}

impl Calls {
    /// Every call that was made, once.
    pub fn all(&self) -> Vec<Call> {
        self.since(Mark(0))
    }

    /// Now.
    pub fn mark(&self) -> Mark {
        Mark(self.with(|log| log.count))
    }

    /// Every call that was made after `mark`, once, whether or not it was made before it too.
    pub fn since(&self, mark: Mark) -> Vec<Call> {
        self.with(|log| {
            let later = log.calls.iter().filter(|(_, number)| *number > mark.0);
            later.map(|(call, _)| call.clone()).collect()
        })
    }

    /// Notes who calls what, and gives the request back as it was.
    pub(super) async fn note(&self, request: Request) -> anyhow::Result<Request> {
        let headers = request.headers();
        // Nobody's rights are asked for what is not signed, such as a layer behind a presigned URL.
        let (Some(caller), Some(service)) = (caller(headers), signed_for(headers)) else {
            return Ok(request);
        };
        let (request, body) = read(request).await?;
        let (operation, parameters) = asked(&service, &request, &body);
        self.add(Call {
            caller,
            service,
            operation,
            parameters,
        });
        Ok(request)
    }

    fn add(&self, call: Call) {
        self.with(|log| {
            log.count += 1;
            let number = log.count;
            match log.calls.iter_mut().find(|(known, _)| *known == call) {
                Some((_, last)) => *last = number,
                None => log.calls.push((call, number)),
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Log) -> T) -> T {
        // A log is whole at every moment, so a thread that panicked has not spoilt it.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The name that a caller gives itself. AWS's SDKs put AWS_SDK_UA_APP_ID into their user agent as `app/<name>`.
/// Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-appid.html>
fn caller(headers: &HeaderMap) -> Option<String> {
    let words = || {
        ["x-amz-user-agent", "user-agent"]
            .into_iter()
            .filter_map(|name| headers.get(name)?.to_str().ok())
            .flat_map(str::split_whitespace)
    };
    // Terraform comes first: it says an AWS_SDK_UA_APP_ID of its shell too.
    let terraform = ["Terraform/", "OpenTofu/", "terraform-provider-aws/"];
    if words().any(|word| terraform.iter().any(|it| word.starts_with(it))) {
        return Some(TERRAFORM.to_owned());
    }
    words().find_map(|word| word.strip_prefix("app/").map(str::to_owned))
}

/// The service that a request is signed for: the one but last part of the credential's scope, with or without a
/// region before it.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html>
fn signed_for(headers: &HeaderMap) -> Option<String> {
    let header = headers.get("authorization")?.to_str().ok()?;
    let (_, credential) = header.split_once("Credential=")?;
    let scope = credential.split(',').next()?.trim();
    let mut parts = scope.rsplit('/');
    (parts.next() == Some("aws4_request")).then(|| parts.next().map(str::to_owned))?
}

/// The body of a request that names its operation or parameters there, and the request with its body. Everything
/// else, a function's zip or a layer of an image, stays a stream that nobody has read.
async fn read(request: Request) -> anyhow::Result<(Request, Vec<u8>)> {
    let kind = request.header("content-type").unwrap_or_default();
    let named = kind.starts_with("application/x-amz-json")
        || kind.starts_with("application/x-www-form-urlencoded");
    if !named {
        return Ok((request, Vec::new()));
    }
    let (parts, body) = request.into_parts();
    let bytes = body.into_bytes().await.context("read a request")?;
    let copy = bytes.to_vec();
    Ok((Request::from_parts(parts, Body::from_bytes(bytes)), copy))
}

/// The operation, and the parameters that say on what.
fn asked(service: &str, request: &Request, body: &[u8]) -> (String, Value) {
    let target = request.header("x-amz-target");
    if let Some((_, operation)) = target.and_then(|target| target.rsplit_once('.')) {
        let body = serde_json::from_slice(body).unwrap_or_default();
        return (operation.to_owned(), narrowed(&body));
    }
    // Source: <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>
    let form = std::str::from_utf8(body).unwrap_or_default();
    let mut fields = form.split('&');
    if let Some(operation) = fields.find_map(|field| field.strip_prefix("Action=")) {
        return (operation.to_owned(), json!({}));
    }
    let uri = request.uri();
    let (path, query) = (uri.path(), uri.query().unwrap_or_default());
    // Source: <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>
    if let Some((_, operation)) = path.split_once("/operation/") {
        return (operation.to_owned(), json!({}));
    }
    rest::operation(service, request.method().as_str(), path, query)
}

/// The parameters that say on what, under the names that they have in a call. What differs with every call, such as
/// an item, is not among them; of parts of a transaction only what they are and their table is kept.
fn narrowed(body: &Value) -> Value {
    const KEPT: [&str; 13] = [
        "IndexName",
        "Name",
        "QueueUrl",
        "TableName",
        "WithDecryption",
        "cluster",
        "executionRoleArn",
        "family",
        "repositoryName",
        "service",
        "services",
        "serviceRevisionArns",
        "taskRoleArn",
    ];
    let mut kept = Map::new();
    for (name, value) in body.as_object().into_iter().flatten() {
        let value = match name.as_str() {
            "TransactItems" => transaction(value),
            "RequestItems" => value
                .as_object()
                .into_iter()
                .flat_map(Map::keys)
                .map(String::as_str)
                .collect(),
            "Entries" => distinct(value, |entry| {
                entry["EventBusName"].as_str().unwrap_or("default").into()
            }),
            "tags" => json!(value.get(0).is_some()),
            name if KEPT.contains(&name) => value.clone(),
            _ => continue,
        };
        kept.insert(name.clone(), value);
    }
    Value::Object(kept)
}

/// `[["ConditionCheck", "ledger"], ["Put", "ledger"]]`.
fn transaction(items: &Value) -> Value {
    distinct(items, |item| {
        let part = item.as_object().and_then(|item| item.iter().next());
        part.map_or(Value::Null, |(kind, part)| json!([kind, part["TableName"]]))
    })
}

fn distinct(list: &Value, of: impl Fn(&Value) -> Value) -> Value {
    let mut values: Vec<Value> = list.as_array().into_iter().flatten().map(of).collect();
    values.sort_by_key(Value::to_string);
    values.dedup();
    Value::Array(values)
}

#[cfg(test)]
mod tests;
