//! Templates of which no revision is made.

use functions::task_definition::{revision, runs};
use ledger::{Cause, Rollout};
use serde_json::json;

use super::assert_messages;
use crate::fuzz::given::{at, release, target, with, without};

#[test]
fn templates() {
    let image = "1.dkr.ecr.eu-west-1.amazonaws.com/team/web:placeholder";
    let template = || {
        json!({ "taskDefinition": {
            "status": "ACTIVE",
            "containerDefinitions": [{ "name": "web", "image": image }],
        }})
    };
    let container = "/taskDefinition/containerDefinitions/0";
    let rows = [
        (
            "no answer",
            json!(null),
            "the template web-template is malformed",
        ),
        (
            "an answer without a template",
            json!({ "failures": [] }),
            "the template web-template is malformed",
        ),
        (
            "a template that was deregistered",
            with(template(), "/taskDefinition/status", json!("INACTIVE")),
            "the template web-template is INACTIVE, not ACTIVE",
        ),
        (
            "a template that is being deleted",
            with(
                template(),
                "/taskDefinition/status",
                json!("DELETE_IN_PROGRESS"),
            ),
            "the template web-template is DELETE_IN_PROGRESS, not ACTIVE",
        ),
        (
            "a template without containers",
            without(template(), "/taskDefinition/containerDefinitions"),
            "the template web-template has no container named web",
        ),
        (
            "a container of another name",
            with(template(), &format!("{container}/name"), json!("Web")),
            "the template web-template has no container named web",
        ),
        (
            "a container without an image",
            without(template(), &format!("{container}/image")),
            "container web of the template web-template has no image",
        ),
        (
            "the image of another repository",
            with(
                template(),
                &format!("{container}/image"),
                json!("1.dkr.ecr.eu-west-1.amazonaws.com/web:1"),
            ),
            "container web of the template web-template runs 1.dkr.ecr.eu-west-1.amazonaws.com/web, not the repository team/web",
        ),
        (
            "the image of a longer repository",
            with(
                template(),
                &format!("{container}/image"),
                json!("1.dkr.ecr.eu-west-1.amazonaws.com/a/team/web:1"),
            ),
            "container web of the template web-template runs 1.dkr.ecr.eu-west-1.amazonaws.com/a/team/web, not the repository team/web",
        ),
        (
            "the image of a repository in capitals",
            with(template(), &format!("{container}/image"), json!("team/Web")),
            "container web of the template web-template runs team/Web, not the repository team/web",
        ),
    ];
    let rollout = Rollout::claimed(&target(), release("main-1", 0), Cause::Push, at(0));
    assert_messages(rows.map(|(name, template, message)| {
        let made = revision(&template, &target(), &rollout);
        (name, made, message)
    }));
    let arm = json!({ "taskDefinition": { "runtimePlatform": { "cpuArchitecture": "ARM64" } } });
    assert_messages([(
        "an image for another processor",
        runs(&arm, &["amd64".to_owned()]),
        "the image was built for amd64, and the template's tasks run on arm64",
    )]);
}
