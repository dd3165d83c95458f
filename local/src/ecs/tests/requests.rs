use serde_json::{Value, json};

use super::stage::Stage;

#[tokio::test]
async fn what_is_not_known_survives_and_what_is_missing_is_refused() {
    let stage = Stage::new().await;
    let body = json!({
        "family": "web",
        "flavour": {"of": ["the", "month"]},
        "containerDefinitions": [{
            "name": "web",
            "image": "poems:v1",
            "colour": "blue",
            "portMappings": [{"containerPort": 8080, "tunnel": true}],
        }],
        "tags": [{"key": "couplet:commit", "value": "abc"}],
    });
    let call = |operation: &'static str, body: Value| stage.controller.call(operation, body);
    stage.controller.refuse_next_registrations(1);
    let refusal = call("RegisterTaskDefinition", body.clone())
        .await
        .unwrap_err();
    assert!(
        refusal.message.starts_with("Too many concurrent attempts"),
        "{refusal}"
    );
    call("RegisterTaskDefinition", body).await.unwrap();

    let wanted = json!({"taskDefinition": "web", "include": ["TAGS"]});
    let found = call("DescribeTaskDefinition", wanted).await.unwrap();
    let definition = &found["taskDefinition"];
    assert_eq!(definition["flavour"], json!({"of": ["the", "month"]}));
    let container = &definition["containerDefinitions"][0];
    assert_eq!(container["colour"], "blue");
    assert_eq!(container["cpu"], 0);
    let mapping =
        json!({"containerPort": 8080, "tunnel": true, "hostPort": 8080, "protocol": "tcp"});
    assert_eq!(container["portMappings"][0], mapping);
    assert_eq!(found["tags"][0]["value"], "abc");
    assert!(definition.get("tags").is_none());

    let created = stage.create(0, json!({"novelty": {"deep": 1}})).await;
    assert_eq!(created["novelty"]["deep"], 1);
    for missing in ["web:7", "nobody"] {
        let refusal = stage
            .try_update(json!({"taskDefinition": missing}))
            .await
            .unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "ClientException: Unable to describe task definition."
        );
    }
    call(
        "DeregisterTaskDefinition",
        json!({"taskDefinition": "web:1"}),
    )
    .await
    .unwrap();
    let refusal = stage
        .try_update(json!({"taskDefinition": "web:1"}))
        .await
        .unwrap_err();
    assert_eq!(refusal.code, "ClientException");

    let unknown = call("PaintTheService", json!({})).await.unwrap_err();
    assert_eq!(unknown.code, "UnknownOperationException");
    assert!(unknown.message.contains("PaintTheService"));
    let elsewhere = json!({"cluster": "elsewhere", "services": ["poems"]});
    let refusal = call("DescribeServices", elsewhere).await.unwrap_err();
    assert_eq!(refusal.code, "ClusterNotFoundException");
}
