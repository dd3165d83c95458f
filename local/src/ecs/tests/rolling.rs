use std::time::{Duration, Instant};

use serde_json::json;

use super::LIVES;
use super::stage::{Stage, breaker, event, primary};

#[tokio::test]
async fn a_first_rollout_completes_and_a_second_one_drains_it() {
    let mut stage = Stage::new().await;
    stage.push("v1", LIVES);
    stage.push("v2", LIVES);
    stage.register("poems:v1").await;
    let created = stage.create(2, json!({})).await;
    let first = primary(&created).to_owned();
    assert_eq!(
        stage.next_deployment_event().await,
        event("IN_PROGRESS", &first)
    );
    assert_eq!(
        stage.next_deployment_event().await,
        event("COMPLETED", &first)
    );
    assert_eq!(
        stage.next("ECS Service Action").await["eventName"],
        "SERVICE_STEADY_STATE"
    );

    stage.register("poems:v2").await;
    let updated = stage.update("web:2").await;
    let second = primary(&updated).to_owned();
    assert_ne!(first, second);
    assert_eq!(updated["deployments"][0]["status"], "PRIMARY");
    assert_eq!(updated["deployments"][1]["id"], first.as_str());
    assert_eq!(updated["deployments"][1]["status"], "ACTIVE");
    // The list lags behind, the record itself is there.
    let record = updated["currentServiceDeployment"].as_str().unwrap();
    assert_eq!(stage.record_status(record).await, "PENDING");
    assert_eq!(stage.listed().await, ["SUCCESSFUL"]);

    assert_eq!(
        stage.next_deployment_event().await,
        event("IN_PROGRESS", &second)
    );
    let stopped = stage.next_stopped(&first).await;
    assert_eq!(stopped["stopCode"], "ServiceSchedulerInitiated");
    assert_eq!(
        stage.next_deployment_event().await,
        event("COMPLETED", &second)
    );
    assert_eq!(stage.running(), [second.clone(), second]);
    let service = stage.service().await;
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(service["runningCount"], 2);
    assert_eq!(stage.listed().await, ["SUCCESSFUL", "SUCCESSFUL"]);
}

#[tokio::test]
async fn superseding_is_silent() {
    let mut stage = Stage::new().await;
    stage.push("v1", LIVES);
    stage.push("v2", "#!/bin/sh\nexec sleep 60\n");
    stage.push("v3", LIVES);
    for tag in ["v1", "v2", "v3"] {
        stage.register(&format!("poems:{tag}")).await;
    }
    let first = primary(&stage.create_of("web:1", 2, breaker(true)).await).to_owned();
    stage.next_completed(&first).await;
    let superseded = stage.update("web:2").await;
    let second = primary(&superseded).to_owned();
    assert_eq!(
        stage.next_deployment_event().await,
        event("IN_PROGRESS", &second)
    );
    let third = primary(&stage.update("web:3").await).to_owned();
    let record = superseded["currentServiceDeployment"].as_str().unwrap();
    assert_eq!(stage.record_status(record).await, "STOP_REQUESTED");

    assert_eq!(
        stage.next_deployment_event().await,
        event("IN_PROGRESS", &third)
    );
    assert_eq!(
        stage.next_deployment_event().await,
        event("COMPLETED", &third)
    );
    assert_eq!(stage.running(), [third.clone(), third]);
    assert_eq!(stage.record_status(record).await, "STOPPED");
}

#[tokio::test]
async fn a_restart_brings_the_tasks_back_without_a_word() {
    let mut stage = Stage::new().await;
    stage.push("v1", LIVES);
    stage.register("poems:v1").await;
    let first = primary(&stage.create(1, breaker(true)).await).to_owned();
    stage.next_completed(&first).await;
    let before = stage.running_tasks();
    stage.restart().await;

    stage
        .until("the task is back", |stage| {
            stage.running() == [first.clone()]
        })
        .await;
    assert_ne!(stage.running_tasks(), before);
    let service = stage.service().await;
    assert_eq!(primary(&service), first);
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(
        stage.receiver.try_recv().is_err(),
        "nobody is told of a restart"
    );
}

#[tokio::test]
async fn a_deleted_service_drains_and_is_gone() {
    let mut stage = Stage::new().await;
    stage.push("v1", LIVES);
    stage.register("poems:v1").await;
    let first = primary(&stage.create(1, json!({})).await).to_owned();
    stage.next_completed(&first).await;
    let delete = json!({"cluster": "couplet", "service": "poems"});
    let refusal = stage
        .controller
        .call("DeleteService", delete.clone())
        .await
        .unwrap_err();
    assert_eq!(refusal.code, "InvalidParameterException");
    stage.update_with(json!({"desiredCount": 0})).await;
    let deleted = stage
        .controller
        .call("DeleteService", delete)
        .await
        .unwrap();
    assert_eq!(deleted["service"]["status"], "DRAINING");
    stage.next_stopped(&first).await;
    let deadline = Instant::now() + Duration::from_secs(5);
    while stage.service().await["status"] != "INACTIVE" {
        assert!(
            Instant::now() < deadline,
            "the service never became INACTIVE"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let refusal = stage
        .try_update(json!({"desiredCount": 1}))
        .await
        .unwrap_err();
    assert_eq!(refusal.code, "ServiceNotActiveException");
}
