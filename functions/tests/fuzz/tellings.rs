//! What GitHub is told always fits GitHub, whatever ECS and people have said.

use functions::telling::telling;
use ledger::Verdict;
use proptest::option;
use proptest::prelude::*;

use super::given::{config, rollout};

const REGRESSIONS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fuzz/regressions/tellings.txt"
);

proptest! {
    #![proptest_config(config(REGRESSIONS))]

    #[test]
    fn a_description_fits_github(old in option::of(rollout()), new in rollout()) {
        let told = telling(old.as_ref(), &new);
        let same = old.is_some_and(|old| old.verdict == new.verdict);
        prop_assert_eq!(told.is_none(), same);
        let Some(told) = told else { return Ok(()) };
        let description = told.description.as_str();
        prop_assert!(description.chars().count() <= 140);
        prop_assert!(description.chars().all(|letter| letter.len_utf8() < 4), "{description}");

        let words = match (new.verdict, &new.reason) {
            (None, _) => format!("Rolling out to {}", new.target),
            (Some(Verdict::Succeeded), _) => "Live".to_owned(),
            (Some(Verdict::Superseded), Some(reason)) => format!("Superseded {reason}"),
            (Some(Verdict::RolledBack), Some(reason)) => format!("Rolled back: {reason}"),
            (Some(Verdict::Failed), Some(reason)) => format!("Failed: {reason}"),
            (Some(Verdict::Stopped), Some(reason)) => format!("Stopped: {reason}"),
            (Some(Verdict::TimedOut), Some(reason)) => format!("Timed out: {reason}"),
            (Some(_), None) => return Ok(()),
        };
        // What is left out are the 4-byte characters, and the end if it is too long.
        let allowed: String = words.chars().filter(|letter| letter.len_utf8() < 4).collect();
        if new.verdict == Some(Verdict::Succeeded) {
            let took = description.strip_prefix("Live").expect("Live");
            let number = took.strip_prefix(" in ").and_then(|it| it.strip_suffix(" s"));
            let shown = number.map(|it| it.bytes().all(|it| it.is_ascii_digit() || it == b'.'));
            prop_assert_eq!(shown, new.ended_at.map(|_| true), "{}", description);
        } else if allowed.chars().count() <= 140 {
            prop_assert_eq!(description, allowed);
        } else {
            prop_assert_eq!(description.chars().count(), 140);
            let kept = description.strip_suffix('…').expect("an ellipsis");
            prop_assert!(allowed.starts_with(kept));
        }
    }

    #[test]
    fn the_states_are_githubs(new in rollout()) {
        let told = telling(None, &new).expect("something to tell");
        let deployment = ["in_progress", "success", "failure", "error", "inactive"];
        prop_assert!(deployment.contains(&told.deployment));
        prop_assert!(["pending", "success", "failure", "error"].contains(&told.commit));
        // Green is what runs, and nothing else.
        let live = new.verdict == Some(Verdict::Succeeded);
        prop_assert_eq!([told.deployment == "success", told.commit == "success"], [live; 2]);
        // Only the beginning can come too late.
        let late = told.comes_after(["in_progress", "success"].into_iter());
        prop_assert_eq!(late, new.verdict.is_none());
        prop_assert!(!told.comes_after(["in_progress"].into_iter()));
    }
}
