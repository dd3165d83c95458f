//! Template and image → the revision that the service will run, on raw JSON.
//!
//! ECS gains fields faster than any SDK learns them, and a typed round trip drops what it does not know. So the
//! template goes through as it came, but for the image, the family and the identity that we add.

use anyhow::{Context, Result, bail, ensure};
use ledger::{RevisionArn, Rollout, RolloutId, Target};
use serde_json::{Map, Value, json};

use crate::outline::outline;

/// What DescribeTaskDefinition adds and RegisterTaskDefinition refuses.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html>
const ANSWERED_ONLY: [&str; 9] = [
    "compatibilities",
    "deleteRequestedAt",
    "deregisteredAt",
    "registeredAt",
    "registeredBy",
    "requiresAttributes",
    "revision",
    "status",
    "taskDefinitionArn",
];

/// The environment variables that are ours, whatever the template says.
const VARIABLES: [&str; 3] = ["COUPLET_ROLLOUT", "COUPLET_DIGEST", "COUPLET_COMMIT"];

/// Our tags begin with this.
const TAGS: &str = "couplet:";

/// The tag that says which rollout a revision was registered for.
const ROLLOUT: &str = "couplet:rollout";

/// Whether a variable or a tag of this name tells one revision from every other.
pub(crate) fn is_identity(name: &str) -> bool {
    VARIABLES.contains(&name) || name.starts_with(TAGS)
}

/// The body of RegisterTaskDefinition for `rollout`, from the answer of DescribeTaskDefinition (with its tags).
/// Fails if the template is not active, or if the target's container does not run the target's repository.
pub fn revision(answer: &Value, target: &Target, rollout: &Rollout) -> Result<Value> {
    let mut definition = answer["taskDefinition"]
        .as_object()
        .with_context(|| format!("the template {} is malformed", target.template))?
        .clone();
    let status = definition.get("status").and_then(Value::as_str);
    ensure!(
        status.is_none_or(|status| status == "ACTIVE"),
        "the template {} is {}, not ACTIVE",
        target.template,
        status.unwrap_or_default()
    );
    strip(&mut definition);
    definition.insert("family".to_owned(), json!(target.family));
    set_image(container(&mut definition, target)?, target, rollout)?;
    definition.insert("tags".to_owned(), tags(&answer["tags"], rollout));
    Ok(Value::Object(definition))
}

/// The revision in `answer`, a DescribeTaskDefinition's of the same family, and the rollout that it was registered for, if
/// it is what `body` would register once more but for that rollout.
pub fn same(answer: &Value, body: &Value) -> Option<(RolloutId, RevisionArn)> {
    let mut definition = answer["taskDefinition"].as_object()?.clone();
    let revision = definition.get("taskDefinitionArn")?.as_str()?;
    let revision = RevisionArn::parse(revision).ok()?;
    strip(&mut definition);
    definition.insert("tags".to_owned(), answer["tags"].clone());
    let tags = answer["tags"].as_array()?;
    let tag = tags.iter().find(|tag| tag["key"] == ROLLOUT)?;
    let rollout = RolloutId::parse(tag["value"].as_str()?).ok()?;
    let is_same = outline(&Value::Object(definition)) == outline(body);
    is_same.then_some((rollout, revision))
}

fn strip(definition: &mut Map<String, Value>) {
    for field in ANSWERED_ONLY {
        definition.shift_remove(field);
    }
}

/// Fails if none of these is the processor that the template's tasks get; an image that names none may be any.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html>
pub fn runs(answer: &Value, architectures: &[String]) -> Result<()> {
    let platform = &answer["taskDefinition"]["runtimePlatform"];
    let wanted = match platform["cpuArchitecture"].as_str() {
        Some("ARM64") => "arm64",
        // The default, where the template says nothing.
        _ => "amd64",
    };
    ensure!(
        architectures.is_empty() || architectures.iter().any(|it| it == wanted),
        "the image was built for {}, and the template's tasks run on {wanted}",
        architectures.join(" and ")
    );
    Ok(())
}

fn container<'a>(
    definition: &'a mut Map<String, Value>,
    target: &Target,
) -> Result<&'a mut Map<String, Value>> {
    definition
        .get_mut("containerDefinitions")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .find(|container| container["name"] == json!(target.container))
        .and_then(Value::as_object_mut)
        .with_context(|| {
            format!(
                "the template {} has no container named {}",
                target.template, target.container
            )
        })
}

/// Pins the image by its digest in the template's own registry, and tells the container what it is.
fn set_image(container: &mut Map<String, Value>, target: &Target, rollout: &Rollout) -> Result<()> {
    let image = container
        .get("image")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let repository = without_reference(image);
    ensure!(
        !repository.is_empty(),
        "container {} of the template {} has no image",
        target.container,
        target.template
    );
    if without_registry(repository) != target.repository {
        bail!(
            "container {} of the template {} runs {repository}, not the repository {}",
            target.container,
            target.template,
            target.repository
        );
    }
    let pinned = format!("{repository}@{}", rollout.release.digest);
    container.insert("image".to_owned(), json!(pinned));

    let identity = identity(rollout);
    let mut environment = match container.get_mut("environment").map(Value::take) {
        Some(Value::Array(variables)) => variables,
        _ => Vec::new(),
    };
    // All of them, so that nothing says which commit it is that does not know.
    environment.retain(|variable| !VARIABLES.iter().any(|name| variable["name"] == *name));
    for (_, name, value) in &identity {
        environment.push(json!({ "name": name, "value": value }));
    }
    container.insert("environment".to_owned(), Value::Array(environment));
    Ok(())
}

/// The template's tags but those of AWS, which cannot be set, and ours.
fn tags(template: &Value, rollout: &Rollout) -> Value {
    let mut tags: Vec<Value> = template.as_array().cloned().unwrap_or_default();
    tags.retain(|tag| {
        let key = tag["key"].as_str().unwrap_or_default();
        !key.starts_with("aws:") && !key.starts_with(TAGS)
    });
    tags.push(json!({ "key": "couplet:target", "value": rollout.target }));
    for (key, _, value) in identity(rollout) {
        tags.push(json!({ "key": key, "value": value }));
    }
    Value::Array(tags)
}

/// What a revision says of itself: tag, environment variable, value.
fn identity(rollout: &Rollout) -> Vec<(&'static str, &'static str, String)> {
    let mut identity = vec![
        (ROLLOUT, "COUPLET_ROLLOUT", rollout.id.to_string()),
        (
            "couplet:digest",
            "COUPLET_DIGEST",
            rollout.release.digest.to_string(),
        ),
    ];
    if let Some(commit) = &rollout.release.commit {
        identity.push(("couplet:commit", "COUPLET_COMMIT", commit.to_string()));
    }
    identity
}

/// `registry:5000/team/web:tag@sha256:…` without `:tag` and `@sha256:…`.
fn without_reference(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    }
}

/// `registry:5000/team/web` without the registry, which is known from a part of the name by a dot or a port.
/// Source: <https://github.com/distribution/reference/blob/main/normalize.go>
fn without_registry(repository: &str) -> &str {
    match repository.split_once('/') {
        Some((registry, name)) if registry.contains(['.', ':']) || registry == "localhost" => name,
        _ => repository,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{self, target};
    use ledger::Commit;

    fn rollout() -> Rollout {
        let mut rollout = fixtures::rollout('a');
        rollout.release.commit = Commit::parse(&"c".repeat(40)).ok();
        rollout
    }

    fn template() -> Value {
        json!({
            "taskDefinition": {
                "taskDefinitionArn": "arn:aws:ecs:eu-west-1:1:task-definition/web-template:3",
                "family": "web-template", "revision": 3, "status": "ACTIVE",
                "registeredAt": 1.8e9, "registeredBy": "terraform",
                "compatibilities": ["EC2", "FARGATE"], "requiresAttributes": [{ "name": "x" }],
                "cpu": "256", "brandNewTop": { "a": [1, 2] },
                "containerDefinitions": [
                    { "name": "logs", "image": "registry/logs:1", "brandNewField": true },
                    {
                        "name": "web",
                        "image": "1.dkr.ecr.eu-west-1.amazonaws.com/team/web:placeholder",
                        "environment": [
                            { "name": "COUPLET_COMMIT", "value": "of the template" },
                            { "name": "LEVEL", "value": "info", "brandNewKey": 1 },
                        ],
                        "logConfiguration": { "logDriver": "brand-new", "deep": { "deeper": null } },
                    },
                ],
            },
            "tags": [
                { "key": "team", "value": "a" },
                { "key": "aws:cloudformation:stack-name", "value": "b" },
                { "key": "couplet:rollout", "value": "an old one" },
            ],
        })
    }

    #[test]
    fn a_revision_differs_from_its_template_in_image_family_and_identity_only() {
        let made = revision(&template(), &target(), &rollout()).expect("revision");
        insta::assert_json_snapshot!(made);
    }

    #[test]
    fn what_was_registered_is_the_same_but_for_its_rollout() {
        let body = |letter, template: &Value| {
            let rollout = fixtures::rollout(letter);
            revision(template, &target(), &rollout).expect("a revision")
        };
        // As ECS answers what was registered for the first of these.
        let registered = |mut body: Value| {
            let tags = body["tags"].take();
            body["taskDefinitionArn"] = json!("arn:aws:ecs:eu-west-1:1:task-definition/web:7");
            body["registeredAt"] = json!(1.8e9);
            json!({ "taskDefinition": body, "tags": tags })
        };
        let first = registered(body('a', &template()));
        let mut later = fixtures::rollout('a');
        later.id = RolloutId::parse("later").expect("an id");
        let again = revision(&template(), &target(), &later).expect("a revision");
        let (id, arn) = same(&first, &again).expect("the same");
        assert_eq!(id, fixtures::rollout('a').id);
        assert!(arn.as_str().ends_with("web:7"));

        let mut changed = template();
        changed["taskDefinition"]["cpu"] = json!("512");
        let mut stranger = first.clone();
        stranger["tags"] = json!([{ "key": "team", "value": "a" }]);
        for (name, registered, body) in [
            ("another image", &first, body('b', &template())),
            ("another template", &first, body('a', &changed)),
            ("nobody's", &stranger, again.clone()),
        ] {
            assert_eq!(same(registered, &body), None, "{name}");
        }
    }

    #[test]
    fn what_must_not_be_rolled_out_is_refused_by_name() {
        let refuse = |template: Value, target: Target| {
            revision(&template, &target, &rollout())
                .expect_err("refused")
                .to_string()
        };
        let mut inactive = template();
        inactive["taskDefinition"]["status"] = json!("INACTIVE");
        assert_eq!(
            refuse(inactive, target()),
            "the template web-template is INACTIVE, not ACTIVE"
        );
        assert_eq!(
            refuse(
                template(),
                Target {
                    container: "app".into(),
                    ..target()
                }
            ),
            "the template web-template has no container named app"
        );
        assert_eq!(
            refuse(
                template(),
                Target {
                    container: "logs".into(),
                    ..target()
                }
            ),
            "container logs of the template web-template runs registry/logs, not the repository team/web"
        );
        assert_eq!(
            refuse(
                template(),
                Target {
                    repository: "web".into(),
                    ..target()
                }
            ),
            "container web of the template web-template runs 1.dkr.ecr.eu-west-1.amazonaws.com/team/web, not the repository web"
        );
        let mut imageless = template();
        imageless["taskDefinition"]["containerDefinitions"][1]["image"] = Value::Null;
        assert_eq!(
            refuse(imageless, target()),
            "container web of the template web-template has no image"
        );
        assert_eq!(
            refuse(json!({}), target()),
            "the template web-template is malformed"
        );
    }

    #[test]
    fn a_release_that_names_no_commit_has_none_of_the_templates() {
        let made = revision(&template(), &target(), &fixtures::rollout('a')).expect("revision");
        assert!(!made.to_string().contains("COUPLET_COMMIT"), "{made}");
    }

    #[test]
    fn an_image_for_another_processor_is_refused() {
        let mut arm = template();
        arm["taskDefinition"]["runtimePlatform"] = json!({ "cpuArchitecture": "ARM64" });
        let names = |names: &[&str]| names.iter().map(|it| it.to_string()).collect::<Vec<_>>();
        for (template, built_for) in [
            (&template(), names(&["amd64"])),
            (&arm, names(&["arm64"])),
            (&arm, names(&["amd64", "arm64"])),
            (&arm, names(&[])),
        ] {
            runs(template, &built_for).expect("it runs");
        }
        let refused = runs(&arm, &names(&["amd64", "s390x"])).expect_err("refused");
        assert_eq!(
            refused.to_string(),
            "the image was built for amd64 and s390x, and the template's tasks run on arm64"
        );
        assert!(runs(&template(), &names(&["arm64"])).is_err());
    }

    #[test]
    fn a_reference_is_cut_off_and_a_port_is_not() {
        let digest = rollout().release.digest;
        for (image, name) in [
            ("web", "web"),
            ("web:1", "web"),
            ("host:5000/web", "host:5000/web"),
            ("host:5000/web:1", "host:5000/web"),
            (&format!("host:5000/web:1@{digest}"), "host:5000/web"),
        ] {
            assert_eq!(without_reference(image), name);
        }
        for (repository, name) in [
            ("team/web", "team/web"),
            ("host:5000/team/web", "team/web"),
            ("1.dkr.ecr.eu-west-1.amazonaws.com/team/web", "team/web"),
            ("localhost/web", "web"),
        ] {
            assert_eq!(without_registry(repository), name);
        }
    }
}
