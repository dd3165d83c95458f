//! What GitHub is told always fits GitHub, whatever ECS and people have said.

use functions::telling::{News, Step, telling, to_deployment};
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
        if old.as_ref().is_none_or(|old| old.verdict.is_none() && new.verdict.is_some()) {
            prop_assert!(told.is_some());
        }
        if old.is_some_and(|old| old.verdict.is_some()) {
            prop_assert_eq!(&told, &None);
        }
        let Some(told) = told else { return Ok(()) };
        let said = [Some(told.deployment), told.commit];
        for description in said.iter().flatten().map(|said| said.description.as_str()) {
            prop_assert!(description.chars().count() <= 140);
            prop_assert!(description.chars().all(|letter| letter.len_utf8() < 4), "{description}");
        }
        let Some(description) = said[1].as_ref().map(|said| said.description.as_str()) else {
            return Ok(());
        };

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
        let deployment = ["queued", "in_progress", "success", "failure", "error", "inactive"];
        prop_assert!(deployment.contains(&told.deployment.state));
        let commit = told.commit.as_ref().map(|said| said.state);
        prop_assert!(commit.is_none_or(|it| ["pending", "success", "failure", "error"].contains(&it)));
        // Green is what runs, and nothing else.
        let live = new.verdict == Some(Verdict::Succeeded);
        let green = [told.deployment.state == "success", commit == Some("success")];
        prop_assert_eq!(green, [live; 2]);
        // What GitHub shows of it is read back as what it was.
        let said = (told.deployment.state, told.deployment.description.as_str());
        prop_assert_eq!(to_deployment(told.step, [said].into_iter()), News::Shown);
        prop_assert_eq!(to_deployment(Step::Ended, [said].into_iter()) == News::Shown, new.verdict.is_some());
    }
}
