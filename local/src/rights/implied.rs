//! What AWS itself does by a function's role. Nothing of it goes through the front, so it is read off the function.

use anyhow::{Result, bail};
use serde_json::Value;

use super::actions::Need;

/// The rights that Lambda needs of a function's role. They follow from the function's configuration, its event source
/// mappings and its settings for events, each as Lambda answers it; null where there is none.
pub(super) fn implied(
    configuration: &Value,
    mappings: &Value,
    events: &Value,
) -> Result<Vec<Need>> {
    let mut needs = logs(configuration);
    needs.extend(traces(configuration));
    let mappings = mappings["EventSourceMappings"].as_array();
    for mapping in mappings.into_iter().flatten() {
        needs.extend(source(&mapping["EventSourceArn"])?);
        needs.extend(destinations(mapping)?);
    }
    needs.extend(destinations(events)?);
    needs.sort();
    needs.dedup();
    Ok(needs)
}

/// The group is Terraform's; of streams there is one for every place that runs the function.
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html>
fn logs(configuration: &Value) -> Vec<Need> {
    let function = configuration["FunctionArn"].as_str().unwrap_or_default();
    let name = configuration["FunctionName"].as_str().unwrap_or_default();
    let own = format!("/aws/lambda/{name}");
    let group = &configuration["LoggingConfig"]["LogGroup"];
    let group = group.as_str().unwrap_or(&own);
    // arn:aws:lambda:us-east-1:000000000000:function:report
    let place: Vec<&str> = function.split(':').skip(3).take(2).collect();
    let streams = format!(
        "arn:aws:logs:{}:log-group:{group}:log-stream:*",
        place.join(":")
    );
    ["logs:CreateLogStream", "logs:PutLogEvents"]
        .map(|action| Need::new(action, &streams))
        .to_vec()
}

/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html>
fn traces(configuration: &Value) -> Vec<Need> {
    if configuration["TracingConfig"]["Mode"] != "Active" {
        return Vec::new();
    }
    ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        .map(|action| Need::new(action, "*"))
        .to_vec()
}

/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html>; that listing
/// streams is on no stream: <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaDynamoDBExecutionRole.html>
fn source(arn: &Value) -> Result<Vec<Need>> {
    let arn = arn.as_str().unwrap_or_default();
    if !(arn.contains(":dynamodb:") && arn.contains("/stream/")) {
        bail!("it is not known here which rights the event source {arn} needs");
    }
    let mut needs = vec![Need::new("dynamodb:ListStreams", "*")];
    let actions = ["DescribeStream", "GetRecords", "GetShardIterator"];
    needs.extend(actions.map(|action| Need::new(format!("dynamodb:{action}"), arn)));
    Ok(needs)
}

/// Sources: <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>,
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html>
fn destinations(settings: &Value) -> Result<Vec<Need>> {
    let configured = &settings["DestinationConfig"];
    let destinations = ["OnFailure", "OnSuccess"].map(|case| &configured[case]["Destination"]);
    let mut needs = Vec::new();
    for arn in destinations.into_iter().filter_map(Value::as_str) {
        if !arn.starts_with("arn:aws:sqs:") {
            bail!("it is not known here which rights the destination {arn} needs");
        }
        needs.push(Need::new("sqs:SendMessage", arn));
    }
    Ok(needs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:failures";
    const STREAM: &str =
        "arn:aws:dynamodb:us-east-1:000000000000:table/ledger/stream/2026-01-01T00:00:00.000";

    fn configuration(tracing: &str) -> Value {
        json!({
            "FunctionName": "report",
            "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:report",
            "TracingConfig": { "Mode": tracing },
        })
    }

    fn lines(needs: Vec<Need>) -> Vec<String> {
        let line = |need: Need| format!("{} {}", need.action, need.resource);
        needs.into_iter().map(line).collect()
    }

    #[test]
    fn a_bare_function_writes_logs() {
        let bare = implied(&configuration("PassThrough"), &Value::Null, &Value::Null).unwrap();
        let streams =
            "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/report:log-stream:*";
        assert_eq!(
            lines(bare),
            [
                format!("logs:CreateLogStream {streams}"),
                format!("logs:PutLogEvents {streams}"),
            ]
        );
        let mut elsewhere = configuration("PassThrough");
        elsewhere["LoggingConfig"] = json!({ "LogGroup": "/all" });
        let needs = lines(implied(&elsewhere, &Value::Null, &Value::Null).unwrap());
        assert!(
            needs[0].ends_with(":log-group:/all:log-stream:*"),
            "{needs:?}"
        );
    }

    #[test]
    fn traces_a_stream_and_a_destination_each_need_their_own() {
        let failing = json!({ "DestinationConfig": { "OnFailure": { "Destination": QUEUE } } });
        let mut mapping = failing.clone();
        mapping["EventSourceArn"] = json!(STREAM);
        let mappings = json!({ "EventSourceMappings": [mapping] });
        let needs = lines(implied(&configuration("Active"), &mappings, &failing).unwrap());
        let expected = [
            format!("dynamodb:DescribeStream {STREAM}"),
            format!("dynamodb:GetRecords {STREAM}"),
            format!("dynamodb:GetShardIterator {STREAM}"),
            "dynamodb:ListStreams *".to_owned(),
            format!("sqs:SendMessage {QUEUE}"),
            "xray:PutTelemetryRecords *".to_owned(),
            "xray:PutTraceSegments *".to_owned(),
        ];
        for need in &expected {
            assert!(needs.contains(need), "{need}: {needs:?}");
        }
        assert_eq!(needs.len(), expected.len() + 2);
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        let topic = json!({ "DestinationConfig": {
            "OnFailure": { "Destination": "arn:aws:sns:us-east-1:000000000000:t" },
        }});
        let error = implied(&configuration("Active"), &Value::Null, &topic).unwrap_err();
        assert!(error.to_string().contains("000000000000:t"), "{error}");
        let queue = json!({ "EventSourceMappings": [{ "EventSourceArn": QUEUE }] });
        let error = implied(&configuration("Active"), &queue, &Value::Null).unwrap_err();
        assert!(error.to_string().contains(QUEUE), "{error}");
    }
}
