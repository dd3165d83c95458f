//! How it is in the end, when nothing moves any more.

use std::time::Duration;

use ledger::Release;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::run::{Function, sweep};
use crate::outside::{Outside, key};

/// The schedule strikes no more often than this before all is at rest.
const ROUNDS: usize = 12;

/// So long a deployment takes at the most, if it ends at all.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is heard of before all is at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hears {
    /// Every event, and then the sweeps.
    Events,
    /// Nothing: every event is lost, and the sweeps find it all.
    Nothing,
}

/// All that must not depend on what went wrong before.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rest {
    /// Every rollout's release and verdict, newest first.
    pub(crate) history: Vec<String>,
    newest: Option<String>,
    live: Option<String>,
    held: bool,
    /// The images that tasks of the service's own deployment run.
    runs: Vec<String>,
    /// The images of the revisions that were registered.
    revisions: Vec<String>,
    /// The images of ECS's deployments, newest first.
    deployments: Vec<String>,
}

impl Rest {
    /// Lets events, sweeps and ECS go on until nothing moves any more.
    pub(crate) async fn after(outside: &mut Outside, hears: Hears) -> Rest {
        for _ in 0..ROUNDS {
            let before = outside.ledger.head(&key()).await.unwrap();
            ecs_rests(outside).await;
            let mut heard = outside.heard();
            if hears == Hears::Nothing {
                heard.clear();
            }
            let mut moves = !heard.is_empty();
            for event in heard {
                let handled = Function::of(&event).run_well(outside, event).await;
                handled.unwrap();
            }
            outside.a_minute_passes().await;
            let mut order = [Function::Rollout, Function::Verdict];
            if hears == Hears::Nothing {
                order.reverse();
            }
            for function in order {
                let swept = function.run_well(outside, sweep()).await.unwrap();
                moves |= function == Function::Rollout && swept != json!([]);
            }
            let head = outside.ledger.head(&key()).await.unwrap();
            if !moves && head == before && head.in_flight.is_none() {
                return Rest::now(outside).await;
            }
        }
        panic!("it never comes to rest: {:?}", outside.history().await);
    }

    async fn now(outside: &mut Outside) -> Rest {
        let head = outside.ledger.head(&key()).await.unwrap();
        let label = |release: &Release| release.label().to_owned();
        let (runs, revisions, deployments) = (
            running(outside).await,
            revisions(outside).await,
            deployments(outside).await,
        );
        let plain = |images: Vec<String>| images.iter().map(|it| outside.replace(it)).collect();
        let [runs, revisions, deployments] = [runs, revisions, deployments].map(plain);
        Rest {
            history: outside.history().await,
            newest: head.newest.as_ref().map(label),
            live: head.live.as_ref().map(|live| label(&live.release)),
            held: head.held.is_some(),
            runs,
            revisions,
            deployments,
        }
    }
}

/// Waits until no deployment is in progress, if that comes soon.
pub(crate) async fn ecs_rests(outside: &Outside) {
    let rests = async {
        while service(outside).await["deployments"][0]["rolloutState"] == "IN_PROGRESS" {
            sleep(Duration::from_millis(5)).await;
        }
    };
    // What cannot start is tried for ever, and so is the template that ECS may go back to.
    let _ = timeout(PATIENCE, rests).await;
}

async fn service(outside: &Outside) -> Value {
    let service = json!({ "cluster": "production", "services": ["web"] });
    outside.ecs("DescribeServices", service).await["services"][0].clone()
}

/// The digests that tasks of the PRIMARY deployment run.
pub(crate) async fn running(outside: &Outside) -> Vec<String> {
    let primary = service(outside).await["deployments"][0]["id"].clone();
    let mut tasks = outside.ecs.tasks("web");
    tasks.retain(|task| task.status == "RUNNING" && primary == task.deployment.as_str());
    tasks.into_iter().filter_map(|task| task.digest).collect()
}

/// The images of the revisions of the live family.
pub(crate) async fn revisions(outside: &Outside) -> Vec<String> {
    let family = json!({ "familyPrefix": "web" });
    let listed = outside.ecs("ListTaskDefinitions", family).await;
    let mut images = Vec::new();
    for arn in listed["taskDefinitionArns"].as_array().unwrap() {
        let revision = json!({ "taskDefinition": arn });
        let described = outside.ecs("DescribeTaskDefinition", revision).await;
        let image = &described["taskDefinition"]["containerDefinitions"][0]["image"];
        images.push(image.as_str().unwrap().to_owned());
    }
    images.sort();
    images
}

/// The images of all deployments that ECS began, newest first.
pub(crate) async fn deployments(outside: &Outside) -> Vec<String> {
    let service = json!({ "cluster": "production", "service": "web" });
    let listed = outside.ecs("ListServiceDeployments", service).await;
    let mut images = Vec::new();
    for deployment in listed["serviceDeployments"].as_array().unwrap() {
        let revision = json!({ "serviceRevisionArns": [deployment["targetServiceRevisionArn"]] });
        let described = outside.ecs("DescribeServiceRevisions", revision).await;
        let image = &described["serviceRevisions"][0]["containerImages"][0]["image"];
        images.push(image.as_str().unwrap().to_owned());
    }
    images
}
