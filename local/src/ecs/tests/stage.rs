use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::registry::Registry;
use crate::ecs::{ApiError, Controller, Pace, Settings};
use crate::event::{Events, Receiver};

/// A controller, its events, and a registry.
pub(super) struct Stage {
    pub(super) controller: Arc<Controller>,
    pub(super) receiver: Receiver,
    /// Taken from the receiver while something else was looked for, in order.
    passed: Vec<Value>,
    registry: Registry,
    folder: TempDir,
}

impl Stage {
    pub(super) async fn new() -> Stage {
        let registry = Registry::start().await;
        let folder = tempfile::tempdir().unwrap();
        let (controller, receiver) = controller(&registry, &folder).await;
        let cluster = json!({"clusterName": "couplet"});
        controller.call("CreateCluster", cluster).await.unwrap();
        Stage {
            controller,
            receiver,
            passed: Vec::new(),
            registry,
            folder,
        }
    }

    pub(super) async fn restart(&mut self) {
        self.controller.stop().await;
        (self.controller, self.receiver) = controller(&self.registry, &self.folder).await;
        self.passed.clear();
    }

    pub(super) fn push(&self, tag: &str, script: &str) {
        self.registry.push("poems", tag, script);
    }

    /// What CloudWatch answers from now on: these alarms are on.
    pub(super) fn alarm(&self, names: &[&str]) {
        let alarms: Vec<Value> = names.iter().map(|it| json!({"AlarmName": it})).collect();
        let answer = json!({"MetricAlarms": alarms, "CompositeAlarms": []});
        self.registry.put("/", answer.to_string().into_bytes());
    }

    pub(super) async fn register(&self, image: &str) {
        let environment = json!([
            {"name": "RELEASE", "value": image},
        ]);
        let container = json!({"name": "web", "image": image, "environment": environment});
        let body = json!({"family": "web", "containerDefinitions": [container]});
        self.controller
            .call("RegisterTaskDefinition", body)
            .await
            .unwrap();
    }

    pub(super) async fn create(&self, desired: u64, more: Value) -> Value {
        self.create_of("web", desired, more).await
    }

    pub(super) async fn create_of(&self, definition: &str, desired: u64, more: Value) -> Value {
        let mut body = json!({
            "cluster": "couplet",
            "serviceName": "poems",
            "taskDefinition": definition,
            "desiredCount": desired,
            "launchType": "FARGATE",
        });
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        self.controller.call("CreateService", body).await.unwrap()["service"].take()
    }

    pub(super) async fn update(&self, definition: &str) -> Value {
        self.update_with(json!({"taskDefinition": definition}))
            .await
    }

    pub(super) async fn update_with(&self, changes: Value) -> Value {
        self.try_update(changes).await.unwrap()["service"].take()
    }

    pub(super) async fn try_update(&self, mut body: Value) -> Result<Value, ApiError> {
        body["cluster"] = json!("couplet");
        body["service"] = json!("poems");
        self.controller.call("UpdateService", body).await
    }

    pub(super) async fn service(&self) -> Value {
        let body = json!({"cluster": "couplet", "services": ["poems"]});
        self.controller
            .call("DescribeServices", body)
            .await
            .unwrap()["services"][0]
            .take()
    }

    pub(super) async fn listed(&self) -> Vec<String> {
        let body = json!({"cluster": "couplet", "service": "poems"});
        let answer = self
            .controller
            .call("ListServiceDeployments", body)
            .await
            .unwrap();
        let all = answer["serviceDeployments"].as_array().unwrap().iter();
        all.map(|it| it["status"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(super) async fn record(&self, arn: &str) -> Value {
        let body = json!({"serviceDeploymentArns": [arn]});
        let answer = self
            .controller
            .call("DescribeServiceDeployments", body)
            .await
            .unwrap();
        answer["serviceDeployments"][0].clone()
    }

    pub(super) async fn record_status(&self, arn: &str) -> String {
        self.record(arn).await["status"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub(super) fn running_tasks(&self) -> Vec<String> {
        let tasks = self.controller.tasks("poems").into_iter();
        tasks
            .filter(|it| it.status == "RUNNING")
            .map(|it| it.id)
            .collect()
    }

    /// The deployments of the tasks that run.
    pub(super) fn running(&self) -> Vec<String> {
        let tasks = self.controller.tasks("poems").into_iter();
        tasks
            .filter(|it| it.status == "RUNNING")
            .map(|it| it.deployment)
            .collect()
    }

    pub(super) async fn until(&self, what: &str, holds: impl Fn(&Stage) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(5);
        while !holds(self) {
            assert!(Instant::now() < deadline, "never: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The next event that `wanted` takes; others before it are kept for later.
    pub(super) async fn next_that(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.passed.iter().position(&wanted) {
            return self.passed.remove(place)["detail"].take();
        }
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let next = tokio::time::timeout_at(deadline, self.receiver.recv()).await;
            let Ok(Some(mut event)) = next else {
                panic!("no {what} came, but {:#?}", self.passed);
            };
            if wanted(&event) {
                return event["detail"].take();
            }
            self.passed.push(event);
        }
    }

    pub(super) async fn next(&mut self, kind: &str) -> Value {
        self.next_that(kind, |event| event["detail-type"] == kind)
            .await
    }

    /// The next task of a deployment that has stopped.
    pub(super) async fn next_stopped(&mut self, deployment: &str) -> Value {
        let kind = "ECS Task State Change";
        let wanted = |event: &Value| {
            event["detail-type"] == kind
                && event["detail"]["lastStatus"] == "STOPPED"
                && event["detail"]["startedBy"] == deployment
        };
        self.next_that(kind, wanted).await
    }

    pub(super) async fn next_deployment_event(&mut self) -> (String, String) {
        let detail = self.next("ECS Deployment State Change").await;
        let text = |key: &str| detail[key].as_str().unwrap().to_owned();
        (text("eventName"), text("deploymentId"))
    }

    pub(super) async fn next_completed(&mut self, id: &str) {
        assert_eq!(self.next_deployment_event().await, event("IN_PROGRESS", id));
        assert_eq!(self.next_deployment_event().await, event("COMPLETED", id));
    }

    /// Nothing of this kind is waiting, and nothing comes for a while.
    pub(super) async fn is_silent(&mut self, kind: &str) {
        tokio::time::sleep(Duration::from_millis(400)).await;
        while let Ok(event) = self.receiver.try_recv() {
            self.passed.push(event);
        }
        let heard = self.passed.iter().find(|event| {
            event["detail-type"] == kind && event["detail"]["lastStatus"] != "RUNNING"
        });
        assert_eq!(heard, None);
    }
}

async fn controller(registry: &Registry, folder: &TempDir) -> (Arc<Controller>, Receiver) {
    let (events, receiver) = Events::channel();
    let settings = Settings {
        events,
        registry: registry.base.clone(),
        task_environment: Vec::new(),
        work_dir: folder.path().to_owned(),
        pace: Pace::instant(),
    };
    (Controller::start(settings).await.unwrap(), receiver)
}

pub(super) fn breaker(rollback: bool) -> Value {
    json!({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": rollback}}})
}

pub(super) fn primary(service: &Value) -> &str {
    service["deployments"][0]["id"].as_str().unwrap()
}

pub(super) fn event(name: &str, id: &str) -> (String, String) {
    (format!("SERVICE_DEPLOYMENT_{name}"), id.to_owned())
}
