//! One moment of the whole system, as small as it can be: numbers for names, a few flags for the clock.
//!
//! Times are not counted. Each clock that a rule looks at is a flag (`abandoned`, `settled`, `late`) which the passing
//! of time sets, so that a trace may be as long as it likes and the number of states stays finite.

use super::call::Run;

/// A rollout: its place in the order of claims.
pub(crate) type Id = u8;
/// A deployment of ECS, in the order of their creation. 0 is what the service began with.
pub(crate) type Dep = u8;
/// A release: its place in the configuration's list.
pub(crate) type Image = u8;

/// A registered task definition: the rollout that was claimed with it.
pub(crate) type Revision = Id;

/// What a claim item is named for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    Push(Image),
    Ask(u8),
}

/// `ledger::Stage`, which cannot be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Stage {
    Claimed,
    Deploying,
    Failing,
    Ended,
}

/// `ledger::Verdict`, which cannot be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Succeeded,
    RolledBack,
    Failed,
    Superseded,
    Stopped,
    TimedOut,
}

/// `ledger::Rollout`, as far as anything is decided by it, and below that what only the promises look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rollout {
    pub(crate) key: Key,
    pub(crate) image: Image,
    pub(crate) stage: Stage,
    pub(crate) revision: Option<Revision>,
    pub(crate) deployment: Option<Dep>,
    pub(crate) rolls_back_to: Option<Dep>,
    pub(crate) verdict: Option<Verdict>,
    /// `claimed_at` is longer ago than a function may run.
    pub(crate) abandoned: bool,
    /// `deployed_at`, or `failing_at`, is longer ago than ECS may take to show what it does.
    pub(crate) settled: bool,
    /// `deadline` has passed.
    pub(crate) late: bool,

    /// How often a verdict was written.
    pub(crate) verdicts: u8,
    /// ECS has completed a deployment of it.
    pub(crate) completed: bool,
    /// ECS has given a deployment of it up and gone back to a release.
    pub(crate) went_back: bool,
    /// ECS has given a deployment of it up and had no release to go back to.
    pub(crate) got_stuck: bool,
}

/// `ledger::table::Head`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Head {
    pub(crate) version: u8,
    pub(crate) newest: Option<Image>,
    pub(crate) live: Option<Id>,
    pub(crate) in_flight: Option<Id>,
    pub(crate) held: bool,
}

/// `rolloutState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Progress {
    UnderWay,
    Completed,
    Failed,
}

/// One of a service's deployments; without a revision it runs Terraform's template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Deployment {
    pub(crate) id: Dep,
    pub(crate) revision: Option<Revision>,
    pub(crate) progress: Progress,
}

/// What DescribeServices lists, the PRIMARY deployment first.
pub(crate) type View = Vec<Deployment>;

/// The service in ECS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ecs {
    pub(crate) listed: View,
    /// The PRIMARY deployment is one that ECS goes back to.
    pub(crate) rolling_back: bool,
    /// The last deployment that completed and can be gone back to, listed or not.
    pub(crate) last: Option<Deployment>,
    /// Of which rollouts a deployment has failed: bit by bit, the history that ECS keeps of them.
    pub(crate) failed: u16,
    /// The id of the next deployment.
    pub(crate) next: Dep,
    /// What DescribeServices may still answer since the last change, if the configuration lets it.
    pub(crate) stale: Option<View>,
}

/// What a function is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Heard {
    Push(Image),
    Ask(u8),
    RolloutSweep,
    Completed(Dep),
    Failed(Dep),
    VerdictSweep,
}

impl Heard {
    pub(crate) fn is_for_verdict(self) -> bool {
        matches!(
            self,
            Heard::Completed(_) | Heard::Failed(_) | Heard::VerdictSweep
        )
    }

    pub(crate) fn is_sweep(self) -> bool {
        matches!(self, Heard::RolloutSweep | Heard::VerdictSweep)
    }
}

/// An event that is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Letter {
    pub(crate) heard: Heard,
    /// How often a function has failed over it.
    pub(crate) failures: u8,
    /// Lambda waits a minute before it tries again.
    pub(crate) waits: bool,
}

impl Letter {
    pub(crate) fn of(heard: Heard) -> Letter {
        Letter {
            heard,
            failures: 0,
            waits: false,
        }
    }
}

/// How much may still go wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Faults {
    pub(crate) crashes: u8,
    pub(crate) duplicates: u8,
    pub(crate) drops: u8,
    /// Sweeps that run call by call among the other invocations; others run at once.
    pub(crate) racing_sweeps: u8,
}

/// One moment of the whole system.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// How many images were pushed, and of how many the event has had its minute.
    pub(crate) pushed: u8,
    pub(crate) aged: u8,
    /// How many requests were made.
    pub(crate) asked: u8,
    pub(crate) head: Head,
    pub(crate) rollouts: Vec<Rollout>,
    pub(crate) ecs: Ecs,
    pub(crate) letters: Vec<Letter>,
    pub(crate) runs: Vec<Run>,
    pub(crate) faults: Faults,
    /// A claim has moved the newest release backwards, or one while the target was held.
    pub(crate) went_backwards: bool,
    pub(crate) moved_while_held: bool,
}

impl State {
    pub(crate) fn rollout(&self, id: Id) -> &Rollout {
        &self.rollouts[usize::from(id)]
    }

    pub(crate) fn rollout_mut(&mut self, id: Id) -> &mut Rollout {
        &mut self.rollouts[usize::from(id)]
    }

    /// The rollout of the newest claim item of this name.
    pub(crate) fn claimed(&self, key: Key) -> Option<Id> {
        let found = self.rollouts.iter().rposition(|it| it.key == key);
        found.map(|index| index as Id)
    }

    pub(crate) fn open(&self) -> Option<Id> {
        self.head.in_flight
    }

    pub(crate) fn send(&mut self, heard: Heard) {
        self.post(Letter::of(heard));
    }

    pub(crate) fn post(&mut self, letter: Letter) {
        self.letters.push(letter);
        self.letters.sort_unstable();
    }

    pub(crate) fn put(&mut self, run: Run) {
        self.runs.push(run);
        self.runs.sort_unstable();
    }
}
