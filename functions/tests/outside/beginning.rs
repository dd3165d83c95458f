//! How it is before the first push: what Terraform writes.

use local::ecs::Pace;
use serde_json::{Value, json};

use super::REPOSITORY;

/// What Terraform would write, and how fast ECS is; a test may have it otherwise.
pub(crate) struct Beginning {
    /// The target's item in the ledger.
    pub(crate) target: Value,
    /// The template's registration.
    pub(crate) template: Value,
    /// The service's creation.
    pub(crate) service: Value,
    pub(crate) pace: Pace,
}

impl Beginning {
    /// As `terraform/modules/{ledger,service}` have it.
    pub(super) fn of(repository: &str) -> Beginning {
        let text = |text: &str| json!({ "S": text });
        Beginning {
            target: json!({
                "pk": text("targets"),
                "sk": text(&format!("{repository}#web")),
                "name": text("web"),
                "environment": text("production"),
                "repository": text(repository),
                "cluster": text("production"),
                "service": text("web"),
                "container": text("web"),
                "template": text("web-template"),
                "family": text("web"),
                "github_repository": text(REPOSITORY),
                "environment_url": text("https://web.example.com"),
                "deadline_seconds": { "N": "900" },
                "first_count": { "N": "1" },
                "tag_policy": { "M": { "kind": text("glob"), "pattern": text("main-*") } },
            }),
            template: json!({
                "family": "web-template",
                "cpu": "256",
                "containerDefinitions": [{
                    "name": "web",
                    "image": format!("000000000000.dkr.ecr.us-east-1.amazonaws.com/{repository}:placeholder"),
                    "environment": [{ "name": "LEVEL", "value": "info" }],
                }],
                "tags": [{ "key": "team", "value": "web" }],
            }),
            service: json!({
                "cluster": "production",
                "serviceName": "web",
                "taskDefinition": "web-template",
                "desiredCount": 0,
                "launchType": "FARGATE",
                "deploymentConfiguration": {
                    "deploymentCircuitBreaker": { "enable": true, "rollback": true },
                },
            }),
            pace: Pace::instant(),
        }
    }
}
