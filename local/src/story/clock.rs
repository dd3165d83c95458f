//! Rules that are switched off for a while: the clock's, and those for events.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::aws::Aws;
use crate::bus::pages;

/// Which rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// Those that the clock fires. The sweep repairs what events have lost, once a minute: with it a verdict could come
    /// although no event arrives any more, and the story would not notice.
    Scheduled,
    /// Those that events match.
    Events,
}

/// Switches them off.
pub(super) async fn stop(aws: &Aws, which: Rules) -> Result<()> {
    switch(aws, "AWSEvents.DisableRule", which).await
}

/// Switches them on again.
pub(super) async fn go_on(aws: &Aws, which: Rules) -> Result<()> {
    switch(aws, "AWSEvents.EnableRule", which).await
}

async fn switch(aws: &Aws, operation: &str, which: Rules) -> Result<()> {
    let names = names(aws, which).await?;
    ensure!(!names.is_empty(), "there are no rules that are {which:?}");
    for name in names {
        aws.json(operation, json!({ "Name": name })).await?;
    }
    Ok(())
}

async fn names(aws: &Aws, which: Rules) -> Result<Vec<String>> {
    let field = match which {
        Rules::Scheduled => "ScheduleExpression",
        Rules::Events => "EventPattern",
    };
    let rules = pages(aws, "AWSEvents.ListRules", json!({}), "Rules").await?;
    let names = rules
        .iter()
        .filter(|rule| rule[field].as_str().is_some_and(|text| !text.is_empty()))
        .filter_map(|rule| rule["Name"].as_str().map(str::to_owned));
    Ok(names.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ministack::Ministack;

    #[tokio::test]
    async fn each_kind_is_switched_by_itself() {
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

        stop(&aws, Rules::Scheduled).await.unwrap();
        assert_eq!(states().await, ["DISABLED", "ENABLED"]);
        go_on(&aws, Rules::Scheduled).await.unwrap();
        assert_eq!(states().await, ["ENABLED", "ENABLED"]);
    }
}
