//! An AWS that does what it is told: ministack, the ECS whose tasks are processes, and a service in it, as Terraform leaves
//! it before the first push.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Bench, TABLE};
use crate::aws::Aws;
use crate::ecs::{self, Controller, Pace};
use crate::event::{Events, Receiver};
use crate::front::{self, Front, FrontSettings};
use crate::image::{File, Image, REVISION};
use crate::ministack::{self, Ministack};

pub(super) const CLUSTER: &str = "production";
pub(super) const SERVICE: &str = "web";
const REPOSITORY: &str = "team/web";
/// A program that runs until it is stopped, and stops at once when it is.
const PROGRAM: &str = "#!/bin/sh\ntrap 'exit 0' TERM\nwhile :; do sleep 0.05; done\n";

/// What runs.
pub(super) struct Emulator {
    pub(super) aws: Aws,
    events: Receiver,
    ecs: Arc<Controller>,
    front: Front,
    ministack: Ministack,
}

impl Emulator {
    /// Starts it; nothing of it outlives us.
    pub(super) async fn start(bench: &Bench) -> Result<Emulator> {
        let ministack = Ministack::start(ministack::Options {
            python_env_dir: bench.paths.python_env(),
            port: super::free_port()?,
            endpoint: None,
            state_dir: None,
            log: bench.log("ministack"),
        });
        let ministack = ministack.await?;
        // What ran there in an earlier run is none of this one's services.
        let work_dir = bench.folder.join("ecs");
        if work_dir.exists() {
            let context = || format!("remove {}", work_dir.display());
            fs::remove_dir_all(&work_dir).with_context(context)?;
        }
        let (events, receiver) = Events::channel();
        let ecs = Controller::start(ecs::Settings {
            events: events.clone(),
            registry: ministack.url().to_owned(),
            task_environment: Vec::new(),
            work_dir,
            pace: Pace::instant(),
        });
        let ecs = ecs.await?;
        let front = front::serve(FrontSettings {
            address: ([127, 0, 0, 1], 0).into(),
            ministack_url: ministack.url().to_owned(),
            events,
            ecs: Arc::clone(&ecs),
            public_url: None,
            state_dir: None,
        });
        let front = front.await?;
        ministack.create_ledger_table(TABLE).await?;
        let mut emulator = Emulator {
            aws: Aws::new(front.url()),
            events: receiver,
            ecs,
            front,
            ministack,
        };
        emulator.fill().await?;
        Ok(emulator)
    }

    async fn fill(&mut self) -> Result<()> {
        let text = |text: &str| json!({ "S": text });
        let target = json!({
            "pk": text("targets"),
            "sk": text(&format!("{REPOSITORY}#{SERVICE}")),
            "name": text(SERVICE),
            "environment": text(CLUSTER),
            "repository": text(REPOSITORY),
            "cluster": text(CLUSTER),
            "service": text(SERVICE),
            "container": text("web"),
            "template": text("web-template"),
            "family": text("web"),
            "github_repository": text("acme/web"),
            "deadline_seconds": { "N": "900" },
            "first_count": { "N": "1" },
            "tag_policy": { "M": { "kind": text("glob"), "pattern": text("main-*") } },
        });
        self.call(
            "DynamoDB_20120810.PutItem",
            json!({ "TableName": TABLE, "Item": target }),
        )
        .await?;
        let repository = json!({ "repositoryName": REPOSITORY });
        self.call(
            "AmazonEC2ContainerRegistry_V20150921.CreateRepository",
            repository,
        )
        .await?;
        self.ecs("CreateCluster", json!({ "clusterName": CLUSTER }))
            .await?;
        let template = json!({
            "family": "web-template",
            "cpu": "256",
            "memory": "512",
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "containerDefinitions": [{
                "name": "web",
                "image": format!("{}:placeholder", self.repository()),
                "essential": true,
            }],
        });
        self.ecs("RegisterTaskDefinition", template).await?;
        let service = json!({
            "cluster": CLUSTER,
            "serviceName": SERVICE,
            "taskDefinition": "web-template",
            "desiredCount": 0,
            "launchType": "FARGATE",
            "deploymentConfiguration": {
                "deploymentCircuitBreaker": { "enable": true, "rollback": true },
            },
        });
        self.ecs("CreateService", service).await.map(drop)
    }

    /// Pushes the image of a commit; the event that ECR sends of it, and the image's whole name by its digest.
    pub(super) async fn push(&mut self, commit: &str) -> Result<(Value, String)> {
        let image = Image {
            files: vec![File {
                path: "web".to_owned(),
                bytes: format!("{PROGRAM}# {commit}\n").into_bytes(),
                mode: 0o755,
            }],
            entrypoint: vec!["/web".to_owned()],
            env: BTreeMap::new(),
            labels: BTreeMap::from([(REVISION.to_owned(), commit.to_owned())]),
            architecture: "amd64".to_owned(),
        };
        let pushed = image
            .push(self.front.url(), REPOSITORY, &format!("main-{commit}"))
            .await?;
        loop {
            let event = self.events.recv().await.context("no event of the push")?;
            if event["source"] == "aws.ecr" {
                return Ok((event, format!("{}@{}", self.repository(), pushed.digest)));
            }
        }
    }

    /// Waits until the service runs one deployment only and that one has completed.
    pub(super) async fn settle(&self) -> Result<()> {
        let question = json!({ "cluster": CLUSTER, "services": [SERVICE] });
        for _ in 0..600 {
            let answer = self.ecs("DescribeServices", question.clone()).await?;
            let deployments = answer["services"][0]["deployments"].as_array();
            let deployments = deployments.map_or(&[][..], Vec::as_slice);
            if let [only] = deployments
                && only["rolloutState"] == "COMPLETED"
            {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        anyhow::bail!("the service does not settle")
    }

    /// The deployment of the open rollout is over as far as the ledger is concerned, as `verdict` would say.
    pub(super) async fn forget_open(&self) -> Result<()> {
        let key =
            json!({ "pk": { "S": format!("target#{CLUSTER}/{SERVICE}") }, "sk": { "S": "head" } });
        let update =
            json!({ "TableName": TABLE, "Key": key, "UpdateExpression": "REMOVE in_flight" });
        self.call("DynamoDB_20120810.UpdateItem", update)
            .await
            .map(drop)
    }

    /// Asks ECS, past everything that is measured.
    pub(super) async fn ecs(&self, operation: &str, body: Value) -> Result<Value> {
        let answer = self.ecs.call(operation, body).await;
        answer.map_err(|error| anyhow::anyhow!("{operation}: {}: {}", error.code, error.message))
    }

    async fn call(&self, target: &str, body: Value) -> Result<Value> {
        self.aws.json(target, body).await
    }

    fn repository(&self) -> String {
        format!("000000000000.dkr.ecr.us-east-1.amazonaws.com/{REPOSITORY}")
    }

    /// Where it listens, without a scheme.
    pub(super) fn address(&self) -> &str {
        self.front.url().trim_start_matches("http://")
    }

    /// Ends it in good order.
    pub(super) async fn stop(self) -> Result<()> {
        self.ecs.stop().await;
        self.front.stop().await?;
        self.ministack.stop().await
    }
}
