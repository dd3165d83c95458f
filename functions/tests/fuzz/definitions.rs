//! A revision keeps all of its template, whatever stands in it.

use functions::task_definition::revision;
use ledger::Target;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::corpus::CORPUS;
use super::given::{config, differences, digest, json, object, rollout, target, text};

const REGRESSIONS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fuzz/regressions/definitions.txt"
);

/// The environment variables that are ours in the target's container.
const IDENTITY: [&str; 3] = ["COUPLET_ROLLOUT", "COUPLET_DIGEST", "COUPLET_COMMIT"];

/// Names of a registry: none, one with a port, ECR's.
fn registry() -> impl Strategy<Value = &'static str> {
    select(vec![
        "",
        "localhost/",
        "localhost:5000/",
        "127.0.0.1:5000/",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/",
    ])
}

/// What follows a repository's name in an image.
fn reference() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}".prop_map(|tag| format!(":{tag}")),
        any::<u32>().prop_map(|number| format!("@{}", digest(number))),
        any::<u32>().prop_map(|number| format!(":main@{}", digest(number))),
    ]
}

fn environment() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        select(IDENTITY.to_vec()).prop_map(str::to_owned),
        Just("COUPLET_OTHER".to_owned()),
        text(),
    ];
    let variable = (name, text()).prop_map(|(name, value)| json!({ "name": name, "value": value }));
    let entry = prop_oneof![4 => variable, 1 => json()];
    prop_oneof![
        1 => Just(Value::Null),
        6 => vec(entry, 0..6).prop_map(Value::from),
    ]
}

/// A container, its image apart.
fn container(names: impl Strategy<Value = String>) -> impl Strategy<Value = Map<String, Value>> {
    (
        names,
        option::of(environment()),
        object("[a-z]{1,8}", json()),
    )
        .prop_map(|(name, environment, more)| {
            let mut container = Map::from_iter([("name".to_owned(), json!(name))]);
            container.extend(environment.map(|it| ("environment".to_owned(), it)));
            let new = more.as_object().cloned().unwrap_or_default();
            container.extend(
                new.into_iter()
                    .map(|(name, value)| (format!("new-{name}"), value)),
            );
            container
        })
}

prop_compose! {
    /// An answer of DescribeTaskDefinition whose container "web" runs `team/web`, with anything around it.
    fn answer()(
        others in vec(container("[a-z]{1,5}x"), 0..3),
        mut ours in container(Just("web".to_owned())),
        place in 0..4_usize,
        registry in registry(),
        reference in reference(),
        known in object(select(KNOWN.to_vec()).prop_map(str::to_owned), json()),
        new in object("[a-z]{1,8}X", json()),
        status in option::of(Just("ACTIVE")),
        tags in prop_oneof![
            Just(Value::Null),
            vec((tag_key(), text()), 0..5).prop_map(|tags| {
                tags.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
            }),
        ],
    ) -> Value {
        ours.insert("image".to_owned(), json!(format!("{registry}team/web{reference}")));
        let mut containers: Vec<Value> = others.into_iter().map(Value::Object).collect();
        containers.insert(place.min(containers.len()), Value::Object(ours));
        let mut definition = known.as_object().cloned().unwrap_or_default();
        definition.extend(new.as_object().cloned().unwrap_or_default());
        definition.extend(status.map(|status| ("status".to_owned(), json!(status))));
        definition.insert("containerDefinitions".to_owned(), json!(containers));
        json!({ "taskDefinition": definition, "tags": tags })
    }
}

/// Some members of a task definition, of both lists.
const KNOWN: [&str; 8] = [
    "cpu",
    "family",
    "registeredAt",
    "requiresAttributes",
    "revision",
    "runtimePlatform",
    "taskDefinitionArn",
    "volumes",
];

fn tag_key() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("couplet:rollout".to_owned()),
        Just("aws:cloudformation:stack-name".to_owned()),
        text(),
    ]
}

/// What is neither ours in a revision nor DescribeTaskDefinition's in a template.
fn rest(definition: &Value) -> Value {
    let mut rest = definition.clone();
    let object = rest.as_object_mut().expect("an object");
    let removed = &CORPUS.answered_only;
    object.retain(|name, _| !removed.contains(name) && name != "family" && name != "tags");
    for container in object["containerDefinitions"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        if container["name"] != "web" {
            continue;
        }
        let container = container.as_object_mut().expect("an object");
        container.remove("image");
        let environment = container.remove("environment").unwrap_or_default();
        let mut environment = environment.as_array().cloned().unwrap_or_default();
        environment.retain(|it| !IDENTITY.iter().any(|name| it["name"] == *name));
        container.insert("environment".to_owned(), json!(environment));
    }
    rest
}

fn variables(definition: &Value) -> Vec<(String, String)> {
    let containers = definition["containerDefinitions"]
        .as_array()
        .expect("containers");
    let ours = containers
        .iter()
        .find(|it| it["name"] == "web")
        .expect("web");
    let all = ours["environment"].as_array().expect("an environment");
    let is_ours = |it: &&Value| IDENTITY.iter().any(|name| it["name"] == *name);
    let word = |value: &Value| value.as_str().expect("text").to_owned();
    all.iter()
        .filter(is_ours)
        .map(|it| (word(&it["name"]), word(&it["value"])))
        .collect()
}

/// The tags that are ours, and AWS's, which nobody may set.
fn own_tags(definition: &Value) -> Vec<&str> {
    let tags = definition["tags"].as_array().expect("tags");
    let keys = tags.iter().map(|tag| tag["key"].as_str().expect("a key"));
    keys.filter(|key| is_reserved(key)).collect()
}

fn other_tags(tags: &Value) -> Vec<&Value> {
    let tags = tags.as_array().into_iter().flatten();
    tags.filter(|tag| !is_reserved(tag["key"].as_str().expect("a key")))
        .collect()
}

fn is_reserved(key: &str) -> bool {
    key.starts_with("couplet:") || key.starts_with("aws:")
}

proptest! {
    #![proptest_config(config(REGRESSIONS))]

    #[test]
    fn anything_for_a_template_is_a_revision_or_an_error(
        answer in json(), definition in json(), containers in json(), container in json(),
        rollout in rollout(),
    ) {
        let mut ours = container.clone();
        if let Some(ours) = ours.as_object_mut() {
            ours.insert("name".into(), json!("web"));
        }
        for answer in [
            answer,
            json!({ "taskDefinition": definition, "tags": container }),
            json!({ "taskDefinition": { "containerDefinitions": containers } }),
            json!({ "taskDefinition": { "containerDefinitions": [container, ours] } }),
        ] {
            if let Err(error) = revision(&answer, &target(), &rollout) {
                prop_assert!(error.to_string().contains("the template web-template "), "{error}");
            }
        }
    }

    #[test]
    fn a_revision_loses_nothing_and_says_what_it_is(answer in answer(), rollout in rollout()) {
        let made = revision(&answer, &target(), &rollout).expect("a revision");
        let lost = differences(&rest(&answer["taskDefinition"]), &rest(&made));
        prop_assert!(lost.is_empty(), "{lost:#?}");

        let mut identity = vec![
            ("COUPLET_ROLLOUT".to_owned(), rollout.id.to_string()),
            ("COUPLET_DIGEST".to_owned(), rollout.release.digest.to_string()),
        ];
        let mut tags = vec!["couplet:target", "couplet:rollout", "couplet:digest"];
        if let Some(commit) = &rollout.release.commit {
            identity.push(("COUPLET_COMMIT".to_owned(), commit.to_string()));
            tags.push("couplet:commit");
        }
        prop_assert_eq!(variables(&made), identity);
        prop_assert_eq!(own_tags(&made), tags);
        prop_assert_eq!(other_tags(&made["tags"]), other_tags(&answer["tags"]));
    }

    #[test]
    fn a_revision_of_a_revision_is_the_revision_of_the_template(
        answer in answer(), first in rollout(), second in rollout(),
    ) {
        let once = revision(&answer, &target(), &first).expect("a revision");
        let again = json!({ "tags": once["tags"], "taskDefinition": once });
        let of_revision = revision(&again, &target(), &second).expect("a revision of a revision");
        let of_template = revision(&answer, &target(), &second).expect("a revision");
        let differ = differences(&of_template, &of_revision);
        prop_assert!(differ.is_empty(), "{differ:#?}");
    }

    #[test]
    fn only_the_targets_own_repository_is_run(
        registry in registry(), name in "([a-z]{1,3}/){0,2}web", reference in reference(),
        rollout in rollout(),
    ) {
        let image = format!("{registry}{name}{reference}");
        let container = json!({ "name": "web", "image": image });
        let answer = json!({ "taskDefinition": { "containerDefinitions": [container] } });
        for repository in ["web", "team/web", name.as_str()] {
            let target = Target { repository: repository.into(), ..target() };
            let made = revision(&answer, &target, &rollout);
            prop_assert_eq!(made.is_ok(), repository == name, "{} for {}", image, repository);
            if let Ok(made) = made {
                let pinned = format!("{registry}{name}@{}", rollout.release.digest);
                prop_assert_eq!(&made["containerDefinitions"][0]["image"], &json!(pinned));
            }
        }
    }
}
