//! What differs between two task definitions, computed from their outlines alone.

use ledger::table::Outline;
use serde::Serialize;

/// A line that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// Where it stands: `containerDefinitions.web.image`.
    pub(crate) path: String,
    /// What became of it.
    #[serde(flatten)]
    pub(crate) kind: Kind,
}

/// What became of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Kind {
    /// It is new.
    Added {
        /// What it says.
        after: Value,
    },
    /// It is gone.
    Removed {
        /// What it said.
        before: Value,
    },
    /// It says something else.
    Changed {
        /// What it said.
        before: Value,
        /// What it says.
        after: Value,
    },
}

/// What a line says; null for scripts where it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Value {
    /// As it stands in the task definition.
    Plain(String),
    /// What only its fingerprint is known of, which is nobody's business.
    Secret,
}

/// The lines that are not the same, by their paths.
pub(crate) fn difference(before: &Outline, after: &Outline) -> Vec<Change> {
    let gone = before.iter().filter(|(path, _)| !after.contains_key(*path));
    let gone = gone.map(|(path, value)| Change {
        path: path.clone(),
        kind: Kind::Removed {
            before: said(value),
        },
    });
    let there = after.iter().filter_map(|(path, value)| {
        let kind = match before.get(path) {
            Some(same) if same == value => return None,
            Some(other) => Kind::Changed {
                before: said(other),
                after: said(value),
            },
            None => Kind::Added { after: said(value) },
        };
        let path = path.clone();
        Some(Change { path, kind })
    });
    let mut changes: Vec<_> = gone.chain(there).collect();
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    changes
}

/// A fingerprint is a `#` and eight hexadecimal digits.
fn said(value: &str) -> Value {
    let digits = value.strip_prefix('#').unwrap_or_default();
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    match digits.len() == 8 && digits.bytes().all(is_digit) {
        true => Value::Secret,
        false => Value::Plain(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outline(lines: &[(&str, &str)]) -> Outline {
        let lines = lines.iter();
        lines
            .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn what_is_new_gone_or_other_is_told_by_its_path() {
        let before = outline(&[("cpu", "256"), ("memory", "512"), ("pidMode", "task")]);
        let after = outline(&[("cpu", "512"), ("memory", "512"), ("networkMode", "awsvpc")]);
        let expected = json!([
            { "path": "cpu", "kind": "changed", "before": "256", "after": "512" },
            { "path": "networkMode", "kind": "added", "after": "awsvpc" },
            { "path": "pidMode", "kind": "removed", "before": "task" },
        ]);
        assert_eq!(json!(difference(&before, &after)), expected);
        assert_eq!(difference(&after, &after), []);
    }

    #[test]
    fn what_may_be_secret_is_never_said() {
        let before = outline(&[("key", "#1a2b3c4d"), ("old", "#00000000")]);
        let after = outline(&[("key", "#1a2b3c4e"), ("new", "#ffffffff")]);
        let expected = json!([
            { "path": "key", "kind": "changed", "before": null, "after": null },
            { "path": "new", "kind": "added", "after": null },
            { "path": "old", "kind": "removed", "before": null },
        ]);
        assert_eq!(json!(difference(&before, &after)), expected);
    }

    #[test]
    fn only_a_fingerprint_is_taken_for_one() {
        for plain in ["", "#", "#1a2b3c4", "#1a2b3c4d5", "#1A2B3C4D", "1a2b3c4d"] {
            assert_eq!(said(plain), Value::Plain(plain.to_owned()));
        }
        assert_eq!(said("#1a2b3c4d"), Value::Secret);
    }
}
