//! What IAM's policies allow, as they are written.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// One action on one resource, as a policy allows it. Either may have wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Right {
    pub(super) action: String,
    pub(super) resource: String,
    /// Where it stands: `policy work, KeepLedger`.
    pub(super) place: String,
}

impl Right {
    /// Whether it is a right to `action`. IAM does not mind the case of actions.
    pub(super) fn is_to(&self, action: &str) -> bool {
        matches(&self.action.to_lowercase(), &action.to_lowercase())
    }

    /// Whether it reaches `resource`.
    pub(super) fn is_on(&self, resource: &str) -> bool {
        matches(&self.resource, resource)
    }
}

/// The rights in a policy. Conditions are not looked at: what they exclude is taken for allowed. A statement that
/// allows by leaving out, or denies, is an error, since its rights cannot be counted.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>
pub(super) fn rights(name: &str, document: &str) -> Result<Vec<Right>> {
    let policy: Value =
        serde_json::from_str(document).with_context(|| format!("policy {name} is no JSON"))?;
    let mut rights = Vec::new();
    for statement in list(&policy["Statement"]) {
        let sid = statement["Sid"].as_str().unwrap_or("a statement");
        let place = format!("policy {name}, {sid}");
        ensure!(
            statement["Effect"] == "Allow",
            "{place} does not allow: only what is allowed can be counted"
        );
        let actions = texts(&statement["Action"]);
        let resources = texts(&statement["Resource"]);
        if actions.is_empty() || resources.is_empty() {
            bail!("{place} has no Action or no Resource: what is left out cannot be counted");
        }
        for action in &actions {
            rights.extend(resources.iter().map(|resource| Right {
                action: (*action).to_owned(),
                resource: (*resource).to_owned(),
                place: place.clone(),
            }));
        }
    }
    Ok(rights)
}

/// Whether `text` is what `pattern` describes: `*` is any text, `?` one character.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
fn matches(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else {
        return text.is_empty();
    };
    let pattern = &pattern[first.len_utf8()..];
    let mut rest = text.chars();
    match first {
        '*' => {
            let mut ends = text.char_indices().map(|(index, _)| index);
            matches(pattern, "") || ends.any(|index| matches(pattern, &text[index..]))
        }
        '?' => rest.next().is_some() && matches(pattern, rest.as_str()),
        letter => rest.next() == Some(letter) && matches(pattern, rest.as_str()),
    }
}

/// IAM takes one for a list of one.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn texts(value: &Value) -> Vec<&str> {
    list(value).into_iter().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_or_a_list_is_the_same() {
        let document = json!({ "Statement": [
            { "Sid": "Read", "Effect": "Allow", "Action": ["d:Get", "d:Query"], "Resource": "arn:t" },
            { "Effect": "Allow", "Action": "q:Send", "Resource": ["arn:a", "arn:b"] },
        ]});
        let rights = rights("work", &document.to_string()).unwrap();
        let lines: Vec<String> = rights
            .iter()
            .map(|it| format!("{} {} ({})", it.action, it.resource, it.place))
            .collect();
        assert_eq!(
            lines,
            [
                "d:Get arn:t (policy work, Read)",
                "d:Query arn:t (policy work, Read)",
                "q:Send arn:a (policy work, a statement)",
                "q:Send arn:b (policy work, a statement)",
            ]
        );
    }

    #[test]
    fn what_cannot_be_counted_is_an_error() {
        for (statement, why) in [
            (
                json!({ "Effect": "Deny", "Action": "a:B", "Resource": "*" }),
                "does not allow",
            ),
            (
                json!({ "Effect": "Allow", "NotAction": "a:B", "Resource": "*" }),
                "no Action",
            ),
            (
                json!({ "Effect": "Allow", "Action": "a:B", "NotResource": "arn:x" }),
                "no Resource",
            ),
        ] {
            let policy = json!({ "Statement": statement }).to_string();
            let error = rights("work", &policy).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        assert!(rights("work", "{").is_err());
    }

    #[test]
    fn wildcards_match_as_iam_has_them() {
        for (pattern, text, matching) in [
            ("*", "", true),
            ("arn:x:table/a", "arn:x:table/a", true),
            ("arn:x:table/a", "arn:x:table/ab", false),
            ("arn:x:table/a*", "arn:x:table/ab/index/i", true),
            ("arn:*:table/?", "arn:x:y:table/a", true),
            ("arn:*:table/?", "arn:x:y:table/", false),
            ("arn:x:f:*", "arn:x:f:*", true),
            ("arn:x:f:1", "arn:x:f:*", false),
            ("*a*b", "xxaxxb", true),
            ("*a*b", "xxbxxa", false),
        ] {
            assert_eq!(matches(pattern, text), matching, "{pattern} {text}");
        }
    }

    #[test]
    fn actions_have_no_case_and_resources_have() {
        let right = Right {
            action: "ECS:Describe*".to_owned(),
            resource: "arn:Board".to_owned(),
            place: String::new(),
        };
        assert!(right.is_to("ecs:DescribeServices"));
        assert!(!right.is_to("ecs:UpdateService"));
        assert!(right.is_on("arn:Board"));
        assert!(!right.is_on("arn:board"));
    }
}
