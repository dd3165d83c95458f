//! Application Auto Scaling for ECS services, which the emulator lacks. Targets and policies are kept and shown, and
//! one thing is done: a registration brings the desired count into its range, as AWS's does. Nothing scales afterwards,
//! because there are no metrics here; so a policy has no alarms either. Absent: namespaces other than `ecs`, scheduled
//! actions, activities and pages.
//! Source: <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html>

mod scaling;

use poem::http::StatusCode;
use poem::{Request, Response};
use serde_json::{Value, json};

use super::{State, aws_error, aws_json, read_json};
use crate::ecs::{ApiError, Controller};
pub(super) use scaling::Scaling;
use scaling::{refusal, text};

pub(super) async fn answer(
    state: &State,
    operation: &str,
    request: Request,
) -> anyhow::Result<Response> {
    let body = match read_json(request).await? {
        Ok(body) => body,
        Err(refusal) => return Ok(refusal),
    };
    let answer = match operation {
        "RegisterScalableTarget" => register(state, &body).await?,
        _ => state
            .scaling
            .change(|scaling| scaling.answer(operation, &body))?,
    };
    Ok(match answer {
        Ok(answer) => aws_json(StatusCode::OK, &answer),
        Err(error) => aws_error(&error.code, &error.message),
    })
}

async fn register(state: &State, body: &Value) -> anyhow::Result<Result<Value, ApiError>> {
    let Some(count) = desired_count(&state.ecs, body).await else {
        let message = format!("ECS service doesn't exist: {}", text(body, "ResourceId"));
        return Ok(Err(refusal("ValidationException", message)));
    };
    let target = match state.scaling.change(|scaling| scaling.register(body))? {
        Ok(target) => target,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let limit = |name: &str| target[name].as_i64().unwrap_or(count);
    let wanted = count.max(limit("MinCapacity")).min(limit("MaxCapacity"));
    if wanted != count
        && let Some(mut update) = service(body)
    {
        update["desiredCount"] = json!(wanted);
        if let Err(error) = state.ecs.call("UpdateService", update).await {
            return Ok(Err(error));
        }
    }
    Ok(Ok(
        json!({ "ScalableTargetARN": target["ScalableTargetARN"] }),
    ))
}

/// The desired count of the service that a target is; none if there is no such service.
async fn desired_count(ecs: &Controller, target: &Value) -> Option<i64> {
    let service = service(target)?;
    let wanted = json!({ "cluster": service["cluster"], "services": [service["service"]] });
    let found = ecs.call("DescribeServices", wanted).await.ok()?;
    let found = &found["services"][0];
    (found["status"] == "ACTIVE").then(|| found["desiredCount"].as_i64())?
}

/// Cluster and service of `service/CLUSTER/SERVICE`.
fn service(target: &Value) -> Option<Value> {
    let (cluster, service) = text(target, "ResourceId")
        .strip_prefix("service/")?
        .split_once('/')?;
    Some(json!({ "cluster": cluster, "service": service }))
}
