//! Calls as a snapshot shows them: short, and the same in every run.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::recorder::Call;

/// A line of a snapshot gets no longer than this where it can be helped.
const WIDTH: usize = 110;

static ROLLOUT: LazyLock<Regex> = LazyLock::new(|| regex(r"[0-9]{8}T[0-9]{9}Z-[0-9a-f]{12}"));
static DEPLOYMENT: LazyLock<Regex> = LazyLock::new(|| regex("ecs-svc/[0-9]+"));
static SERVICE_REVISION: LazyLock<Regex> =
    LazyLock::new(|| regex("arn:aws:ecs:[^ \"]+:service-revision/[^ \"]+"));
static DIGEST: LazyLock<Regex> = LazyLock::new(|| regex("sha256:[0-9a-f]{64}"));
static TIME: LazyLock<Regex> = LazyLock::new(|| regex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"));
static TOOK: LazyLock<Regex> = LazyLock::new(|| regex("Live in [0-9.]+ s"));

/// What differs from run to run, and the words that stand for it.
#[derive(Debug, Default)]
pub(crate) struct Words {
    known: Vec<(String, String)>,
}

impl Words {
    /// From now on `word` stands for `value`.
    pub(crate) fn know(&mut self, value: &str, word: &str) {
        self.known.push((value.to_owned(), word.to_owned()));
    }

    /// One call a paragraph. What a function reads between two writes it may ask at the same time, so such calls
    /// stand in the order of the alphabet.
    pub(crate) fn calls(&mut self, calls: &[Call]) -> String {
        let raw: Vec<String> = calls
            .iter()
            .map(|it| format!("{} {}", it.operation, it.body))
            .collect();
        self.learn(&raw.concat());
        let mut lines: Vec<(bool, String)> = Vec::new();
        for call in calls {
            let operation = self.replace(&call.operation);
            let mut line = format!("{operation}\n");
            match self.plain(&call.body) {
                Value::Null => {}
                body => match body["TransactItems"].as_array() {
                    Some(writes) => writes.iter().for_each(|it| line += &write(it)),
                    None => line = format!("{operation} {}\n", laid_out(&body, 0)),
                },
            }
            lines.push((is_read(&call.operation), line));
        }
        for reads in lines.chunk_by_mut(|(one, _), (other, _)| *one && *other) {
            reads.sort();
        }
        lines.into_iter().map(|(_, line)| line).collect()
    }

    /// `text` with words for what differs.
    pub(crate) fn replace(&mut self, text: &str) -> String {
        self.learn(text);
        let mut text = text.to_owned();
        for (value, word) in &self.known {
            text = text.replace(value, word);
        }
        for letter in "abcdef".chars() {
            let commit = letter.to_string().repeat(40);
            text = text.replace(&commit, &format!("<commit {letter}>"));
        }
        let text = TIME.replace_all(&text, "<time>");
        TOOK.replace_all(&text, "Live in <some> s").into_owned()
    }

    /// Rollouts are numbered by their age, all else as it appears.
    fn learn(&mut self, text: &str) {
        let rollouts: BTreeSet<&str> = ROLLOUT.find_iter(text).map(|it| it.as_str()).collect();
        self.number("rollout", rollouts.into_iter());
        self.number(
            "deployment",
            DEPLOYMENT.find_iter(text).map(|it| it.as_str()),
        );
        self.number(
            "service revision",
            SERVICE_REVISION.find_iter(text).map(|it| it.as_str()),
        );
        self.number("digest", DIGEST.find_iter(text).map(|it| it.as_str()));
    }

    /// A body with words, with DynamoDB's typed values as JSON's own, with names in the order of the alphabet, without
    /// the token made for one call and the table, of which there is but one.
    fn plain(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                if let Some(inner) = typed(fields) {
                    return self.plain(inner);
                }
                let mut sorted: Vec<_> = fields.iter().collect();
                sorted.retain(|(name, _)| {
                    !["ClientRequestToken", "TableName"].contains(&name.as_str())
                });
                sorted.sort_by_key(|(name, _)| *name);
                let fields = sorted.into_iter();
                fields
                    .map(|(name, value)| (self.replace(name), self.plain(value)))
                    .collect()
            }
            Value::Array(values) => values.iter().map(|it| self.plain(it)).collect(),
            Value::String(text) => Value::String(self.replace(text)),
            value => value.clone(),
        }
    }

    fn number<'a>(&mut self, noun: &str, found: impl Iterator<Item = &'a str>) {
        for value in found {
            if self.known.iter().all(|(known, _)| known != value) {
                let prefix = format!("<{noun} ");
                let earlier = self.known.iter();
                let count = earlier.filter(|(_, it)| it.starts_with(&prefix)).count();
                self.know(value, &format!("{prefix}{}>", count + 1));
            }
        }
    }
}

/// Whether a call changes nothing.
pub(crate) fn is_read(operation: &str) -> bool {
    let verb = operation.split_once('.').map_or(operation, |(_, it)| it);
    ["BatchGet", "Describe", "GET", "Get", "List", "Query"]
        .iter()
        .any(|read| verb.starts_with(read))
}

fn typed(fields: &Map<String, Value>) -> Option<&Value> {
    let (kind, value) = fields.iter().next()?;
    let is_type = ["S", "N", "M", "L", "BOOL", "NULL"].contains(&kind.as_str());
    (fields.len() == 1 && is_type).then_some(value)
}

/// One write of a transaction, as in `Put {…}`.
fn write(item: &Value) -> String {
    let fields = item.as_object().into_iter().flatten();
    fields
        .map(|(kind, write)| format!("  {kind} {}\n", laid_out(write, 2)))
        .collect()
}

/// JSON that breaks only the lines that are too long.
fn laid_out(value: &Value, indent: usize) -> String {
    let line = value.to_string();
    let inner = indent + 2;
    let parts: Vec<String> = match value {
        _ if indent + line.len() <= WIDTH => return line,
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| format!("{name:?}: {}", laid_out(value, inner)))
            .collect(),
        Value::Array(values) => values.iter().map(|it| laid_out(it, inner)).collect(),
        _ => return line,
    };
    let (open, close) = match value {
        Value::Array(_) => ('[', ']'),
        _ => ('{', '}'),
    };
    let space = " ".repeat(inner);
    let lines: Vec<String> = parts.iter().map(|it| format!("{space}{it}\n")).collect();
    format!("{open}\n{}{}{close}", lines.concat(), " ".repeat(indent))
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}
