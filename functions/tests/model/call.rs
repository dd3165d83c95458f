//! An invocation as a program counter: the outgoing call that comes next, with what was read so far.

use super::state::{Dep, Head, Id, Image, Key, Letter, Revision, Verdict, View};

/// An invocation under way: what it was told, and the outgoing call that it is about to make.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Run {
    pub(crate) letter: Letter,
    pub(crate) at: At,
}

/// The call that comes next, with what the invocation has read so far.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum At {
    /// The claim item was read; the head and the rollouts are to be.
    Standing { key: Key, claimed: Option<Id> },
    /// RegisterTaskDefinition, and the transaction of a claim.
    Claim {
        key: Key,
        image: Image,
        head: Head,
        rolls_back_to: Option<Dep>,
    },
    /// Only without the rule that it is part of the claim: the older rollout gets its verdict.
    Supersede { old: Id, id: Id },
    /// The transaction of a release that cannot run.
    Refuse { key: Key, image: Image, head: Head },
    /// DescribeServices, for a rollout that was left half-done.
    Describe { id: Id },
    /// UpdateService.
    Update { id: Id },
    /// The note of the deployment.
    Deploying {
        id: Id,
        deployment: Dep,
        rolls_back_to: Option<Dep>,
    },
    /// UpdateService to the newer rollout's revision.
    PutBack { newer: Back, revision: Revision },
    /// The note of that.
    NotePutBack { newer: Back, deployment: Dep },
    /// `rollout`'s sweep has read the head.
    SweepOpen { newest: Option<Image> },
    /// `rollout`'s sweep lists the images.
    List { newest: Option<Image> },
    /// `hold` and `release` have read the head.
    Hold { head: Head, held: bool },
    /// After `release`.
    Released,
    /// After a failure was noted: DescribeServices, for ECS may have gone back before.
    Look,
    /// `verdict` has asked ECS; the open rollout is to be read.
    Judge { told: Told },
    /// What has become of the rollout is to be written, or for a verdict the head read.
    Apply {
        id: Id,
        becomes: Becomes,
        told: Option<Told>,
    },
    /// The transaction of a verdict.
    Give {
        id: Id,
        verdict: Verdict,
        head: Head,
        told: Option<Told>,
    },
    /// What runs is to be written into the head.
    Follow { head: Head, live: Id },
}

/// What ECS said: what it lists, and the rollout that was open if its history says that it was given up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Told {
    pub(crate) view: View,
    pub(crate) gave_up: Option<Id>,
}

/// What is put back: the open rollout, or what was live under this head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Back {
    Open { id: Id, rolls_back_to: Option<Dep> },
    Live { head: Head },
}

/// `ledger::transition::Next`, without words and without `Stay`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Becomes {
    Failing,
    Ended(Verdict),
}

impl At {
    /// Whether the call asks ECS about the service.
    pub(crate) fn looks(&self) -> bool {
        matches!(self, At::Describe { .. } | At::SweepOpen { .. } | At::Look)
    }
}
