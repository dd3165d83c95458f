//! What is registered with Application Auto Scaling.

use std::collections::BTreeMap;

use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::ecs::ApiError;
use crate::event::{ACCOUNT, REGION};

/// What identifies a target.
const TARGET: [&str; 3] = ["ServiceNamespace", "ResourceId", "ScalableDimension"];
/// What identifies a policy.
const POLICY: [&str; 4] = [
    "ServiceNamespace",
    "ResourceId",
    "ScalableDimension",
    "PolicyName",
];

/// Targets and policies as they are shown.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::front) struct Scaling {
    targets: Vec<Value>,
    policies: Vec<Value>,
    /// ARN of a target → its tags.
    tags: BTreeMap<String, Map<String, Value>>,
}

impl Scaling {
    pub(super) fn answer(&mut self, operation: &str, body: &Value) -> Result<Value, ApiError> {
        match operation {
            "DescribeScalableTargets" => Ok(json!({ "ScalableTargets": self.targets_for(body) })),
            "DeregisterScalableTarget" => self.deregister(body),
            "PutScalingPolicy" => self.put_policy(body),
            "DescribeScalingPolicies" => Ok(json!({ "ScalingPolicies": self.policies_for(body) })),
            "DeleteScalingPolicy" => self.delete_policy(body),
            "ListTagsForResource" => Ok(json!({ "Tags": self.tags_of(body)? })),
            "TagResource" => {
                let tags = body["Tags"].as_object().cloned().unwrap_or_default();
                self.tags_of(body)?.extend(tags);
                Ok(json!({}))
            }
            "UntagResource" => {
                let gone = body["TagKeys"].as_array().cloned().unwrap_or_default();
                let tags = self.tags_of(body)?;
                tags.retain(|key, _| !gone.iter().any(|it| it == key.as_str()));
                Ok(json!({}))
            }
            _ => Err(refusal(
                "UnknownOperationException",
                format!("This Application Auto Scaling does not know {operation}."),
            )),
        }
    }

    /// What is not said stays as it was; a new target needs both limits.
    pub(super) fn register(&mut self, body: &Value) -> Result<Value, ApiError> {
        let known = self.targets.iter().position(|it| same(it, body, &TARGET));
        let mut target = match known {
            Some(place) => self.targets[place].clone(),
            None => new_target(body),
        };
        for key in ["MinCapacity", "MaxCapacity", "RoleARN", "SuspendedState"] {
            if !body[key].is_null() {
                target[key] = body[key].clone();
            }
        }
        match (
            target["MinCapacity"].as_u64(),
            target["MaxCapacity"].as_u64(),
        ) {
            (Some(least), Some(most)) if least <= most => {}
            (Some(_), Some(_)) => {
                return Err(refusal(
                    "ValidationException",
                    "Maximum capacity cannot be less than minimum capacity",
                ));
            }
            _ => {
                return Err(refusal(
                    "ValidationException",
                    "A new scalable target needs a minimum and a maximum capacity",
                ));
            }
        }
        match known {
            Some(place) => self.targets[place] = target.clone(),
            None => {
                let tags = body["Tags"].as_object().cloned().unwrap_or_default();
                self.tags.insert(arn(&target).to_owned(), tags);
                self.targets.push(target.clone());
            }
        }
        Ok(target)
    }

    /// The policies of a target go with it.
    /// Source: <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DeregisterScalableTarget.html>
    fn deregister(&mut self, body: &Value) -> Result<Value, ApiError> {
        let place = self.targets.iter().position(|it| same(it, body, &TARGET));
        let Some(place) = place else {
            return Err(not_found("No scalable target found for", body, &TARGET));
        };
        let target = self.targets.remove(place);
        self.tags.remove(arn(&target));
        self.policies.retain(|it| !same(it, body, &TARGET));
        Ok(json!({}))
    }

    fn put_policy(&mut self, body: &Value) -> Result<Value, ApiError> {
        if !self.targets.iter().any(|it| same(it, body, &TARGET)) {
            let what = "No scalable target registered for";
            return Err(not_found(what, body, &TARGET));
        }
        let known = self.policies.iter().position(|it| same(it, body, &POLICY));
        let mut policy = match known {
            Some(place) => self.policies.remove(place),
            None => new_policy(body),
        };
        if let Some(fields) = body.as_object() {
            for (key, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
                policy[key] = value.clone();
            }
        }
        let answer = json!({ "PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"] });
        self.policies.push(policy);
        Ok(answer)
    }

    fn delete_policy(&mut self, body: &Value) -> Result<Value, ApiError> {
        let place = self.policies.iter().position(|it| same(it, body, &POLICY));
        let Some(place) = place else {
            return Err(not_found("No scaling policy found for", body, &POLICY));
        };
        self.policies.remove(place);
        Ok(json!({}))
    }

    fn targets_for(&self, body: &Value) -> Vec<&Value> {
        let wanted = |target: &&Value| {
            listed(&body["ResourceIds"], &target["ResourceId"])
                && matches(body, target, &["ServiceNamespace", "ScalableDimension"])
        };
        self.targets.iter().filter(wanted).collect()
    }

    fn policies_for(&self, body: &Value) -> Vec<&Value> {
        let wanted = |policy: &&Value| {
            listed(&body["PolicyNames"], &policy["PolicyName"]) && matches(body, policy, &TARGET)
        };
        self.policies.iter().filter(wanted).collect()
    }

    fn tags_of(&mut self, body: &Value) -> Result<&mut Map<String, Value>, ApiError> {
        let arn = text(body, "ResourceARN");
        let message = format!("No scalable target found with the ARN {arn}");
        let tags = self.tags.get_mut(arn);
        tags.ok_or_else(|| refusal("ResourceNotFoundException", message))
    }
}

fn new_target(body: &Value) -> Value {
    let id = format!("{:032x}", fastrand::u128(..));
    let role = "ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService";
    json!({
        "ServiceNamespace": body["ServiceNamespace"],
        "ResourceId": body["ResourceId"],
        "ScalableDimension": body["ScalableDimension"],
        "RoleARN": format!("arn:aws:iam::{ACCOUNT}:role/aws-service-role/{role}"),
        "CreationTime": Utc::now().timestamp(),
        "SuspendedState": {
            "DynamicScalingInSuspended": false,
            "DynamicScalingOutSuspended": false,
            "ScheduledScalingSuspended": false,
        },
        "ScalableTargetARN":
            format!("arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/{id}"),
    })
}

fn new_policy(body: &Value) -> Value {
    let id = format!("{:032x}", fastrand::u128(..));
    let (resource, name) = (text(body, "ResourceId"), text(body, "PolicyName"));
    json!({
        "PolicyARN": format!(
            "arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:{id}:resource/ecs/{resource}:policyName/{name}"
        ),
        // What it is when nothing is said.
        "PolicyType": "StepScaling",
        "Alarms": [],
        "CreationTime": Utc::now().timestamp(),
    })
}

fn arn(target: &Value) -> &str {
    text(target, "ScalableTargetARN")
}

fn same(one: &Value, other: &Value, keys: &[&str]) -> bool {
    keys.iter().all(|key| one[*key] == other[*key])
}

/// Whether `item` is what a question asks for; what it does not name may be anything.
fn matches(question: &Value, item: &Value, keys: &[&str]) -> bool {
    let mut named = keys.iter().filter(|key| !question[**key].is_null());
    named.all(|key| question[*key] == item[*key])
}

fn listed(list: &Value, item: &Value) -> bool {
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    list.is_empty() || list.contains(item)
}

fn not_found(what: &str, body: &Value, keys: &[&str]) -> ApiError {
    let names = [
        "service namespace",
        "resource ID",
        "scalable dimension",
        "policy name",
    ];
    let parts = names.iter().zip(keys);
    let parts: Vec<String> = parts
        .map(|(name, key)| format!("{name}: {}", text(body, key)))
        .collect();
    let message = format!("{what} {}", parts.join(", "));
    refusal("ObjectNotFoundException", message)
}

pub(super) fn refusal(code: &str, message: impl Into<String>) -> ApiError {
    ApiError {
        code: code.to_owned(),
        message: message.into(),
    }
}

pub(super) fn text<'a>(body: &'a Value, key: &str) -> &'a str {
    body[key].as_str().unwrap_or_default()
}
