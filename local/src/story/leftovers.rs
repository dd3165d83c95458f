//! Whether a destroy leaves anything behind.

use anyhow::Result;
use serde_json::{Value, json};

use super::lines::Lines;
use crate::aws::Aws;
use crate::progress::Progress;
use crate::system::System;
use crate::terraform::PREFIX;

/// How a service is asked for all that it has.
enum Ask {
    /// By a target and a body of JSON.
    Json(&'static str, Value),
    /// By a form: service, version, action.
    Form(&'static str, &'static str, &'static str),
    /// By a path.
    Path(&'static str, &'static str),
}

/// Takes everything away and looks whether it is gone. Everything is named, or tagged, with the same prefix: what an
/// answer names is still there. Looking first shows that each look can see something.
pub(super) async fn none(system: &System, lines: &Lines, progress: &Progress) -> Result<()> {
    lines.chapter("Terraform takes it all away");
    let aws = Aws::new(&system.site.aws);
    let blind = unlike(&aws, true).await?;
    lines.check("every kind of thing can be seen", blind.is_empty(), &blind);
    let step = progress.step("Destroying");
    system.destroy(&step).await?;
    step.done();
    let left = unlike(&aws, false).await?;
    lines.check(
        "nothing is left but registered task definitions, which cost nothing and which AWS keeps",
        left.is_empty(),
        &left,
    );
    Ok(())
}

/// The kinds of which something is there, or of which nothing is, unlike what is `expected`.
async fn unlike(aws: &Aws, expected: bool) -> Result<Vec<&'static str>> {
    let mut kinds = Vec::new();
    for (kind, ask) in asks() {
        let answer = match ask {
            Ask::Json(target, body) => aws.json(target, body).await?.to_string(),
            Ask::Form(service, version, action) => aws.query(service, version, action).await?,
            Ask::Path(service, path) => aws.get(service, path).await?,
        };
        if answer.contains(PREFIX) != expected {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

fn asks() -> Vec<(&'static str, Ask)> {
    use Ask::{Form, Json, Path};
    const EC2: &str = "2016-11-15";
    const ELB: &str = "2015-12-01";
    vec![
        ("networks", Form("ec2", EC2, "DescribeVpcs")),
        ("subnets", Form("ec2", EC2, "DescribeSubnets")),
        ("route tables", Form("ec2", EC2, "DescribeRouteTables")),
        (
            "internet gateways",
            Form("ec2", EC2, "DescribeInternetGateways"),
        ),
        (
            "security groups",
            Form("ec2", EC2, "DescribeSecurityGroups"),
        ),
        ("endpoints", Form("ec2", EC2, "DescribeVpcEndpoints")),
        ("flow logs", Form("ec2", EC2, "DescribeFlowLogs")),
        ("addresses", Form("ec2", EC2, "DescribeAddresses")),
        (
            "balancers",
            Form("elasticloadbalancing", ELB, "DescribeLoadBalancers"),
        ),
        (
            "target groups",
            Form("elasticloadbalancing", ELB, "DescribeTargetGroups"),
        ),
        ("roles", Form("iam", "2010-05-08", "ListRoles")),
        ("topics", Form("sns", "2010-03-31", "ListTopics")),
        ("alarms", Form("monitoring", "2010-08-01", "DescribeAlarms")),
        (
            "dashboards",
            Form("monitoring", "2010-08-01", "ListDashboards"),
        ),
        ("buckets", Path("s3", "/")),
        ("functions", Path("lambda", "/2015-03-31/functions/")),
        (
            "stream mappings",
            Path("lambda", "/2015-03-31/event-source-mappings/"),
        ),
        ("tables", Json("DynamoDB_20120810.ListTables", json!({}))),
        ("queues", Json("AmazonSQS.ListQueues", json!({}))),
        ("rules", Json("AWSEvents.ListRules", json!({}))),
        (
            "log groups",
            Json("Logs_20140328.DescribeLogGroups", json!({})),
        ),
        (
            "repositories",
            Json(
                "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories",
                json!({}),
            ),
        ),
        (
            "clusters",
            Json("AmazonEC2ContainerServiceV20141113.ListClusters", json!({})),
        ),
        (
            "scaling",
            Json(
                "AnyScaleFrontendService.DescribeScalableTargets",
                json!({ "ServiceNamespace": "ecs" }),
            ),
        ),
    ]
}
