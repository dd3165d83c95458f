//! What the story looks at.

use anyhow::{Context, Result};
use ledger::{Digest, Rollout};
use serde_json::{Value, json};

use super::Story;
use crate::aws::http;
use crate::developer::Push;
use crate::github::Deployment;
use crate::site::GITHUB_REPOSITORY;

impl Story<'_> {
    /// The rollouts of what was pushed, newest first.
    pub(super) async fn rollouts_of(&self, push: &Push) -> Result<Vec<Rollout>> {
        let digest = Digest::parse(&push.digest)?;
        let mut rollouts = self.ledger.history(&self.service, 100).await?;
        rollouts.retain(|rollout| rollout.release.digest == digest);
        Ok(rollouts)
    }

    /// The verdict on what was pushed; until there is one, how far its rollout is.
    pub(super) async fn verdict_on(&self, push: &Push) -> Result<String> {
        let rollouts = self.rollouts_of(push).await?;
        Ok(match rollouts.first() {
            None => "not claimed".to_owned(),
            Some(rollout) => match rollout.verdict {
                None => format!("{:?}", rollout.stage).to_lowercase(),
                Some(verdict) => verdict.to_string(),
            },
        })
    }

    /// The commit's statuses for this target: their states, oldest first.
    pub(super) fn commit_states(&self, push: &Push) -> Vec<String> {
        let context = format!("couplet/{}", self.service.service());
        let statuses = self.system.github.statuses(GITHUB_REPOSITORY, &push.commit);
        let ours = statuses.iter().filter(|status| status.context == context);
        ours.map(|status| status.state.to_string()).collect()
    }

    /// What the commit's newest status says.
    pub(super) fn commit_words(&self, push: &Push) -> String {
        let statuses = self.system.github.statuses(GITHUB_REPOSITORY, &push.commit);
        let newest = statuses.last();
        newest
            .and_then(|status| status.description.clone())
            .unwrap_or_default()
    }

    /// The states of each GitHub deployment of the commit, oldest first, each once: of one that is in progress there are
    /// more, with its tasks.
    pub(super) fn deployment_steps(&self, push: &Push) -> Vec<Vec<String>> {
        let deployments = self.deployments_of(push).into_iter();
        deployments
            .map(|deployment| {
                let statuses = deployment.statuses.iter();
                let mut states: Vec<_> = statuses.map(|status| status.state.to_string()).collect();
                states.dedup();
                states
            })
            .collect()
    }

    /// The GitHub deployments of the commit, oldest first.
    pub(super) fn deployments_of(&self, push: &Push) -> Vec<Deployment> {
        let mut deployments = self.system.github.deployments(GITHUB_REPOSITORY);
        deployments.retain(|deployment| deployment.sha == push.commit);
        deployments
    }

    /// The commit that the board answers with; which task is asked, the load balancer says.
    pub(super) async fn serving(&self) -> Result<String> {
        super::client::version(&http(), &self.system.site.board).await
    }

    /// The digests of the running tasks, each once.
    pub(super) fn running(&self) -> Vec<String> {
        let tasks = self.system.ecs.tasks(self.service.service());
        let mut digests: Vec<_> = tasks
            .into_iter()
            .filter(|task| task.status == "RUNNING")
            .filter_map(|task| task.digest)
            .collect();
        digests.sort();
        digests.dedup();
        digests
    }

    /// The ids of the running tasks.
    pub(super) fn running_tasks(&self) -> Vec<String> {
        let tasks = self.system.ecs.tasks(self.service.service());
        let running = tasks.into_iter().filter(|task| task.status == "RUNNING");
        let mut ids: Vec<_> = running.map(|task| task.id).collect();
        ids.sort();
        ids
    }

    /// What a function has logged, as far as it is JSON.
    pub(super) async fn log_of(&self, function: &str) -> Result<Vec<Value>> {
        let name = self.system.site.output(&format!("functions/{function}"))?;
        let lines = self.system.ministack.function_log(name).await?;
        let parsed = lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok());
        Ok(parsed.collect())
    }

    /// How often a function has logged `message`.
    pub(super) async fn said(&self, function: &str, message: &str) -> Result<usize> {
        let log = self.log_of(function).await?;
        Ok(log.iter().filter(|line| line["message"] == message).count())
    }

    /// Takes all messages out of the failure queue.
    pub(super) async fn failures(&self) -> Result<Vec<Value>> {
        let aws = self.system.ministack.aws();
        let queue = self.system.site.output("failure_queue_url")?;
        let mut failures = Vec::new();
        loop {
            let request = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10 });
            let answer = aws.json("AmazonSQS.ReceiveMessage", request).await?;
            let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                return Ok(failures);
            }
            for message in messages {
                let handle = &message["ReceiptHandle"];
                let request = json!({ "QueueUrl": queue, "ReceiptHandle": handle });
                aws.json("AmazonSQS.DeleteMessage", request).await?;
                let body = message["Body"].as_str().context("a message has no body")?;
                failures.push(serde_json::from_str(body).context("a failure is no JSON")?);
            }
        }
    }

    /// How many rollouts there are.
    pub(super) async fn count(&self) -> Result<usize> {
        Ok(self.ledger.history(&self.service, 1000).await?.len())
    }

    /// What the functions write to: the ledger's head and its rollouts, and all that GitHub keeps.
    pub(super) async fn written(&self) -> Result<[(&'static str, Value); 3]> {
        Ok([
            ("head", json!(self.ledger.head(&self.service).await?)),
            ("rollouts", json!(self.count().await?)),
            ("GitHub", self.system.github.save()),
        ])
    }

    /// What ECS answers about a task definition and its tags.
    pub(super) async fn describe(&self, definition: &str) -> Result<Value> {
        let request = json!({ "taskDefinition": definition, "include": ["TAGS"] });
        let answer = self
            .system
            .ecs
            .call("DescribeTaskDefinition", request)
            .await;
        answer.map_err(|error| anyhow::anyhow!("{}: {}", error.code, error.message))
    }
}
