use serde_json::{Value, json};

use super::LIVES;
use super::stage::{Stage, event, primary};

fn alarms(rollback: bool) -> Value {
    json!({"deploymentConfiguration": {"alarms": {
        "alarmNames": ["slow", "broken"], "enable": true, "rollback": rollback,
    }}})
}

/// A service that runs `web:1`, and a second deployment whose image is missing: it is tried until something ends it.
async fn hanging(rollback: bool) -> (Stage, [String; 2], String) {
    let mut stage = Stage::new().await;
    stage.alarm(&[]);
    stage.push("v1", LIVES);
    stage.register("poems:v1").await;
    stage.register("poems:missing").await;
    let first = stage.create_of("web:1", 1, alarms(rollback)).await;
    let first = primary(&first).to_owned();
    stage.next_completed(&first).await;
    let updated = stage.update("web:2").await;
    let second = primary(&updated).to_owned();
    let begun = stage.next_deployment_event().await;
    assert_eq!(begun, event("IN_PROGRESS", &second));
    let record = updated["currentServiceDeployment"].as_str().unwrap();
    (stage, [first, second], record.to_owned())
}

#[tokio::test]
async fn an_alarm_that_goes_off_brings_the_old_id_back() {
    let (mut stage, [first, second], record) = hanging(true).await;
    stage.next_stopped(&second).await;
    assert_eq!(
        stage.record(&record).await["alarms"]["status"],
        "MONITORING"
    );

    stage.alarm(&["broken"]);
    let failed = stage.next("ECS Deployment State Change").await;
    assert_eq!(failed["eventName"], "SERVICE_DEPLOYMENT_FAILED");
    assert_eq!(failed["deploymentId"], second.as_str());
    assert_eq!(failed["reason"], "ECS deployment failed: alarm detected.");
    let back = stage.next("ECS Deployment State Change").await;
    assert_eq!(back["deploymentId"], first.as_str());
    let reason = format!("ECS deployment failed: rolling back to deploymentId {first}.");
    assert_eq!(back["reason"], reason.as_str());
    // The alarm is still on, and does not judge the rollback.
    let done = stage.next_deployment_event().await;
    assert_eq!(done, event("COMPLETED", &first));

    let record = stage.record(&record).await;
    assert_eq!(record["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(record["alarms"]["status"], "TRIGGERED");
    assert_eq!(record["alarms"]["triggeredAlarmNames"], json!(["broken"]));
}

#[tokio::test]
async fn without_rollback_the_failed_deployment_stays() {
    let (mut stage, [_, second], record) = hanging(false).await;
    stage.next_stopped(&second).await;
    stage.alarm(&["slow"]);
    let failed = stage.next_deployment_event().await;
    assert_eq!(failed, event("FAILED", &second));
    stage.is_silent("ECS Deployment State Change").await;
    let service = stage.service().await;
    assert_eq!(primary(&service), second);
    assert_eq!(service["deployments"][0]["rolloutState"], "FAILED");
    assert_eq!(stage.record_status(&record).await, "STOPPED");
}

#[tokio::test]
async fn an_alarm_that_was_on_before_is_ignored() {
    let mut stage = Stage::new().await;
    stage.alarm(&["slow"]);
    stage.push("v1", LIVES);
    stage.register("poems:v1").await;
    let created = stage.create(1, alarms(true)).await;
    let first = primary(&created).to_owned();
    stage.next_completed(&first).await;
    let record = created["currentServiceDeployment"].as_str().unwrap();
    assert_eq!(stage.record(record).await["alarms"]["status"], "DISABLED");
}

#[tokio::test]
async fn alarms_that_cannot_be_asked_for_stop_nothing() {
    let mut stage = Stage::new().await;
    stage.push("v1", LIVES);
    stage.register("poems:v1").await;
    let first = primary(&stage.create(1, alarms(true)).await).to_owned();
    stage.next_completed(&first).await;
}
