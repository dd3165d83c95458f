//! The chapters in which something is refused, undone or left alone.

use std::cell::RefCell;

use anyhow::{Context, Result};
use ledger::{Digest, Verdict};
use serde_json::{Value, json};

use super::Story;
use super::client::Polling;
use crate::developer::{Build, Push};

impl Story<'_> {
    pub(super) async fn broken_release(&self) -> Result<Push> {
        self.lines.chapter("A release that crashes on start");
        let (before, running) = (self.serving().await?, self.running_tasks());
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
            .await;
        let rollout = self.rollouts_of(&push).await?.into_iter().next();
        let reason = rollout
            .and_then(|rollout| rollout.reason)
            .unwrap_or_default();
        self.lines.check(
            "the reason is the container's own end, not the breaker's words",
            reason.starts_with("container web exited 1: "),
            &reason,
        );
        self.told(&push, "failure", "failure").await;
        let words = format!("Rolled back: {reason}");
        self.lines.check(
            "the commit says why",
            self.commit_words(&push) == words,
            self.commit_words(&push),
        );
        self.lines
            .becomes("the release before is still serving", before, async || {
                self.serving().await
            })
            .await;
        self.lines
            .becomes(
                "its tasks are still the ones that run",
                running,
                async || Ok(self.running_tasks()),
            )
            .await;
        let polled = polling.stop().await?;
        let asked = polled.asked();
        self.lines.check(
            &format!("of {asked} requests meanwhile, none failed"),
            polled.failed.is_empty() && asked > 10,
            &polled.failed,
        );
        Ok(push)
    }

    pub(super) async fn old_events(&self, older: &Push, broken: &Push) -> Result<()> {
        self.lines.chapter("Old events come again");
        let (head, before) = (self.ledger.head(&self.service).await?, self.count().await?);
        let live = head.live.clone().context("nothing runs")?.release;
        let mut moved = self.event_of(older)?;
        moved["detail"]["image-tag"] = json!(live.tag);
        let rows = [
            (
                "of an older release: it was rolled out before",
                self.event_of(older)?,
                "ignored: this release was rolled out before",
            ),
            (
                "of the broken release: it stays out",
                self.event_of(broken)?,
                "ignored: this release failed before and stays out until somebody asks for it",
            ),
            (
                "of an older release under the newest tag: the tag has moved on",
                moved,
                "ignored: the tag has moved on to another image",
            ),
        ];
        for (line, event, message) in rows {
            let said = self.said("rollout", message).await?;
            self.system.events.queue(event);
            let line = format!("the log says why nothing is done, {line}");
            self.lines
                .becomes(&line, said + 1, async || {
                    self.said("rollout", message).await
                })
                .await;
        }
        let count = self.count().await?;
        self.lines
            .check("nothing was claimed", count == before, count);
        let now = self.ledger.head(&self.service).await?;
        self.lines.check("nothing has moved", now == head, &now);
        Ok(())
    }

    /// The event that ECR sent when this was pushed.
    fn event_of(&self, push: &Push) -> Result<Value> {
        let events = self.system.heard(|event| {
            event["detail"]["image-digest"] == json!(push.digest)
                && event["detail"]["image-tag"] == json!(push.tag)
        });
        let event = events.into_iter().next();
        event.with_context(|| format!("the event of {} was not heard", push.tag))
    }

    pub(super) async fn malformed_events(&self) -> Result<()> {
        self.lines.chapter("Malformed events");
        self.failures().await?;
        let before = self.written().await?;
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
                let new = self.failures().await?;
                seen.borrow_mut().extend(new);
                Ok(seen.borrow().len())
            })
            .await;
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
        let after = self.written().await?;
        let changed: Vec<_> = before
            .iter()
            .zip(&after)
            .filter(|(before, after)| before != after)
            .map(|(_, (what, _))| what)
            .collect();
        self.lines.check(
            "nothing was written, neither to the ledger nor to GitHub",
            changed.is_empty(),
            &changed,
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
            .await;
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
            .await;
        Ok(())
    }
}
