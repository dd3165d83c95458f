//! ARNs, ids, times, and the small change of reading a request.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::ApiError;
use crate::event::{ACCOUNT, REGION};

pub(super) fn cluster_arn(cluster: &str) -> String {
    arn(&format!("cluster/{cluster}"))
}

pub(super) fn service_arn(cluster: &str, service: &str) -> String {
    arn(&format!("service/{cluster}/{service}"))
}

pub(super) fn definition_arn(family: &str, revision: usize) -> String {
    arn(&format!("task-definition/{family}:{revision}"))
}

pub(super) fn task_arn(cluster: &str, task: &str) -> String {
    arn(&format!("task/{cluster}/{task}"))
}

pub(super) fn container_arn(cluster: &str, task: &str, container: &str) -> String {
    arn(&format!("container/{cluster}/{task}/{container}"))
}

pub(super) fn service_deployment_arn(cluster: &str, service: &str) -> String {
    let id: String = std::iter::repeat_with(fastrand::alphanumeric)
        .take(21)
        .collect();
    arn(&format!("service-deployment/{cluster}/{service}/{id}"))
}

pub(super) fn service_revision_arn(cluster: &str, service: &str) -> String {
    let id = nineteen_digits();
    arn(&format!("service-revision/{cluster}/{service}/{id}"))
}

/// The id of a deployment in `deployments[]` and in events.
pub(super) fn deployment_id() -> String {
    format!("ecs-svc/{}", nineteen_digits())
}

pub(super) fn task_id() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// What stands after the last slash: names are accepted wherever ARNs are.
pub(super) fn last_segment(name_or_arn: &str) -> &str {
    name_or_arn.rsplit('/').next().unwrap_or(name_or_arn)
}

/// Times are numbers of seconds in the API.
pub(super) fn now() -> f64 {
    Utc::now().timestamp_millis() as f64 / 1000.0
}

/// Times are text in events.
pub(super) fn iso(epoch: f64) -> Value {
    let time = DateTime::from_timestamp_millis((epoch * 1000.0).round() as i64);
    json!(time.map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true)))
}

pub(super) fn text<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body[key].as_str().filter(|text| !text.is_empty())
}

pub(super) fn required<'a>(body: &'a Value, key: &str) -> Result<&'a str, ApiError> {
    text(body, key).ok_or_else(|| ApiError::parameter(format!("{key} can not be blank.")))
}

pub(super) fn texts<'a>(body: &'a Value, key: &str) -> Vec<&'a str> {
    let list = body[key].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).collect()
}

/// Whether a request asks for more by `include`.
pub(super) fn includes(body: &Value, what: &str) -> bool {
    texts(body, "include").contains(&what)
}

/// The part of `items` that a list request asks for; the token is an offset.
pub(super) fn page(body: &Value, key: &str, items: Vec<Value>) -> Value {
    let start: usize = text(body, "nextToken")
        .and_then(|token| token.parse().ok())
        .unwrap_or(0);
    let size = body["maxResults"].as_u64().unwrap_or(100) as usize;
    let more = items.len() > start + size;
    let part: Vec<Value> = items.into_iter().skip(start).take(size).collect();
    let mut answer = json!({ key: part });
    if more {
        answer["nextToken"] = json!((start + size).to_string());
    }
    answer
}

fn arn(resource: &str) -> String {
    format!("arn:aws:ecs:{REGION}:{ACCOUNT}:{resource}")
}

fn nineteen_digits() -> u64 {
    fastrand::u64(1_000_000_000_000_000_000..=i64::MAX as u64)
}
