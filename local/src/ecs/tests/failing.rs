use serde_json::json;

use super::stage::{Stage, breaker, event, primary};
use super::{CRASHES, LIVES};

#[tokio::test]
async fn a_crashing_image_trips_the_breaker_and_the_old_id_comes_back() {
    let mut stage = Stage::new().await;
    stage.push("v1", LIVES);
    stage.push("v2", CRASHES);
    stage.register("poems:v1").await;
    let first = primary(&stage.create(1, breaker(true)).await).to_owned();
    stage.next_completed(&first).await;
    let survivor = stage.running_tasks();

    stage.register("poems:v2").await;
    let updated = stage.update("web:2").await;
    let second = primary(&updated).to_owned();
    assert_eq!(
        stage.next_deployment_event().await,
        event("IN_PROGRESS", &second)
    );
    for _ in 0..3 {
        let stopped = stage.next_stopped(&second).await;
        assert_eq!(stopped["stopCode"], "EssentialContainerExited");
        assert_eq!(
            stopped["stoppedReason"],
            "Essential container in task exited"
        );
        assert_eq!(stopped["group"], "service:poems");
        assert_eq!(stopped["containers"][0]["exitCode"], 3);
        assert!(stopped["version"].as_u64() > Some(1));
    }
    let impaired = stage.next("ECS Service Action").await;
    assert_eq!(impaired["eventName"], "SERVICE_TASK_START_IMPAIRED");

    let failed = stage.next("ECS Deployment State Change").await;
    assert_eq!(failed["eventType"], "ERROR");
    assert_eq!(failed["eventName"], "SERVICE_DEPLOYMENT_FAILED");
    assert_eq!(failed["deploymentId"], second.as_str());
    assert_eq!(
        failed["reason"],
        "ECS deployment circuit breaker: tasks failed to start."
    );
    let back = stage.next("ECS Deployment State Change").await;
    assert_eq!(back["eventName"], "SERVICE_DEPLOYMENT_IN_PROGRESS");
    assert_eq!(back["deploymentId"], first.as_str());
    assert_eq!(
        back["reason"],
        format!("ECS deployment circuit breaker: rolling back to deploymentId {first}.")
    );
    assert_eq!(
        stage.next_deployment_event().await,
        event("COMPLETED", &first)
    );

    assert_eq!(
        stage.running_tasks(),
        survivor,
        "the old task never stopped"
    );
    let service = stage.service().await;
    assert_eq!(primary(&service), first);
    assert!(
        service["taskDefinition"]
            .as_str()
            .unwrap()
            .ends_with("/web:1")
    );
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    let record = updated["currentServiceDeployment"].as_str().unwrap();
    assert_eq!(stage.record_status(record).await, "ROLLBACK_SUCCESSFUL");
}

#[tokio::test]
async fn nothing_to_go_back_to_leaves_the_failed_deployment() {
    let mut stage = Stage::new().await;
    stage.register("poems:missing").await;
    let first = primary(&stage.create(1, breaker(true)).await).to_owned();
    let stopped = stage.next_stopped(&first).await;
    assert_eq!(stopped["stopCode"], "TaskFailedToStart");
    let reason = stopped["stoppedReason"].as_str().unwrap();
    assert!(reason.starts_with("CannotPullContainerError: "), "{reason}");
    stage.next_stopped(&first).await;
    stage.next_stopped(&first).await;
    while stage.next_deployment_event().await != event("FAILED", &first) {}
    let service = stage.service().await;
    assert_eq!(service["deployments"][0]["status"], "PRIMARY");
    assert_eq!(service["deployments"][0]["rolloutState"], "FAILED");
    stage.is_silent("ECS Task State Change").await;
}

#[tokio::test]
async fn a_rollback_to_what_cannot_be_pulled_stalls_in_silence() {
    let mut stage = Stage::new().await;
    stage.push("v2", CRASHES);
    stage.register("poems:placeholder").await;
    let first = primary(&stage.create(0, breaker(true)).await).to_owned();
    assert_eq!(
        stage.next_deployment_event().await,
        event("IN_PROGRESS", &first)
    );
    assert_eq!(
        stage.next_deployment_event().await,
        event("COMPLETED", &first)
    );

    stage.register("poems:v2").await;
    let update = json!({"taskDefinition": "web:2", "desiredCount": 1});
    let second = primary(&stage.update_with(update).await).to_owned();
    for _ in 0..3 {
        stage.next_stopped(&second).await;
    }
    while stage.next_deployment_event().await != event("FAILED", &second) {}
    assert_eq!(
        stage.next_deployment_event().await,
        event("IN_PROGRESS", &first)
    );
    for _ in 0..3 {
        stage.next_stopped(&first).await;
    }
    stage.is_silent("ECS Task State Change").await;
    stage.is_silent("ECS Deployment State Change").await;
    assert_eq!(
        stage.service().await["deployments"][0]["rolloutState"],
        "IN_PROGRESS"
    );
}

#[tokio::test]
async fn without_the_breaker_failing_tasks_are_retried_and_no_deployment_fails() {
    let mut stage = Stage::new().await;
    stage.push("v1", CRASHES);
    stage.register("poems:v1").await;
    let first = primary(&stage.create(1, json!({})).await).to_owned();
    assert_eq!(
        stage.next_deployment_event().await,
        event("IN_PROGRESS", &first)
    );
    for _ in 0..5 {
        stage.next_stopped(&first).await;
    }
    stage.is_silent("ECS Deployment State Change").await;
    assert_eq!(
        stage.service().await["deployments"][0]["rolloutState"],
        "IN_PROGRESS"
    );
}

#[tokio::test]
async fn a_person_can_roll_back_a_deployment_that_hangs() {
    let mut stage = Stage::new().await;
    stage.push("v1", LIVES);
    stage.push("v2", CRASHES);
    stage.register("poems:v1").await;
    let first = primary(&stage.create(1, json!({})).await).to_owned();
    stage.next_completed(&first).await;
    stage.register("poems:v2").await;
    let updated = stage.update("web:2").await;
    let record = updated["currentServiceDeployment"].as_str().unwrap();
    stage.next_deployment_event().await;
    let stop = json!({"serviceDeploymentArn": record, "stopType": "ROLLBACK"});
    stage
        .controller
        .call("StopServiceDeployment", stop)
        .await
        .unwrap();
    assert_eq!(stage.record_status(record).await, "ROLLBACK_REQUESTED");
    assert_eq!(
        stage.next_deployment_event().await,
        event("IN_PROGRESS", &first)
    );
    assert_eq!(
        stage.next_deployment_event().await,
        event("COMPLETED", &first)
    );
    assert_eq!(stage.record_status(record).await, "ROLLBACK_SUCCESSFUL");
}
