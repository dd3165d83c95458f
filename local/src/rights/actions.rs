//! Which rights a call needs, and on what.
//!
//! Nearly always it is one right of the call's own name. The exceptions, and what a right's resource is made of, are
//! from the tables in <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::event::{ACCOUNT, REGION};
use crate::front::Call;

/// A right that somebody needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Need {
    /// `ecs:UpdateService`
    pub(super) action: String,
    /// The ARN of what it is needed on; `*` where AWS knows no resource.
    pub(super) resource: String,
}

impl Need {
    pub(super) fn new(action: impl Into<String>, resource: impl Into<String>) -> Need {
        Need {
            action: action.into(),
            resource: resource.into(),
        }
    }
}

/// The rights that a call needs, `None` if it is not known here on what. `secrets` are the parameters that SSM keeps
/// encrypted.
pub(super) fn needs(call: &Call, secrets: &BTreeSet<String>) -> Option<Vec<Need>> {
    let parameters = &call.parameters;
    let mut needs: Vec<Need> = match (call.service.as_str(), call.operation.as_str()) {
        ("dynamodb", "TransactWriteItems" | "TransactGetItems") => parts(parameters)?,
        _ => resources(call)?
            .into_iter()
            .map(|resource| Need::new(action(call), resource))
            .collect(),
    };
    match (call.service.as_str(), call.operation.as_str()) {
        ("ecs", "RegisterTaskDefinition") => {
            // Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html>
            if parameters["tags"] == true {
                let resource = needs[0].resource.clone();
                needs.push(Need::new("ecs:TagResource", resource));
            }
            // Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html>
            let roles = ["taskRoleArn", "executionRoleArn"].map(|name| parameters[name].as_str());
            needs.extend(roles.into_iter().flatten().map(role));
        }
        // Whichever key it is encrypted with: a policy that is for one parameter has it in a condition.
        // Source: <https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html>
        ("ssm", "GetParameter")
            if parameters["WithDecryption"] == true
                && secrets.contains(parameters["Name"].as_str()?) =>
        {
            needs.push(Need::new("kms:Decrypt", arn("kms", "key/*")));
        }
        _ => {}
    }
    Some(needs)
}

/// The right that has the call's name: `ecs:UpdateService`.
pub(super) fn action(call: &Call) -> String {
    // The few services that sign with another name than the one that IAM has for them.
    let prefix = match call.service.as_str() {
        "monitoring" => "cloudwatch",
        "tagging" => "tag",
        same => same,
    };
    format!("{prefix}:{}", call.operation)
}

/// A transaction needs no right of its own but those of its parts.
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html>
fn parts(parameters: &Value) -> Option<Vec<Need>> {
    let items = parameters["TransactItems"].as_array()?;
    let part = |item: &Value| {
        let table = table(item[1].as_str()?);
        Some(Need::new(
            format!("dynamodb:{}Item", item[0].as_str()?),
            table,
        ))
    };
    items.iter().map(part).collect()
}

fn role(arn: &str) -> Need {
    Need::new("iam:PassRole", arn)
}

/// What a call's own right is needed on.
fn resources(call: &Call) -> Option<Vec<String>> {
    let text = |name: &str| call.parameters[name].as_str();
    let resource = match (call.service.as_str(), call.operation.as_str()) {
        ("dynamodb", "BatchGetItem" | "BatchWriteItem") => {
            let tables = call.parameters["RequestItems"].as_array()?;
            return tables.iter().map(|it| it.as_str().map(table)).collect();
        }
        ("dynamodb", _) => match text("IndexName") {
            Some(index) => format!("{}/index/{index}", table(text("TableName")?)),
            None => table(text("TableName")?),
        },
        ("ecr", "GetAuthorizationToken") => "*".to_owned(),
        ("ecr", _) => arn("ecr", &format!("repository/{}", text("repositoryName")?)),
        ("ecs", "DescribeTaskDefinition") => "*".to_owned(),
        ("ecs", "RegisterTaskDefinition") => revisions(text("family")?),
        ("ecs", "DescribeServices") => {
            let services = call.parameters["services"].as_array()?;
            let service = |it: &Value| Some(service(text("cluster"), it.as_str()?));
            return services.iter().map(service).collect();
        }
        ("ecs", "UpdateService" | "ListServiceDeployments") => {
            service(text("cluster"), text("service")?)
        }
        ("ecs", "DescribeServiceRevisions") => {
            let revisions = call.parameters["serviceRevisionArns"].as_array()?;
            return revisions
                .iter()
                .map(|it| Some(it.as_str()?.to_owned()))
                .collect();
        }
        ("events", "PutEvents") => {
            let buses = call.parameters["Entries"].as_array()?;
            let bus =
                |it: &Value| Some(arn("events", &format!("event-bus/{}", name(it.as_str()?))));
            return buses.iter().map(bus).collect();
        }
        ("lambda", "InvokeFunction") => {
            let function = text("FunctionName")?.rsplit(':').next()?;
            arn("lambda", &format!("function:{function}"))
        }
        ("sqs", _) => arn("sqs", name(text("QueueUrl")?)),
        ("ssm", "GetParameter") => {
            let name = text("Name")?.trim_start_matches('/');
            arn("ssm", &format!("parameter/{name}"))
        }
        _ => return None,
    };
    Some(vec![resource])
}

/// Nobody knows the number of a revision before it is there, so its right is asked for on the whole family.
/// Source, where a denial says so: <https://github.com/springload/ecs-tool/pull/43>
fn revisions(family: &str) -> String {
    arn("ecs", &format!("task-definition/{family}:*"))
}

fn service(cluster: Option<&str>, service: &str) -> String {
    let cluster = name(cluster.unwrap_or("default"));
    arn("ecs", &format!("service/{cluster}/{}", name(service)))
}

fn table(table: &str) -> String {
    arn("dynamodb", &format!("table/{}", name(table)))
}

/// The name at the end of an ARN or a URL; a name is its own.
fn name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn arn(service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}")
}

#[cfg(test)]
mod tests;
