//! The promises, as the model checker looks at them: some in every state, some in each from which nothing can happen
//! any more, however many sweeps still come.

use stateright::Property;

use super::config::{Kind, System};
use super::state::{Id, Progress, Stage, State, Verdict};

pub(crate) const ONE_VERDICT: &str = "a verdict is given once and never changes";
pub(crate) const ONE_OPEN: &str = "one rollout is open at most, and the head points to it";
pub(crate) const FORWARDS: &str = "a push never moves the newest release backwards";
pub(crate) const ONE_ROLLOUT: &str = "one push is one rollout";
pub(crate) const TRUE_VERDICT: &str = "a verdict says what happened in ECS";
pub(crate) const TRUE_LIVE: &str = "live is what ECS has completed";
pub(crate) const HELD: &str = "while a target is held a push moves nothing";
pub(crate) const NO_CIRCLES: &str = "the service is not updated for ever";
pub(crate) const ALL_END: &str = "at rest every rollout has its verdict";
pub(crate) const LIVE_RUNS: &str = "at rest the ledger says what runs";
pub(crate) const NEWEST_HEARD: &str = "at rest the newest release was claimed";
pub(crate) const NEWEST_RUNS: &str = "at rest the release that was claimed last runs, if it can";

/// More deployments than any run has reason for.
const MANY: u8 = 12;

pub(crate) fn all() -> Vec<Property<System>> {
    vec![
        Property::always(ONE_VERDICT, one_verdict),
        Property::always(ONE_OPEN, one_open),
        Property::always(FORWARDS, |_, state: &State| !state.went_backwards),
        Property::always(ONE_ROLLOUT, one_rollout),
        Property::always(TRUE_VERDICT, true_verdict),
        Property::always(TRUE_LIVE, true_live),
        Property::always(HELD, |_, state: &State| !state.moved_while_held),
        Property::always(NO_CIRCLES, |_, state: &State| state.ecs.next < MANY),
        Property::always(ALL_END, all_end),
        Property::always(LIVE_RUNS, live_runs),
        Property::always(NEWEST_HEARD, newest_heard),
        Property::always(NEWEST_RUNS, newest_runs),
    ]
}

fn one_verdict(_: &System, state: &State) -> bool {
    state.rollouts.iter().all(|it| {
        let ended = it.verdict.is_some();
        it.verdicts == u8::from(ended) && ended == (it.stage == Stage::Ended)
    })
}

fn one_open(_: &System, state: &State) -> bool {
    let open: Vec<Id> = (0..state.rollouts.len() as Id)
        .filter(|id| state.rollout(*id).verdict.is_none())
        .collect();
    match state.head.in_flight {
        Some(id) => open == [id],
        None => open.is_empty(),
    }
}

fn one_rollout(_: &System, state: &State) -> bool {
    let keys = state.rollouts.iter().map(|it| it.key);
    keys.enumerate().all(|(place, key)| {
        let others = &state.rollouts[..place];
        others.iter().all(|it| it.key != key)
    })
}

/// Nobody else touches the service here, so no rollout is stopped.
fn true_verdict(system: &System, state: &State) -> bool {
    state.rollouts.iter().all(|it| match it.verdict {
        Some(Verdict::Succeeded) => it.completed,
        Some(Verdict::RolledBack) => it.went_back || it.got_stuck,
        Some(Verdict::Failed) => it.got_stuck || system.kind(it.image) == Kind::Unfit,
        Some(Verdict::Stopped) => false,
        Some(Verdict::TimedOut) => {
            system.config.slow || !system.config.breaker && system.kind(it.image) == Kind::Bad
        }
        Some(Verdict::Superseded) | None => true,
    })
}

fn true_live(_: &System, state: &State) -> bool {
    let live = state.head.live.map(|id| state.rollout(id));
    live.is_none_or(|it| it.completed)
}

fn all_end(system: &System, state: &State) -> bool {
    state.rollouts.iter().all(|it| it.verdict.is_some()) || !system.is_at_rest(state)
}

/// What is in progress for ever, or failed without a way back, runs beside what ran before: nothing is said of that.
fn live_runs(system: &System, state: &State) -> bool {
    let primary = state.ecs.primary();
    let runs = primary.revision.map(|it| state.rollout(it).image);
    let live = state.head.live.map(|id| state.rollout(id).image);
    primary.progress != Progress::Completed || runs == live || !system.is_at_rest(state)
}

fn newest_heard(system: &System, state: &State) -> bool {
    let rank = |image| system.rank(image);
    let newest = (0..state.pushed).map(rank).max();
    let told = state.head.newest.map(rank);
    told == newest || state.head.held || !system.is_at_rest(state)
}

/// A release that was overtaken or timed out has had its verdict; the newest decides, and a failure of it says what.
fn newest_runs(system: &System, state: &State) -> bool {
    let Some(last) = state.rollouts.last() else {
        return true;
    };
    let primary = state.ecs.primary();
    let runs = primary.revision.map(|it| state.rollout(it).image);
    let has_succeeded = last.verdict == Some(Verdict::Succeeded)
        && runs == Some(last.image)
        && primary.progress == Progress::Completed;
    let cannot = system.kind(last.image) != Kind::Good
        || last.verdict == Some(Verdict::TimedOut) && system.config.slow;
    has_succeeded || cannot || !system.is_at_rest(state)
}
