//! The functions under every order of events, by a model checker.
//!
//! What decides is the real code: [`functions::decide`] and [`functions::policy`], [`ledger::transition::next`],
//! [`functions::place`], [`ledger::Rollout::claimed`], [`functions::ecs::Service`]. What is around it is modelled, call by call: the
//! ledger's conditional writes (`ledger`), the two functions as program counters (`rollout`, `way`, `verdict`), and
//! ECS as it is documented (`ecs`). `happens` says what can happen next: any running invocation makes its next call or
//! dies, an event comes, comes twice or never, ECS completes or gives up, time passes, a sweep comes. Every state that
//! can come of that is visited, and the promises (`promises`) are looked at in each: some in every state, some in
//! those at rest.
//!
//! At rest means: nothing can happen any more, however many sweeps still come. So these are the promises that begin
//! with "in the end".
//!
//! # Not modelled
//! - `report` and GitHub; reasons and the events that only bring them (stopped tasks, IN_PROGRESS)
//! - tasks, capacity, and what others do to the service: nobody else touches it, so no rollout may be `stopped`
//! - tags that move, images that are deleted, promotions, the scan gate; several targets
//! - a call that takes effect after the function that made it is dead for a minute
//! - a duplicate of a hold that comes after its release (see `requests`): people ask for one thing after the other here
//! - throttling: an answer that is an error is a death, and an answer that is lost is a death one call later

mod model {
    pub(crate) mod call;
    pub(crate) mod check;
    pub(crate) mod config;
    pub(crate) mod configs;
    pub(crate) mod ecs;
    pub(crate) mod happens;
    pub(crate) mod ledger;
    pub(crate) mod machine;
    pub(crate) mod memo;
    pub(crate) mod promises;
    pub(crate) mod real;
    pub(crate) mod rollout;
    pub(crate) mod rules;
    pub(crate) mod state;
    pub(crate) mod values;
    pub(crate) mod verdict;
    pub(crate) mod way;
}

use model::check::check;
use model::config::Config;
use model::configs::*;
use model::promises::*;
use model::rules::Rule::{self, *};

#[test]
fn the_promises_hold_under_every_order_of_events() {
    hold(SMALL);
}

#[test]
#[ignore = "millions of states take minutes"]
fn the_promises_hold_in_large_configurations() {
    hold(LARGE);
}

fn hold(configs: &[Config]) {
    let mut broken = 0;
    for config in configs {
        let found = check(config, &[], 2);
        println!("{found}");
        broken += found.broken.len();
    }
    assert_eq!(broken, 0, "promises are broken: the ways there stand above");
}

/// Each rule is broken, one at a time: some promise must notice.
#[test]
fn no_rule_can_be_left_out() {
    let rows: &[(Rule, Config, &str)] = &[
        (HeadVersion, NO_BREAKER, FORWARDS),
        (ClaimOnce, FIRST_IS_BAD, ONE_ROLLOUT),
        (Claims, FIRST_IS_BAD, ONE_ROLLOUT),
        (SupersedeInClaim, NO_BREAKER, ONE_OPEN),
        (VerdictOnce, FIRST_IS_BAD, ONE_VERDICT),
        (NoteOpenOnly, NO_BREAKER, ONE_VERDICT),
        (NewestByPush, ROLLBACK, FORWARDS),
        (IsNewer, UNFIT_AFTER_GOOD, FORWARDS),
        (StaysOut, SLOW, ONE_ROLLOUT),
        (Held, HOLD, HELD),
        (OwnCompletion, FIRST_IS_BAD, TRUE_VERDICT),
        (FailsFirst, TWO_PUSHES, TRUE_VERDICT),
        (Settling, ECS_IS_SILENT, TRUE_VERDICT),
        (Inherits, DIES_TWICE, TRUE_VERDICT),
        (GivesWay, ECS_IS_SILENT, TRUE_VERDICT),
        (GivesWayAgain, THREE_PUSHES, LIVE_RUNS),
        (SweepsOpen, DIES, NEWEST_RUNS),
        (SweepsImages, DIES, NEWEST_HEARD),
        (SweepsVerdicts, FIRST_IS_BAD, ALL_END),
        (GivesWayToLive, TWO_PUSHES, NEWEST_RUNS),
        (PutsBack, DIES, TRUE_VERDICT),
        (AsksHistory, SILENT_AND_BAD, NO_CIRCLES),
        (AnyBack, BAD_AFTER_GOOD, ALL_END),
        (LiveFollows, SLOW, LIVE_RUNS),
        (BackIsLive, DIES_TWICE, TRUE_VERDICT),
        (StuckIsFailed, DIES_TWICE, ALL_END),
    ];
    let mut wrong = 0;
    for (rule, config, promise) in rows {
        let found = check(config, &[*rule], 1);
        let broken: Vec<_> = found.broken.iter().map(|(promise, _)| *promise).collect();
        println!("without {rule:?}, in \"{}\": {broken:?}", config.name);
        wrong += usize::from(!broken.contains(promise));
    }
    assert_eq!(
        wrong, 0,
        "rules that can be left out, or that another promise guards"
    );
}
