use serde_json::{Value, json};

use super::LIVES;
use super::stage::{Stage, primary};

fn strategy(items: &[(&str, u64, u64)]) -> Value {
    let item = |(name, base, weight): &(&str, u64, u64)| json!({"capacityProvider": name, "base": base, "weight": weight});
    items.iter().map(item).collect()
}

async fn providers(stage: &Stage) -> Vec<Value> {
    let body = json!({"cluster": "couplet"});
    let listed = stage.controller.call("ListTasks", body).await.unwrap();
    let body = json!({"cluster": "couplet", "tasks": listed["taskArns"]});
    let tasks = stage.controller.call("DescribeTasks", body).await.unwrap();
    let tasks = tasks["tasks"].as_array().unwrap().iter();
    tasks.map(|it| it["capacityProviderName"].clone()).collect()
}

#[tokio::test]
async fn tasks_are_shared_by_base_and_weight() {
    let mut stage = Stage::new().await;
    stage.push("v1", LIVES);
    stage.register("poems:v1").await;
    let both = json!({
        "cluster": "couplet",
        "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": strategy(&[("FARGATE", 0, 1)]),
    });
    let call = |operation: &'static str, body: Value| stage.controller.call(operation, body);
    let put = call("PutClusterCapacityProviders", both).await.unwrap();
    assert_eq!(put["cluster"]["capacityProviders"][1], "FARGATE_SPOT");

    let shares = strategy(&[("FARGATE", 1, 1), ("FARGATE_SPOT", 0, 3)]);
    let more = json!({"launchType": null, "capacityProviderStrategy": shares});
    let service = stage.create(5, more).await;
    assert_eq!(service["capacityProviderStrategy"], shares);
    assert_eq!(service.get("launchType"), None);
    assert_eq!(
        service["deployments"][0]["capacityProviderStrategy"],
        shares
    );
    stage.next_completed(primary(&service)).await;
    let running = providers(&stage).await;
    let spot = running.iter().filter(|it| **it == "FARGATE_SPOT").count();
    assert_eq!((running.len(), spot), (5, 3));

    let fewer = json!({
        "cluster": "couplet", "capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": [],
    });
    let refused = stage.controller.call("PutClusterCapacityProviders", fewer);
    assert_eq!(refused.await.unwrap_err().code, "ResourceInUseException");
}

#[tokio::test]
async fn a_launch_type_and_a_strategy_exclude_each_other() {
    let stage = Stage::new().await;
    stage.push("v1", LIVES);
    stage.register("poems:v1").await;
    let foreign = json!({"capacityProviderStrategy": strategy(&[("FARGATE_SPOT", 0, 1)])});
    stage.create(0, json!({})).await;
    let refused = stage.try_update(foreign.clone()).await.unwrap_err();
    assert!(refused.message.contains("not associated"), "{refused}");

    let both = json!({
        "cluster": "couplet",
        "capacityProviders": ["FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": [],
    });
    let put = stage.controller.call("PutClusterCapacityProviders", both);
    put.await.unwrap();
    let service = stage.update_with(foreign).await;
    assert_eq!(service.get("launchType"), None);
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    let back = json!({"capacityProviderStrategy": []});
    let service = stage.update_with(back).await;
    assert_eq!(service["launchType"], "FARGATE");
    assert_eq!(service.get("capacityProviderStrategy"), None);
}
