//! `PutEvents`: our bus takes what the emulator's would.
//! Source: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>

use chrono::{DateTime, SecondsFormat};
use poem::http::StatusCode;
use poem::{Request, Response};
use serde_json::{Value, json};

use super::{State, aws_error, aws_json, read_json};
use crate::event::envelope;

const MOST_ENTRIES: usize = 10;

pub(super) async fn answer(state: &State, request: Request) -> anyhow::Result<Response> {
    let body = match read_json(request).await? {
        Ok(body) => body,
        Err(refusal) => return Ok(refusal),
    };
    let entries = body["Entries"].as_array().map_or(&[][..], Vec::as_slice);
    if entries.is_empty() || entries.len() > MOST_ENTRIES {
        let message = format!("'entries' must have 1 to {MOST_ENTRIES} members");
        return Ok(aws_error("ValidationException", &message));
    }

    let mut failed = 0;
    let mut results = Vec::new();
    for entry in entries {
        results.push(match accept(entry) {
            Ok(event) => {
                let result = json!({ "EventId": event["id"] });
                state.events.queue(event);
                result
            }
            Err(refusal) => {
                failed += 1;
                json!({ "ErrorCode": refusal.code, "ErrorMessage": refusal.message })
            }
        });
    }
    let answer = json!({ "FailedEntryCount": failed, "Entries": results });
    Ok(aws_json(StatusCode::OK, &answer))
}

/// Why an entry is no event; the others of its request still are.
/// Source: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html>
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    code: &'static str,
    message: String,
}

fn accept(entry: &Value) -> Result<Value, Refusal> {
    let source = required(entry, "Source")?;
    if source.starts_with("aws.") {
        return Err(refuse(
            "NotAuthorizedForSourceException",
            "Not authorized for the source.",
        ));
    }
    let detail_type = required(entry, "DetailType")?;
    let detail = match serde_json::from_str(required(entry, "Detail")?) {
        Ok(detail @ Value::Object(_)) => detail,
        _ => return Err(refuse("MalformedDetail", "Detail is malformed.")),
    };
    let bus = entry["EventBusName"].as_str().unwrap_or("default");
    if bus != "default" && !bus.ends_with(":event-bus/default") {
        return Err(refuse(
            "InvalidArgument",
            "only the default event bus is modelled",
        ));
    }

    let resources = entry["Resources"].as_array().map_or(&[][..], Vec::as_slice);
    let resources: Vec<&str> = resources.iter().filter_map(Value::as_str).collect();
    let mut event = envelope(source, detail_type, &resources, detail);
    if let Some(time) = entry["Time"]
        .as_f64()
        .and_then(|it| DateTime::from_timestamp(it as i64, 0))
    {
        event["time"] = json!(time.to_rfc3339_opts(SecondsFormat::Secs, true));
    }
    Ok(event)
}

fn required<'a>(entry: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    match entry[name].as_str() {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(refuse(
            "InvalidArgument",
            format!("Parameter {name} is not valid. Reason: {name} is a required argument."),
        )),
    }
}

fn refuse(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal {
        code,
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Value {
        json!({
            "Source": "couplet",
            "DetailType": "Rollout Requested",
            "Detail": r#"{"action":"redeploy"}"#,
            "Resources": ["arn:aws:ecs:us-east-1:000000000000:service/poems/poems"],
            "Time": 1_767_225_600.5,
        })
    }

    #[test]
    fn an_entry_becomes_an_event() {
        let event = accept(&entry()).unwrap();
        assert_eq!(event["detail-type"], "Rollout Requested");
        assert_eq!(event["detail"]["action"], "redeploy");
        assert_eq!(event["resources"][0], entry()["Resources"][0]);
        assert_eq!(event["time"], "2026-01-01T00:00:00Z");
    }

    #[test]
    fn what_eventbridge_refuses_is_refused() {
        for (name, value, code) in [
            (
                "Source",
                json!("aws.ecr"),
                "NotAuthorizedForSourceException",
            ),
            ("Source", json!(""), "InvalidArgument"),
            ("DetailType", Value::Null, "InvalidArgument"),
            ("Detail", Value::Null, "InvalidArgument"),
            ("Detail", json!("{"), "MalformedDetail"),
            ("Detail", json!("[]"), "MalformedDetail"),
            ("EventBusName", json!("other"), "InvalidArgument"),
        ] {
            let mut entry = entry();
            entry[name] = value.clone();
            let refused = accept(&entry).map_err(|refusal| refusal.code);
            assert_eq!(refused.unwrap_err(), code, "{name} = {value}");
        }
    }
}
