//! What happens in a run: which images are pushed, what is asked, and how much goes wrong.

use super::call::Becomes;
use super::memo::Memo;
use super::rollout::Outcome;
use super::rules::Rule;
use super::state::{Faults, Head, Heard, Id, Image, Rollout, View};

/// A pushed image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pushed {
    pub(crate) tag: &'static str,
    /// ECR's time of the push. Images are pushed in the order of the list.
    pub(crate) second: i64,
    pub(crate) kind: Kind,
}

/// What becomes of an image when it is rolled out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A deployment of it completes.
    Good,
    /// The circuit breaker trips.
    Bad,
    /// It cannot run under the template, and `rollout` says so before it touches ECS.
    Unfit,
}

/// A good image, pushed in this second.
pub(crate) const fn good(tag: &'static str, second: i64) -> Pushed {
    let kind = Kind::Good;
    Pushed { tag, second, kind }
}

/// An image that never gets healthy.
pub(crate) const fn bad(tag: &'static str, second: i64) -> Pushed {
    let kind = Kind::Bad;
    Pushed { tag, second, kind }
}

/// An image of another architecture.
pub(crate) const fn unfit(tag: &'static str, second: i64) -> Pushed {
    let kind = Kind::Unfit;
    Pushed { tag, second, kind }
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Rollback,
    Redeploy,
    Hold,
    Release,
}

/// What happens in a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    pub(crate) name: &'static str,
    pub(crate) images: &'static [Pushed],
    /// So many of the images have been rolled out before the run begins, one after the other.
    pub(crate) live: u8,
    pub(crate) asks: &'static [Ask],
    pub(crate) faults: Faults,
    /// How many invocations of `rollout` and of `verdict` run at the same time.
    pub(crate) at_once: (usize, usize),
    /// The circuit breaker is on and goes back.
    pub(crate) breaker: bool,
    /// The policy is by version and not by the time of the push.
    pub(crate) semver: bool,
    /// Every event of ECS is lost.
    pub(crate) deaf: bool,
    /// Every event of a push is lost.
    pub(crate) unheard: bool,
    /// Sweeps come at any time, and not only while nothing else runs.
    pub(crate) busy_sweeps: bool,
    /// ECS may stop to list a deployment whose tasks have ended before the PRIMARY one has completed.
    pub(crate) drains: bool,
    /// ECS may take longer than the deadline.
    pub(crate) slow: bool,
    /// DescribeServices may answer what was before the last change, for a minute.
    pub(crate) stale: bool,
}

/// Events come once and in any order; nothing dies.
pub(crate) const PLAIN: Config = Config {
    name: "plain",
    images: &[],
    live: 0,
    asks: &[],
    faults: Faults {
        crashes: 0,
        duplicates: 0,
        drops: 0,
        racing_sweeps: 0,
    },
    at_once: (2, 1),
    breaker: true,
    semver: false,
    deaf: false,
    unheard: false,
    drains: true,
    busy_sweeps: false,
    slow: false,
    stale: false,
};

/// A configuration, and the rules that are broken in it.
#[derive(Debug)]
pub(crate) struct System {
    pub(crate) config: Config,
    pub(crate) broken: Vec<Rule>,
    pub(crate) known: Known,
}

/// What the real code has answered before.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) next: Memo<(Rollout, Heard, Option<View>, bool), Option<Becomes>>,
    pub(crate) repair: Memo<(Head, Vec<Rollout>, View, u16), Outcome>,
    pub(crate) follows: Memo<(Head, Vec<Rollout>, View), Option<Id>>,
    pub(crate) unheard: Memo<(u8, Option<Image>, bool), Option<Image>>,
}

impl System {
    pub(crate) fn keeps(&self, rule: Rule) -> bool {
        !self.broken.contains(&rule)
    }

    pub(crate) fn kind(&self, image: Image) -> Kind {
        self.config.images[usize::from(image)].kind
    }

    /// The place of an image in the policy's order.
    pub(crate) fn rank(&self, image: Image) -> (u64, i64) {
        let pushed = &self.config.images[usize::from(image)];
        let version = pushed
            .tag
            .trim_start_matches(|it: char| !it.is_ascii_digit());
        let major = version.split('.').next().unwrap_or_default();
        match self.config.semver {
            true => (major.parse().expect("a version"), pushed.second),
            false => (0, pushed.second),
        }
    }
}
