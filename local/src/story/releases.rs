//! The chapters in which a release goes live.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::json;

use super::Story;
use super::client::Polling;
use super::difference::{difference, web};
use crate::developer::{Build, Push};

impl Story<'_> {
    pub(super) async fn first_release(&self) -> Result<()> {
        self.lines.chapter("The first release");
        let push = self
            .good_release("Begin", |commit| format!("main-{commit}"))
            .await?;
        let family = self.service.service().to_owned();
        let rollout = self.rollouts_of(&push).await?.into_iter().next();
        let revision = rollout
            .and_then(|rollout| rollout.revision)
            .context("no revision")?;
        let described = self.describe(revision.as_str()).await?;
        let template = self.describe(&format!("{family}-template")).await?;
        let image = &web(&described).context("the revision has no container web")?["image"];
        let pinned = image
            .as_str()
            .is_some_and(|image| image.ends_with(&format!("@{}", push.digest)));
        self.lines
            .check("its revision is pinned to the digest", pinned, image);
        let difference = difference(&template, &described);
        self.lines.check(
            "it differs from Terraform's template in its family, the image and its identity, and in nothing else",
            difference.is_none(),
            &difference,
        );
        self.others_heard(&push).await
    }

    /// GitHub showed the tasks, the ledger knows what GitHub was told, and the bus has heard it too.
    async fn others_heard(&self, push: &Push) -> Result<()> {
        let deployments = self.deployments_of(push);
        let statuses = deployments.iter().flat_map(|it| &it.statuses);
        let said: Vec<&str> = statuses.map(|status| &*status.description).collect();
        let once = said.iter().collect::<BTreeSet<_>>().len() == said.len();
        let tasks = said.iter().any(|line| line.ends_with(" of 2 tasks run"));
        let line = "GitHub's deployment showed the tasks as they came, and nothing twice";
        self.lines.check(line, tasks && once, &said);
        self.lines
            .becomes(
                "the ledger knows what GitHub was told",
                Some("success".to_owned()),
                async || {
                    let rollout = self.rollouts_of(push).await?.into_iter().next();
                    Ok(rollout
                        .and_then(|rollout| rollout.told)
                        .map(|told| told.state))
                },
            )
            .await;
        self.lines
            .becomes("the bus has heard of the verdict", 1, async || {
                let verdicts = self.system.heard(|event| {
                    event["detail-type"] == "Couplet Rollout State Change"
                        && event["detail"]["release"]["digest"] == json!(push.digest)
                        && event["detail"]["verdict"] == "succeeded"
                });
                Ok(verdicts.len())
            })
            .await;
        Ok(())
    }

    pub(super) async fn second_release(&self) -> Result<Push> {
        self.lines
            .chapter("A second release, while users are asking");
        let before = self.serving().await?;
        let polling = Polling::start(&self.system.site.board);
        // This tag names no commit: the image's own labels do.
        let push = self
            .good_release("Go on", |commit| format!("main-{}", &commit[..7]))
            .await?;
        let polled = polling.stop().await?;
        let asked = polled.asked();
        self.lines.check(
            &format!("of {asked} requests meanwhile, none failed"),
            polled.failed.is_empty() && asked > 20,
            &polled.failed,
        );
        // While tasks of both run, their answers alternate.
        let first = polled.answered.first().map(|(commit, _)| commit);
        let last = polled.answered.last().map(|(commit, _)| commit);
        self.lines.check(
            "first the release before answered, last the new one",
            first == Some(&before) && last == Some(&push.commit) && before != push.commit,
            &polled.answered,
        );
        Ok(push)
    }

    pub(super) async fn two_in_a_row(&self) -> Result<()> {
        self.lines.chapter("Two releases in quick succession");
        let commit = self.developer.commit(None, "Almost").await?;
        let almost = self
            .developer
            .push(&commit, &format!("main-{commit}"), Build::Good)
            .await?;
        let line = format!("{} is on its way", almost.short());
        self.lines
            .becomes(&line, "deploying".to_owned(), async || {
                self.verdict_on(&almost).await
            })
            .await;
        let commit = self.developer.commit(None, "Now").await?;
        let now = self
            .developer
            .push(&commit, &format!("main-{commit}"), Build::Good)
            .await?;
        let line = format!(
            "{} takes its place at once: verdict superseded",
            now.short()
        );
        self.lines
            .becomes(&line, "superseded".to_owned(), async || {
                self.verdict_on(&almost).await
            })
            .await;
        self.told(&almost, "inactive", "error").await;
        let words = format!("Superseded by {}", now.short());
        self.lines.check(
            "the commit says by which",
            self.commit_words(&almost) == words,
            self.commit_words(&almost),
        );
        self.succeeds(&now).await;
        Ok(())
    }

    pub(super) async fn multi_architecture(&self) -> Result<()> {
        self.lines
            .chapter("A multi-architecture index: children and attestations first, the tag last");
        let ignored = "ignored: an untagged part of a multi-architecture push";
        let (before, parts) = (self.count().await?, self.said("rollout", ignored).await?);
        let commit = self.developer.commit(None, "Run on both").await?;
        let push = self
            .developer
            .push_index(&commit, &format!("main-{commit}"))
            .await?;
        self.succeeds(&push).await;
        let children = push.children.len();
        self.lines
            .becomes(
                &format!("its {children} untagged parts were heard and left alone"),
                parts + children,
                async || self.said("rollout", ignored).await,
            )
            .await;
        let rollouts = self.count().await? - before;
        self.lines
            .check("exactly one rollout", rollouts == 1, rollouts);
        Ok(())
    }

    /// Pushes and follows the push to a success that GitHub, ECS and the users see.
    async fn good_release(&self, message: &str, tag: impl Fn(&str) -> String) -> Result<Push> {
        let commit = self.developer.commit(None, message).await?;
        let push = self
            .developer
            .push(&commit, &tag(&commit), Build::Good)
            .await?;
        self.succeeds(&push).await;
        Ok(push)
    }
}
