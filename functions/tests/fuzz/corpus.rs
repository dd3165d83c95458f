//! A template with every field that ECS's API model knows, and invented ones at every depth: `task_definition.py` writes
//! it to `task_definition.json`.

use std::sync::LazyLock;

use functions::task_definition::revision;
use ledger::{Cause, Release, Rollout, Target};
use serde::Deserialize;
use serde_json::Value;

use super::given::{at, commit, differences, digest, release, target};

/// What `task_definition.py` writes.
#[derive(Deserialize)]
pub(crate) struct Corpus {
    /// The members of RegisterTaskDefinition's request.
    request: Vec<String>,
    /// The members of DescribeTaskDefinition's answer that the request does not have.
    pub(crate) answered_only: Vec<String>,
    /// An answer of DescribeTaskDefinition with every field.
    answer: Value,
}

/// What `task_definition.py` has written.
pub(crate) static CORPUS: LazyLock<Corpus> = LazyLock::new(|| {
    serde_json::from_str(include_str!("task_definition.json")).expect("the corpus")
});

/// The target of the corpus. ECR allows no capitals; one stands here so that nobody takes names for the same.
fn corpus_target() -> Target {
    Target {
        repository: "team/Web_1.x".into(),
        ..target()
    }
}

fn corpus_rollout() -> Rollout {
    let release = Release {
        commit: Some(commit(7)),
        digest: digest(7),
        ..release("main-7", 0)
    };
    Rollout::claimed(&corpus_target(), release, Cause::Push, at(0))
}

#[test]
fn a_revision_of_a_template_with_every_field_differs_in_what_it_must_and_in_nothing_else() {
    let Corpus {
        request,
        answered_only,
        answer,
    } = &*CORPUS;
    let made = revision(answer, &corpus_target(), &corpus_rollout()).expect("a revision");

    let mut expected: Vec<String> = vec![
        "≠ .containerDefinitions[1].image".into(),
        "+ .containerDefinitions[1].environment[1]".into(),
        "+ .containerDefinitions[1].environment[2]".into(),
        "+ .containerDefinitions[1].environment[3]".into(),
        "≠ .family".into(),
        "+ .tags".into(),
    ];
    expected.extend(answered_only.iter().map(|member| format!("- .{member}")));
    let mut found = differences(&answer["taskDefinition"], &made);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(
        differences(&answer["tags"], &made["tags"]),
        ["+ [1]", "+ [2]", "+ [3]", "+ [4]"]
    );

    for member in request {
        assert!(
            !made[member].is_null(),
            "RegisterTaskDefinition's {member} is lost"
        );
    }
    for member in answered_only {
        assert!(
            made.get(member).is_none(),
            "RegisterTaskDefinition refuses {member}"
        );
    }
    // The registry and the repository stay as they are, to the letter.
    assert_eq!(
        made["containerDefinitions"][1]["image"],
        format!(
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/Web_1.x@{}",
            digest(7)
        )
    );
}

#[test]
fn the_corpus_knows_every_member_that_it_holds() {
    let Corpus {
        request,
        answered_only,
        answer,
    } = &*CORPUS;
    let definition = answer["taskDefinition"].as_object().expect("an object");
    for member in definition.keys().filter(|member| *member != "brandNew") {
        let known = request.contains(member) ^ answered_only.contains(member);
        assert!(
            known,
            "{member} is in none or in both of the corpus's lists"
        );
    }
    for member in request.iter().filter(|member| *member != "tags") {
        assert!(definition.contains_key(member), "the corpus lacks {member}");
    }
    for member in answered_only {
        assert!(definition.contains_key(member), "the corpus lacks {member}");
    }
}
