//! The chapter in which somebody else's hand is in the service.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Story;
use crate::developer::Build;

/// Longer than a function takes over a sweep.
const SWEPT: Duration = Duration::from_millis(500);

impl Story<'_> {
    /// ECS is told to run the revision of before while a release is on its way: as it would be by a function that died
    /// over an older release.
    pub(super) async fn set_back_by_hand(&self) -> Result<()> {
        self.lines
            .chapter("Somebody sets the service back while a release is on its way");
        let before = self.definition().await?;
        let commit = self.developer.commit(None, "Hold on").await?;
        let push = self
            .developer
            .push(&commit, &format!("main-{commit}"), Build::Good)
            .await?;
        let line = format!("{} is on its way", push.short());
        self.lines
            .becomes(&line, "deploying".to_owned(), async || {
                self.verdict_on(&push).await
            })
            .await;
        let wanted = self.definition().await?;
        let mut update = self.named("service", json!(self.service.service()));
        update["taskDefinition"] = json!(before);
        self.ask_ecs("UpdateService", update).await?;
        self.strike("verdict").await?;
        sleep(SWEPT).await;
        self.strike("rollout").await?;
        self.lines
            .becomes("the sweep puts it back", wanted, async || {
                self.definition().await
            })
            .await;
        self.lines
            .becomes("and it succeeds", "succeeded".to_owned(), async || {
                self.verdict_on(&push).await
            })
            .await;
        self.told(&push, "success", "success").await;
        Ok(())
    }

    /// The task definition that ECS works on.
    async fn definition(&self) -> Result<String> {
        let deployments = self.deployments().await?;
        let definition = deployments[0]["taskDefinition"].as_str();
        Ok(definition.context("nothing runs")?.to_owned())
    }

    /// The service's deployments, the PRIMARY one first.
    pub(super) async fn deployments(&self) -> Result<Value> {
        let services = self.named("services", json!([self.service.service()]));
        let mut answer = self.ask_ecs("DescribeServices", services).await?;
        Ok(answer["services"][0]["deployments"].take())
    }

    fn named(&self, key: &str, name: Value) -> Value {
        json!({ "cluster": self.service.cluster(), key: name })
    }

    async fn ask_ecs(&self, operation: &str, body: Value) -> Result<Value> {
        let answer = self.system.ecs.call(operation, body).await;
        answer.map_err(|error| anyhow!("{}: {}", error.code, error.message))
    }
}
