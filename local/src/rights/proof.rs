//! The comparison: what somebody needs against what its role allows, in both directions.

use std::collections::BTreeSet;

use super::actions::Need;
use super::policy::Right;

/// What does not fit, a sentence each; nothing if needs and rights are the same.
pub(super) fn compare(who: &str, needs: &BTreeSet<Need>, rights: &[Right]) -> Vec<String> {
    let missing = needs.iter().filter_map(|need| missing(who, need, rights));
    let idle = rights.iter().filter_map(|right| idle(who, needs, right));
    missing.chain(idle).collect()
}

fn missing(who: &str, Need { action, resource }: &Need, rights: &[Right]) -> Option<String> {
    let of_its_name: Vec<&Right> = rights.iter().filter(|it| it.is_to(action)).collect();
    if of_its_name.iter().any(|right| right.is_on(resource)) {
        return None;
    }
    let there_is: Vec<&str> = of_its_name.iter().map(|it| it.resource.as_str()).collect();
    Some(match there_is.is_empty() {
        true => format!("{who} needs {action} on {resource} and has no right to it"),
        false => format!(
            "{who} needs {action} on {resource} and may only on {}",
            there_is.join(", ")
        ),
    })
}

fn idle(who: &str, needs: &BTreeSet<Need>, right: &Right) -> Option<String> {
    let Right {
        action,
        resource,
        place,
    } = right;
    if action.contains(['*', '?']) {
        return Some(format!(
            "{who} has the right {action} ({place}), which names no single call"
        ));
    }
    let used = |need: &Need| right.is_to(&need.action) && right.is_on(&need.resource);
    (!needs.iter().any(used)).then(|| {
        format!("{who} has the right {action} on {resource} ({place}), which nothing needed")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(needs: &[(&str, &str)]) -> BTreeSet<Need> {
        needs
            .iter()
            .map(|(action, resource)| Need::new(*action, *resource))
            .collect()
    }

    fn right(action: &str, resource: &str) -> Right {
        Right {
            action: action.to_owned(),
            resource: resource.to_owned(),
            place: "policy work, Do".to_owned(),
        }
    }

    #[test]
    fn needs_and_rights_that_are_the_same_prove_each_other() {
        let needs = needs(&[
            ("ecs:Update", "arn:s"),
            ("ecs:Describe", "*"),
            ("l:Put", "arn:g:s:*"),
        ]);
        let rights = [
            right("ecs:update", "arn:s"),
            right("ecs:Describe", "*"),
            right("l:Put", "arn:g:*"),
        ];
        assert_eq!(compare("rollout", &needs, &rights), Vec::<String>::new());
    }

    #[test]
    fn a_missing_right_is_named() {
        let rights = [right("ecs:Describe", "arn:s")];
        let needs = needs(&[("ecs:Describe", "arn:s"), ("ecs:Update", "arn:s")]);
        assert_eq!(
            compare("rollout", &needs, &rights),
            ["rollout needs ecs:Update on arn:s and has no right to it"]
        );
    }

    #[test]
    fn an_idle_right_is_named_with_its_place() {
        let rights = [right("ecs:Describe", "arn:s"), right("ecs:Update", "arn:s")];
        let needs = needs(&[("ecs:Describe", "arn:s")]);
        assert_eq!(
            compare("rollout", &needs, &rights),
            ["rollout has the right ecs:Update on arn:s (policy work, Do), which nothing needed"]
        );
    }

    #[test]
    fn a_right_on_something_else_is_missing_here_and_idle_there() {
        let rights = [right("ecs:Update", "arn:other")];
        let needs = needs(&[("ecs:Update", "arn:s")]);
        assert_eq!(
            compare("rollout", &needs, &rights),
            [
                "rollout needs ecs:Update on arn:s and may only on arn:other",
                "rollout has the right ecs:Update on arn:other (policy work, Do), which nothing needed",
            ]
        );
    }

    #[test]
    fn where_aws_knows_no_resource_only_all_of_them_will_do() {
        let needs = needs(&[("ecs:Describe", "*")]);
        let wrong = compare("rollout", &needs, &[right("ecs:Describe", "arn:s")]);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert_eq!(
            wrong[0],
            "rollout needs ecs:Describe on * and may only on arn:s"
        );
    }

    #[test]
    fn a_right_to_more_than_one_call_is_too_many() {
        let needs = needs(&[("ecs:Describe", "*")]);
        assert_eq!(
            compare("rollout", &needs, &[right("ecs:*", "*")]),
            ["rollout has the right ecs:* (policy work, Do), which names no single call"]
        );
    }
}
