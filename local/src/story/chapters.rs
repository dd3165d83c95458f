//! The chapters, in the order in which they happen.

use anyhow::{Context, Result};
use ledger::{Digest, Verdict};
use serde_json::{Value, json};
use std::cell::RefCell;

use super::Story;
use super::client::Polling;
use crate::developer::{Build, Push};

impl Story<'_> {
    /// Pushes and follows the push to a success that GitHub, ECS and the users see.
    async fn good_release(&self, message: &str, tag: impl Fn(&str) -> String) -> Result<Push> {
        let commit = self.developer.commit(None, message).await?;
        let push = self
            .developer
            .push(&commit, &tag(&commit), Build::Good)
            .await?;
        self.succeeds(&push).await?;
        Ok(push)
    }

    async fn succeeds(&self, push: &Push) -> Result<()> {
        let line = format!("{} is rolled out: verdict succeeded", push.tag);
        self.lines
            .becomes(&line, "succeeded".to_owned(), async || {
                self.verdict_on(push).await
            })
            .await?;
        self.lines
            .becomes("one push, one rollout", 1, async || {
                Ok(self.rollouts_of(push).await?.len())
            })
            .await?;
        self.lines
            .becomes(
                "every running task has the digest that was pushed",
                vec![push.digest.clone()],
                async || Ok(self.running()),
            )
            .await?;
        self.lines
            .becomes(
                "the board answers with the commit",
                push.commit.clone(),
                async || self.serving().await,
            )
            .await?;
        self.told(push, "in_progress", "success", "success").await
    }

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
        let image = &described["containerDefinitions"][0]["image"];
        let pinned = image
            .as_str()
            .is_some_and(|image| image.ends_with(&format!("@{}", push.digest)));
        self.lines
            .check("its revision is pinned to the digest", pinned, image);
        let differing = differing(&template, &described);
        self.lines.check(
            "it differs from Terraform's template in image, environment and name only",
            differing == ["containerDefinitions", "family"],
            &differing,
        );
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
        let asked: usize = polled.answered.values().sum::<usize>() + polled.failed.len();
        self.lines.check(
            &format!("of {asked} requests meanwhile, none failed"),
            polled.failed.is_empty() && asked > 20,
            &polled.failed,
        );
        let both =
            polled.answered.contains_key(&before) && polled.answered.contains_key(&push.commit);
        self.lines.check(
            "both releases answered, one after the other",
            both,
            &polled.answered,
        );
        Ok(push)
    }

    pub(super) async fn broken_release(&self) -> Result<Push> {
        self.lines.chapter("A release that crashes on start");
        let (before, running) = (self.serving().await?, self.running());
        let polling = Polling::start(&self.system.site.board);
        let commit = self.developer.commit(None, "Break the board").await?;
        let push = self
            .developer
            .push(&commit, &format!("main-{commit}"), Build::Broken)
            .await?;
        self.lines
            .becomes(
                "ECS goes back: verdict rolled_back",
                "rolled_back".to_owned(),
                async || self.verdict_on(&push).await,
            )
            .await?;
        let rollout = self.rollouts_of(&push).await?.into_iter().next();
        let reason = rollout
            .and_then(|rollout| rollout.reason)
            .unwrap_or_default();
        self.lines.check(
            "the reason is the container's own end, not the breaker's words",
            reason.starts_with("container web exited 1: "),
            &reason,
        );
        self.told(&push, "in_progress", "failure", "failure")
            .await?;
        let words = format!("Rolled back: {reason}");
        self.lines.check(
            "the commit says why",
            self.commit_words(&push) == words,
            self.commit_words(&push),
        );
        self.lines.check(
            "the release before is still serving",
            self.serving().await? == before,
            &before,
        );
        self.lines.check(
            "its tasks are still the ones that run",
            self.running() == running,
            self.running(),
        );
        let polled = polling.stop().await?;
        self.lines.check(
            "no request failed meanwhile",
            polled.failed.is_empty(),
            &polled.failed,
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
        self.lines
            .comes(&format!("{} is on its way", almost.short()), async || {
                Ok(self.rollouts_of(&almost).await?.into_iter().next())
            })
            .await?;
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
            .await?;
        self.told(&almost, "in_progress", "inactive", "error")
            .await?;
        let words = format!("Superseded by {}", now.short());
        self.lines.check(
            "the commit says by which",
            self.commit_words(&almost) == words,
            self.commit_words(&almost),
        );
        self.succeeds(&now).await
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
        self.succeeds(&push).await?;
        let children = push.children.len();
        self.lines
            .becomes(
                &format!("its {children} untagged parts were heard and left alone"),
                parts + children,
                async || self.said("rollout", ignored).await,
            )
            .await?;
        let rollouts = self.count().await? - before;
        self.lines
            .check("exactly one rollout", rollouts == 1, rollouts);
        Ok(())
    }

    pub(super) async fn old_events(&self, first: &Push, broken: &Push) -> Result<()> {
        self.lines.chapter("Old events come again");
        let again = "ignored: this release was rolled out before";
        let out = "ignored: this release failed before and stays out until somebody asks for it";
        let (head, before) = (self.ledger.head(&self.service).await?, self.count().await?);
        let said = (
            self.said("rollout", again).await?,
            self.said("rollout", out).await?,
        );
        for push in [first, broken] {
            let events = self.system.heard(|event| {
                event["detail"]["image-digest"] == json!(push.digest)
                    && event["detail"]["image-tag"] == json!(push.tag)
            });
            let event = events
                .into_iter()
                .next()
                .context("the push's event was not heard")?;
            self.system.events.queue(event);
        }
        self.lines
            .becomes(
                "the log says that the older release was rolled out before",
                said.0 + 1,
                async || self.said("rollout", again).await,
            )
            .await?;
        self.lines
            .becomes(
                "the log says that the broken release stays out",
                said.1 + 1,
                async || self.said("rollout", out).await,
            )
            .await?;
        self.lines.check(
            "nothing was claimed",
            self.count().await? == before,
            self.count().await?,
        );
        let now = self.ledger.head(&self.service).await?;
        self.lines.check("nothing has moved", now == head, &now);
        Ok(())
    }

    pub(super) async fn malformed_events(&self) -> Result<()> {
        self.lines.chapter("Malformed events");
        self.failures().await?;
        let before = self.count().await?;
        let push = json!({ "source": "aws.ecr", "detail-type": "ECR Image Action", "detail": { "action-type": "PUSH" } });
        let deployment = json!({ "source": "aws.ecs", "detail-type": "ECS Deployment State Change", "detail": {}, "resources": [] });
        let rows = [
            (
                "rollout",
                push,
                "malformed \"ECR Image Action\" event: missing field `result`",
            ),
            (
                "verdict",
                deployment,
                "a \"ECS Deployment State Change\" event names no service",
            ),
            (
                "report",
                json!({ "Records": 7 }),
                "not an event of a DynamoDB stream",
            ),
        ];
        for (function, event, _) in &rows {
            let name = self.system.site.output(&format!("functions/{function}"))?;
            self.system
                .ministack
                .aws()
                .invoke_async(name, event)
                .await?;
        }
        let seen = RefCell::new(Vec::new());
        self.lines
            .becomes("three failures are in the failure queue", 3, async || {
                seen.borrow_mut().extend(self.failures().await?);
                Ok(seen.borrow().len())
            })
            .await?;
        let seen = seen.into_inner();
        for (function, event, message) in &rows {
            let found = seen
                .iter()
                .find(|failure| failure["requestPayload"] == *event);
            let words = found.map(Value::to_string).unwrap_or_default();
            let escaped = message.replace('"', "\\\"");
            let right = words.contains(message)
                || words.contains(&escaped)
                || words.contains(&escaped.replace('\\', "\\\\"));
            self.lines.check(
                &format!("{function} names what was wrong: {message}"),
                right,
                &words,
            );
        }
        self.lines.check(
            "nothing was written",
            self.count().await? == before,
            self.count().await?,
        );
        Ok(())
    }

    pub(super) async fn rollback(&self) -> Result<()> {
        self.lines.chapter("Somebody asks for the release before");
        let history = self.ledger.history(&self.service, 100).await?;
        let live = self
            .ledger
            .head(&self.service)
            .await?
            .live
            .context("nothing runs")?;
        let wanted = history
            .iter()
            .filter(|rollout| rollout.verdict == Some(Verdict::Succeeded))
            .map(|rollout| &rollout.release)
            .find(|release| release.digest != live.release.digest)
            .context("there is no earlier release")?
            .clone();
        self.developer
            .ask_for_rollback("ada", "the numbers look odd")
            .await?;
        let line = format!("{} is live again", wanted.label());
        self.lines
            .becomes(&line, Some(wanted.digest.clone()), async || {
                let head = self.ledger.head(&self.service).await?;
                Ok::<Option<Digest>, anyhow::Error>(head.live.map(|live| live.release.digest))
            })
            .await?;
        let newest = self.ledger.history(&self.service, 1).await?.remove(0);
        self.lines.check(
            "the history says who asked",
            newest.cause.to_string() == "rollback by ada",
            &newest.cause,
        );
        let commit = wanted
            .commit
            .map(|commit| commit.to_string())
            .unwrap_or_default();
        self.lines
            .becomes("the board answers with its commit", commit, async || {
                self.serving().await
            })
            .await
    }

    /// GitHub shows one deployment with these states and the commit's status went from pending to `commit`.
    async fn told(&self, push: &Push, first: &str, last: &str, commit: &str) -> Result<()> {
        let states = vec![vec![first.to_owned(), last.to_owned()]];
        self.lines
            .becomes(
                &format!("GitHub's deployment went {first} → {last}"),
                states,
                async || Ok(self.deployment_states(push)),
            )
            .await?;
        let states = vec!["pending".to_owned(), commit.to_owned()];
        self.lines
            .becomes(
                &format!("the commit's status went pending → {commit}"),
                states,
                async || Ok(self.commit_states(push)),
            )
            .await
    }

    async fn count(&self) -> Result<usize> {
        Ok(self.ledger.history(&self.service, 1000).await?.len())
    }

    async fn describe(&self, definition: &str) -> Result<Value> {
        let request = json!({ "taskDefinition": definition });
        let answer = self
            .system
            .ecs
            .call("DescribeTaskDefinition", request)
            .await;
        let answer =
            answer.map_err(|error| anyhow::anyhow!("{}: {}", error.code, error.message))?;
        Ok(answer["taskDefinition"].clone())
    }
}

/// The names of the fields in which two task definitions differ, but for those that ECS sets itself.
fn differing(left: &Value, right: &Value) -> Vec<String> {
    let ecs_sets = [
        "registeredAt",
        "registeredBy",
        "revision",
        "taskDefinitionArn",
    ];
    let empty = serde_json::Map::new();
    let (left, right) = (
        left.as_object().unwrap_or(&empty),
        right.as_object().unwrap_or(&empty),
    );
    let mut names: Vec<_> = left.keys().chain(right.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| !ecs_sets.contains(&name.as_str()) && left.get(*name) != right.get(*name))
        .cloned()
        .collect()
}
