//! The chapter in which no event arrives.

use anyhow::Result;
use chrono::{TimeDelta, Utc};
use serde_json::json;
use tokio::time::sleep;

use super::Story;
use super::clock::{self, Rules};
use crate::bus::FRESH;
use crate::developer::Build;
use crate::event::envelope;

impl Story<'_> {
    /// Every rule for events is off; the clock strikes instead.
    pub(super) async fn lost_events(&self) -> Result<()> {
        self.lines
            .chapter("A release of which no event arrives: only the clock strikes");
        let aws = self.system.ministack.aws();
        clock::stop(&aws, Rules::Events).await?;
        // The bus goes on by the rules that it has read last.
        sleep(2 * FRESH).await;
        let told = self.unheard_release().await;
        clock::go_on(&aws, Rules::Events).await?;
        sleep(2 * FRESH).await;
        told
    }

    async fn unheard_release(&self) -> Result<()> {
        let commit = self.developer.commit(None, "Be quiet").await?;
        let push = self
            .developer
            .push(&commit, &format!("main-{commit}"), Build::Good)
            .await?;
        self.strike("rollout").await?;
        let line = format!("the sweep finds {} in the registry", push.short());
        self.lines
            .becomes(&line, "deploying".to_owned(), async || {
                self.verdict_on(&push).await
            })
            .await;
        self.lines
            .becomes("ECS completes it", "COMPLETED".to_owned(), async || {
                self.progress().await
            })
            .await;
        self.strike("verdict").await?;
        let line = "the sweep finds that it runs: verdict succeeded";
        self.lines
            .becomes(line, "succeeded".to_owned(), async || {
                self.verdict_on(&push).await
            })
            .await;
        self.told(&push, "success", "success").await;
        Ok(())
    }

    /// The `rolloutState` of what ECS works on.
    async fn progress(&self) -> Result<String> {
        let deployments = self.deployments().await?;
        let state = &deployments[0]["rolloutState"];
        Ok(state.as_str().unwrap_or_default().to_owned())
    }

    /// Lets the clock strike for a function, at a time at which no event can come any more.
    pub(super) async fn strike(&self, function: &str) -> Result<()> {
        let mut event = envelope("aws.events", "Scheduled Event", &[], json!({}));
        event["time"] = json!((Utc::now() + TimeDelta::seconds(90)).to_rfc3339());
        let name = self.system.site.output(&format!("functions/{function}"))?;
        self.system.ministack.aws().invoke_async(name, &event).await
    }
}
