//! The first page's arrangement of what was seen.

use std::collections::BTreeMap;

use ledger::Rollout;

use super::{State, States};

/// Everything on the first page.
#[derive(Debug)]
pub(crate) struct Overview<'a> {
    /// The environments by name, each with its targets by name.
    pub(crate) environments: BTreeMap<&'a str, Vec<&'a State>>,
    /// The newest rollouts of all targets, newest first.
    pub(crate) recent: Vec<&'a Rollout>,
    /// What is wrong with the targets that cannot be read.
    pub(crate) malformed: &'a [String],
}

impl<'a> Overview<'a> {
    /// The first page of `states` with at most `rows` rollouts.
    pub(crate) fn of(states: &'a States, rows: usize) -> Self {
        let mut environments: BTreeMap<&str, Vec<&State>> = BTreeMap::new();
        for state in &states.targets {
            let environment = environments.entry(&state.target.environment);
            environment.or_default().push(state);
        }
        let mut recent: Vec<&Rollout> = states
            .targets
            .iter()
            .flat_map(|state| &state.history)
            .collect();
        recent.sort_by(|a, b| {
            (b.claimed_at, &b.id, &b.target).cmp(&(a.claimed_at, &a.id, &a.target))
        });
        recent.truncate(rows);
        Overview {
            environments,
            recent,
            malformed: &states.malformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use ledger::Verdict;

    use super::*;
    use crate::board::fixtures::{after, at, ended, open, states, target};

    #[test]
    fn the_newest_rollouts_of_all_targets_come_first() {
        let (web, shop) = (target("web", "production"), target("shop", "staging"));
        let states = states(vec![
            after(
                &web,
                vec![open(&web, 400), ended(&web, 100, Verdict::Succeeded)],
            ),
            after(
                &shop,
                vec![
                    ended(&shop, 300, Verdict::Failed),
                    ended(&shop, 200, Verdict::Failed),
                ],
            ),
        ]);
        let overview = Overview::of(&states, 3);
        let recent: Vec<_> = overview
            .recent
            .iter()
            .map(|rollout| rollout.claimed_at)
            .collect();
        assert_eq!(recent, [at(400), at(300), at(200)]);
        let environments: Vec<_> = overview.environments.keys().copied().collect();
        assert_eq!(environments, ["production", "staging"]);
    }
}
