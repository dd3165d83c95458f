//! The chapters of the proof: plans that stay empty, a template that is rolled out, rights that fit.

use anyhow::{Context, Result};
use ledger::{Cause, Verdict};
use serde_json::{Value, json};

use super::clock::{self, Rules};
use super::difference::{difference, web};
use super::{Story, Told};
use crate::event::REGION;
use crate::rights;

/// What the template gets in the middle of the proof.
const CPU: &str = "512";

impl Story<'_> {
    /// Terraform wants to change nothing. Only the proof asks: a plan takes ten seconds.
    pub(super) async fn plan_is_empty(&self, when: &str) -> Result<()> {
        if self.told == Told::Story {
            return Ok(());
        }
        // A rule that is disabled would be a difference.
        let aws = self.system.ministack.aws();
        clock::go_on(&aws, Rules::Scheduled).await?;
        let plan = self.system.terraform.plan().await;
        clock::stop(&aws, Rules::Scheduled).await?;
        let changes = plan?;
        self.lines.check(
            &format!("{when}, Terraform's plan is empty"),
            changes.is_empty(),
            &changes,
        );
        Ok(())
    }

    pub(super) async fn proof(&self) -> Result<()> {
        if self.told == Told::Story {
            return Ok(());
        }
        self.plan_is_empty("after all of this").await?;
        self.template_change().await?;
        self.rights().await?;
        self.alarms_read_the_logs().await?;
        self.plan_role().await
    }

    /// A setting of the service is changed where it stands, in Terraform, and nothing else is done.
    async fn template_change(&self) -> Result<()> {
        self.lines
            .chapter("A template that changes: Terraform gives tasks another size");
        let head = self.ledger.head(&self.service).await?;
        let before = head.live.context("nothing runs")?;
        let family = self.service.service();
        let template = self.describe(&format!("{family}-template")).await?;
        let tasks = json!({ "tasks": { "minimum": 2, "cpu": 512, "memory": 1024 } });
        self.system.terraform.set("template", &tasks)?;
        let aws = self.system.ministack.aws();
        // Else Terraform would find a rule that is disabled, and enable it.
        clock::go_on(&aws, Rules::Scheduled).await?;
        let step = self.lines.step("Applying terraform/ with it");
        let applied = self.system.apply(&step).await;
        clock::stop(&aws, Rules::Scheduled).await?;
        applied?;
        step.done();

        let line = format!(
            "{} is rolled out again, by Terraform",
            before.release.label()
        );
        let rollout = self
            .lines
            .comes(&line, async || {
                let history = self.ledger.history(&self.service, 1).await?;
                Ok(history.into_iter().find(|rollout| {
                    matches!(&rollout.cause, Cause::Request { by, .. } if by == "terraform")
                        && rollout.release.digest == before.release.digest
                }))
            })
            .await?;
        self.lines
            .becomes(
                "its verdict is succeeded",
                Some(Verdict::Succeeded),
                async || {
                    let rollout = self.ledger.rollout(&self.service, &rollout.id).await?;
                    Ok(rollout.and_then(|rollout| rollout.verdict))
                },
            )
            .await;
        let newest = self.describe(&format!("{family}-template")).await?;
        let arn = |answer: &Value| answer["taskDefinition"]["taskDefinitionArn"].clone();
        self.lines.check(
            "the template has a new revision, with the new size",
            arn(&newest) != arn(&template) && newest["taskDefinition"]["cpu"] == CPU,
            &newest["taskDefinition"]["cpu"],
        );
        let live = self.describe(family).await?;
        let difference = difference(&newest, &live);
        self.lines.check(
            "what runs is this template with the same image",
            difference.is_none()
                && web(&live).is_some_and(|web| {
                    let image = web["image"].as_str().unwrap_or_default();
                    image.ends_with(&format!("@{}", before.release.digest))
                }),
            &difference,
        );
        self.plan_is_empty("after the change").await
    }

    /// The calls that were made are the rights that were given.
    async fn rights(&self) -> Result<()> {
        self.lines.chapter("Rights, in both directions");
        let wrong = rights::prove(self.system).await?;
        self.lines.check(
            "what the functions and the board called is what their roles allow, no less and no more",
            wrong.is_empty(),
            &wrong,
        );
        Ok(())
    }

    /// Alarms count lines of the logs by their fields: the fields must be those that are written.
    async fn alarms_read_the_logs(&self) -> Result<()> {
        let aws = self.system.ministack.aws();
        let target = "Logs_20140328.DescribeMetricFilters";
        let answer = aws.json(target, json!({})).await?;
        let filters = answer["metricFilters"].as_array().cloned();
        let filters = filters.unwrap_or_default();
        let mut blind = Vec::new();
        for filter in &filters {
            let pattern = filter["filterPattern"].as_str().unwrap_or_default();
            let group = filter["logGroupName"].as_str().unwrap_or_default();
            let function = group.rsplit('-').next().unwrap_or_default();
            let wanted = fields(pattern);
            let log = self.log_of(function).await?;
            let has_all = |line: &Value| wanted.iter().all(|field| line.get(*field).is_some());
            if wanted.is_empty() || !log.iter().any(has_all) {
                blind.push(pattern.to_owned());
            }
        }
        self.lines.check(
            "the filters behind the alarms look at fields that the functions log",
            blind.is_empty() && !filters.is_empty(),
            &blind,
        );
        Ok(())
    }

    /// A pull request's plan gets along with the role that is made for it.
    async fn plan_role(&self) -> Result<()> {
        self.lines.chapter("What a pull request's plan may do");
        let variables = json!({
            "name": "couplet",
            "region": REGION,
            "github": { "repository": "acme/board", "repository_id": "1", "owner_id": "2" },
        });
        let step = self.lines.step("Applying terraform/bootstrap");
        let bootstrap = self
            .system
            .terraform
            .nested("bootstrap", &variables)
            .await?;
        bootstrap.apply(&step).await?;
        step.done();
        let again = bootstrap.plan().await?;
        self.lines
            .check("its second plan is empty", again.is_empty(), &again);
        let mark = self.system.calls().mark();
        self.plan_is_empty("once more").await?;
        let refused = rights::refused(self.system, mark, "couplet-ci-plan").await?;
        self.lines.check(
            "every call of the plan is allowed to the role of pull requests",
            refused.is_empty(),
            &refused,
        );
        Ok(())
    }
}

/// The fields in a filter pattern: `{ $.['rollout.verdict'] = "timed_out" }` has one.
/// Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>
fn fields(pattern: &str) -> Vec<&str> {
    pattern
        .split("$.['")
        .skip(1)
        .filter_map(|rest| rest.split("']").next())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_its_fields() {
        let pattern =
            r#"{ ($.['rollout.found_by'] = "sweep") && ($.['rollout.verdict'] != "timed_out") }"#;
        assert_eq!(fields(pattern), ["rollout.found_by", "rollout.verdict"]);
        assert!(fields("ERROR").is_empty());
    }
}
