//! The rules that the clock fires.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::aws::Aws;
use crate::bus::pages;

/// Stops the clock. The sweep repairs what events have lost, once a minute: with it a verdict could come although no
/// event arrives any more, and the story would not notice.
pub(super) async fn stop(aws: &Aws) -> Result<()> {
    turn(aws, "AWSEvents.DisableRule").await
}

/// Lets the clock go on.
pub(super) async fn go_on(aws: &Aws) -> Result<()> {
    turn(aws, "AWSEvents.EnableRule").await
}

async fn turn(aws: &Aws, operation: &str) -> Result<()> {
    let names = scheduled(aws).await?;
    ensure!(!names.is_empty(), "no rule has a schedule");
    for name in names {
        aws.json(operation, json!({ "Name": name })).await?;
    }
    Ok(())
}

/// The names of the rules with a schedule: the sweep's.
async fn scheduled(aws: &Aws) -> Result<Vec<String>> {
    let rules = pages(aws, "AWSEvents.ListRules", json!({}), "Rules").await?;
    let scheduled = rules
        .iter()
        .filter(|rule| rule["ScheduleExpression"].is_string());
    let names = scheduled.filter_map(|rule| rule["Name"].as_str().map(str::to_owned));
    Ok(names.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ministack::Ministack;

    #[tokio::test]
    async fn only_rules_with_a_schedule_are_stopped() {
        let aws = Ministack::shared_for_tests().await.aws();
        let clock = json!({ "Name": "clock-sweep", "ScheduleExpression": "rate(1 day)" });
        let other = json!({ "Name": "clock-other", "EventPattern": "{\"source\":[\"nobody\"]}" });
        for rule in [&clock, &other] {
            aws.json("AWSEvents.PutRule", rule.clone()).await.unwrap();
        }
        let states = async || {
            let mut states = Vec::new();
            for rule in [&clock, &other] {
                let name = json!({ "Name": rule["Name"] });
                let rule = aws.json("AWSEvents.DescribeRule", name).await.unwrap();
                states.push(rule["State"].as_str().unwrap_or_default().to_owned());
            }
            states
        };

        stop(&aws).await.unwrap();
        assert_eq!(states().await, ["DISABLED", "ENABLED"]);
        go_on(&aws).await.unwrap();
        assert_eq!(states().await, ["ENABLED", "ENABLED"]);
    }
}
