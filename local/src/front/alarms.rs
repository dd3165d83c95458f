//! CloudWatch where it is asked with forms, as the AWS provider 5 for Terraform does. The emulator knows more than it
//! says there, and forgets metric math and missing-data actions: what was put is kept here and shown as AWS shows it,
//! with the state that the emulator knows. Forms only: a client that speaks CBOR gets the emulator's own answers.
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, SecondsFormat};
use poem::http::StatusCode;
use poem::{Request, Response};
use serde_json::{Map, Value, json};

use super::State;
use super::forward::forward;
use super::query::{self, Form, element, xml};

/// Alarms by their names, as they were put.
pub(super) type Alarms = BTreeMap<String, Map<String, Value>>;

/// What the emulator says of an alarm, however it was put.
const STATE: [&str; 8] = [
    "AlarmArn",
    "ActionsEnabled",
    "AlarmConfigurationUpdatedTimestamp",
    "StateReason",
    "StateReasonData",
    "StateTransitionedTimestamp",
    "StateUpdatedTimestamp",
    "StateValue",
];

const NAMESPACE: &str = "http://monitoring.amazonaws.com/doc/2010-08-01/";

pub(super) async fn answer(state: &State, request: Request) -> anyhow::Result<Response> {
    let (form, request) = query::read(request).await?;
    match form.text("Action") {
        "PutMetricAlarm" => put(state, &form, request).await,
        "DeleteAlarms" => delete(state, &form, request).await,
        // The emulator writes these without a part of their content, or without escaping it.
        action @ ("DescribeAlarms" | "GetDashboard" | "ListTagsForResource") => {
            read(state, action, &form).await
        }
        _ => forward(state, request).await,
    }
}

async fn put(state: &State, form: &Form, request: Request) -> anyhow::Result<Response> {
    let answer = forward(state, request).await?;
    if answer.is_success()
        && let Value::Object(mut alarm) = form.tree()
    {
        for name in ["Action", "Version", "Tags"] {
            alarm.shift_remove(name);
        }
        let name = form.text("AlarmName").to_owned();
        state.alarms.change(|alarms| alarms.insert(name, alarm))?;
    }
    Ok(answer)
}

async fn delete(state: &State, form: &Form, request: Request) -> anyhow::Result<Response> {
    let answer = forward(state, request).await?;
    if answer.is_success() {
        let names = form.list("AlarmNames.member");
        state
            .alarms
            .change(|alarms| alarms.retain(|name, _| !names.contains(&name.as_str())))?;
    }
    Ok(answer)
}

/// Asks the emulator in JSON, where its answer is whole, and says it in XML.
async fn read(state: &State, action: &str, form: &Form) -> anyhow::Result<Response> {
    let target = format!("GraniteServiceVersion20100801.{action}");
    let answer = state.aws.ask(&target, form.tree()).await?;
    let is_success = answer.status().is_success();
    let mut answer: Value = answer
        .json()
        .await
        .with_context(|| format!("read {action}"))?;
    if !is_success {
        let error = json!({
            "Type": "Sender", "Code": answer["__type"], "Message": answer["message"],
        });
        let body = element("Error", &error, "member");
        let body = format!("<ErrorResponse xmlns=\"{NAMESPACE}\">{body}</ErrorResponse>");
        return Ok(xml(StatusCode::BAD_REQUEST, body));
    }
    for kind in ["MetricAlarms", "CompositeAlarms"] {
        for alarm in answer[kind].as_array_mut().into_iter().flatten() {
            state.alarms.read(|kept| complete(alarm, kept));
        }
    }
    let body = element(&format!("{action}Result"), &answer, "member");
    let body = format!("<{action}Response xmlns=\"{NAMESPACE}\">{body}</{action}Response>");
    Ok(xml(StatusCode::OK, body))
}

fn complete(alarm: &mut Value, kept: &Alarms) {
    let name = alarm["AlarmName"].as_str().unwrap_or_default();
    if let Some(put) = kept.get(name) {
        let mut whole = Value::Object(put.clone());
        for key in STATE {
            whole[key] = alarm[key].take();
        }
        *alarm = whole;
    }
    let Some(fields) = alarm.as_object_mut() else {
        return;
    };
    for (_, value) in fields
        .iter_mut()
        .filter(|(key, _)| key.ends_with("Timestamp"))
    {
        let time = value
            .as_i64()
            .and_then(|it| DateTime::from_timestamp(it, 0));
        *value = json!(time.map(|it| it.to_rfc3339_opts(SecondsFormat::Secs, true)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_what_was_put_with_the_state_that_it_is_in() {
        let mut alarm = json!({
            "AlarmName": "slow", "AlarmArn": "arn", "Statistic": "Average", "Period": 60,
            "StateValue": "OK", "StateReasonData": null, "StateUpdatedTimestamp": 1_767_225_600,
            "ActionsEnabled": true,
        });
        let put = json!({ "AlarmName": "slow", "ExtendedStatistic": "p99" });
        let kept = Alarms::from([("slow".to_owned(), put.as_object().unwrap().clone())]);
        complete(&mut alarm, &kept);
        assert_eq!(alarm["ExtendedStatistic"], "p99");
        assert_eq!(alarm["StateValue"], "OK");
        assert_eq!(alarm["StateUpdatedTimestamp"], "2026-01-01T00:00:00Z");
        assert_eq!(alarm.get("Statistic"), None);
        assert!(!element("member", &alarm, "member").contains("StateReasonData"));
    }
}
