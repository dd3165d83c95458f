//! What a plan would change.

use serde_json::{Map, Value};

/// The changes in a plan, a line each: what would be done, where, and to which attributes.
/// Source: <https://developer.hashicorp.com/terraform/internals/json-format#change-representation>
pub(super) fn changes(plan: &Value) -> Vec<String> {
    let resources = plan["resource_changes"].as_array();
    let resources = resources.into_iter().flatten().filter_map(|resource| {
        let change = &resource["change"];
        let address = resource["address"].as_str().unwrap_or_default();
        told(change).map(|told| format!("{told} {address}{}", attributes(change)))
    });
    let outputs = plan["output_changes"].as_object();
    let outputs = outputs
        .into_iter()
        .flatten()
        .filter_map(|(name, change)| told(change).map(|told| format!("{told} output.{name}")));
    resources.chain(outputs).collect()
}

/// "update", "delete and create"; nothing for what stays and what is only read.
fn told(change: &Value) -> Option<String> {
    let actions: Vec<&str> = change["actions"]
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .filter(|action| !matches!(*action, "no-op" | "read"))
        .collect();
    (!actions.is_empty()).then(|| actions.join(" and "))
}

/// " (cpu, tags)": what is not as it should be.
fn attributes(change: &Value) -> String {
    let none = Map::new();
    let before = change["before"].as_object().unwrap_or(&none);
    let after = change["after"].as_object().unwrap_or(&none);
    let unknown = change["after_unknown"].as_object().unwrap_or(&none);
    let names: Vec<&str> = before
        .keys()
        .filter(|name| {
            let known = unknown.get(*name).is_none_or(|it| it == false);
            !known || before.get(*name) != after.get(*name)
        })
        .map(String::as_str)
        .collect();
    match names.is_empty() || after.is_empty() {
        true => String::new(),
        false => format!(" ({})", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_plan_tells_what_would_change_and_nothing_else() {
        let plan = json!({
            "resource_changes": [
                { "address": "a.stays", "change": { "actions": ["no-op"], "before": {}, "after": {} } },
                { "address": "data.b", "change": { "actions": ["read"], "before": {}, "after": {} } },
                { "address": "c.moves", "change": {
                    "actions": ["update"],
                    "before": { "cpu": 256, "name": "c" },
                    "after": { "cpu": 512, "name": "c" },
                    "after_unknown": { "cpu": false },
                } },
                { "address": "d.again", "change": {
                    "actions": ["delete", "create"],
                    "before": { "arn": "d:1", "name": "d" },
                    "after": { "name": "d" },
                    "after_unknown": { "arn": true },
                } },
                { "address": "e.new", "change": { "actions": ["create"], "before": null, "after": { "cpu": 1 } } },
                { "address": "f.goes", "change": { "actions": ["delete"], "before": { "cpu": 1 }, "after": null } },
            ],
            "output_changes": {
                "same": { "actions": ["no-op"] },
                "other": { "actions": ["update"], "before": "a", "after": "b" },
            },
        });
        assert_eq!(
            changes(&plan),
            [
                "update c.moves (cpu)",
                "delete and create d.again (arn)",
                "create e.new",
                "delete f.goes",
                "update output.other",
            ]
        );
    }
}
