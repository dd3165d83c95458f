//! The runs that are visited: many small ones, for the number of states grows with the product of what can happen.

use super::config::{Ask, Config, PLAIN, Pushed, bad, good, unfit};
use super::state::Faults;

const NONE: Faults = PLAIN.faults;

const BAD: &[Pushed] = &[bad("1", 1)];
const TWO: &[Pushed] = &[good("1", 1), good("2", 2)];
const GOOD_BAD: &[Pushed] = &[good("1", 1), bad("2", 2)];
const BAD_GOOD: &[Pushed] = &[bad("1", 1), good("2", 2)];
const THREE: &[Pushed] = &[good("1", 1), good("2", 2), good("3", 3)];
const GOOD_GOOD_BAD: &[Pushed] = &[good("1", 1), good("2", 2), bad("3", 3)];
const GOOD_BAD_GOOD: &[Pushed] = &[good("1", 1), bad("2", 2), good("3", 3)];
const GOOD_GOOD_UNFIT: &[Pushed] = &[good("1", 1), good("2", 2), unfit("3", 3)];

pub(crate) const TWO_PUSHES: Config = Config {
    name: "two pushes, sweeps at any time",
    images: TWO,
    busy_sweeps: true,
    ..PLAIN
};
pub(crate) const TWICE: Config = Config {
    name: "an event comes twice",
    images: TWO,
    faults: Faults {
        duplicates: 1,
        ..NONE
    },
    ..PLAIN
};
pub(crate) const THREE_PUSHES: Config = Config {
    name: "three pushes",
    images: THREE,
    drains: false,
    ..PLAIN
};
pub(crate) const DIES: Config = Config {
    name: "one dies, an event is lost",
    images: TWO,
    faults: Faults {
        crashes: 1,
        drops: 1,
        ..NONE
    },
    ..PLAIN
};
pub(crate) const DIES_TWICE: Config = Config {
    name: "a bad release, two die",
    images: GOOD_BAD,
    live: 1,
    busy_sweeps: true,
    faults: Faults {
        crashes: 2,
        drops: 1,
        ..NONE
    },
    ..PLAIN
};
pub(crate) const FIRST_IS_BAD: Config = Config {
    name: "the first release is bad",
    images: BAD,
    busy_sweeps: true,
    faults: Faults {
        crashes: 1,
        duplicates: 1,
        drops: 1,
        racing_sweeps: 0,
    },
    ..PLAIN
};
pub(crate) const GOOD_AFTER_BAD: Config = Config {
    name: "good after bad, one dies",
    images: GOOD_BAD_GOOD,
    live: 1,
    faults: Faults { crashes: 1, ..NONE },
    ..PLAIN
};
pub(crate) const BAD_AFTER_GOOD: Config = Config {
    name: "bad after good",
    images: GOOD_GOOD_BAD,
    live: 1,
    drains: false,
    ..PLAIN
};
pub(crate) const UNFIT_AFTER_GOOD: Config = Config {
    name: "unfit after good, one dies",
    images: GOOD_GOOD_UNFIT,
    live: 1,
    faults: Faults { crashes: 1, ..NONE },
    ..PLAIN
};
pub(crate) const MANY_HEAR: Config = Config {
    name: "verdict runs twice at once",
    images: GOOD_BAD,
    live: 1,
    at_once: (2, 2),
    faults: Faults {
        crashes: 1,
        duplicates: 1,
        ..NONE
    },
    ..PLAIN
};
pub(crate) const ECS_IS_SILENT: Config = Config {
    name: "no event of ECS comes",
    images: BAD_GOOD,
    deaf: true,
    busy_sweeps: true,
    faults: Faults {
        racing_sweeps: 1,
        ..NONE
    },
    ..PLAIN
};
pub(crate) const SILENT_AND_BAD: Config = Config {
    name: "no event of ECS, bad after good",
    images: GOOD_GOOD_BAD,
    live: 1,
    deaf: true,
    ..PLAIN
};
pub(crate) const ECR_IS_SILENT: Config = Config {
    name: "no event of a push comes",
    images: GOOD_GOOD_BAD,
    live: 1,
    unheard: true,
    busy_sweeps: true,
    faults: Faults {
        crashes: 1,
        racing_sweeps: 1,
        ..NONE
    },
    ..PLAIN
};
pub(crate) const SAME_SECOND: Config = Config {
    name: "two pushes within one second",
    images: &[good("1", 1), good("2", 1)],
    faults: Faults {
        duplicates: 1,
        ..NONE
    },
    ..PLAIN
};
pub(crate) const VERSIONS: Config = Config {
    name: "a lower version is pushed later",
    images: &[good("2.0.0", 1), good("1.0.0", 2)],
    semver: true,
    faults: Faults {
        duplicates: 1,
        ..NONE
    },
    ..PLAIN
};
pub(crate) const SLOW: Config = Config {
    name: "ECS takes longer than the deadline",
    images: GOOD_BAD_GOOD,
    live: 1,
    slow: true,
    ..PLAIN
};
pub(crate) const NO_BREAKER: Config = Config {
    name: "a service without breaker",
    images: GOOD_BAD_GOOD,
    live: 1,
    breaker: false,
    ..PLAIN
};
pub(crate) const STALE: Config = Config {
    name: "ECS answers what was before",
    images: GOOD_BAD,
    live: 1,
    stale: true,
    busy_sweeps: true,
    faults: Faults {
        racing_sweeps: 1,
        ..NONE
    },
    ..PLAIN
};
pub(crate) const ROLLBACK: Config = Config {
    name: "a rollback beside a push, one dies",
    images: THREE,
    live: 2,
    asks: &[Ask::Rollback],
    faults: Faults { crashes: 1, ..NONE },
    ..PLAIN
};
pub(crate) const REDEPLOY: Config = Config {
    name: "a redeployment beside a bad push",
    images: GOOD_BAD,
    live: 1,
    asks: &[Ask::Redeploy],
    drains: false,
    ..PLAIN
};
pub(crate) const HOLD: Config = Config {
    name: "held and released beside two pushes",
    images: THREE,
    live: 1,
    asks: &[Ask::Hold, Ask::Release],
    ..PLAIN
};

/// Every one of them in about a minute.
pub(crate) const SMALL: &[Config] = &[
    TWO_PUSHES,
    TWICE,
    THREE_PUSHES,
    DIES,
    DIES_TWICE,
    FIRST_IS_BAD,
    GOOD_AFTER_BAD,
    BAD_AFTER_GOOD,
    UNFIT_AFTER_GOOD,
    MANY_HEAR,
    ECS_IS_SILENT,
    SILENT_AND_BAD,
    ECR_IS_SILENT,
    SAME_SECOND,
    VERSIONS,
    SLOW,
    NO_BREAKER,
    STALE,
    ROLLBACK,
    REDEPLOY,
    HOLD,
];

/// Millions of states each, for when there is time.
pub(crate) const LARGE: &[Config] = &[
    Config {
        name: "three pushes, sweeps at any time",
        drains: true,
        busy_sweeps: true,
        ..THREE_PUSHES
    },
    Config {
        name: "bad after good, sweeps at any time",
        drains: true,
        busy_sweeps: true,
        ..BAD_AFTER_GOOD
    },
    Config {
        name: "bad after good, one dies",
        drains: true,
        faults: Faults {
            crashes: 1,
            drops: 1,
            ..NONE
        },
        ..BAD_AFTER_GOOD
    },
    Config {
        name: "verdict runs twice at once, sweeps at any time",
        busy_sweeps: true,
        ..MANY_HEAR
    },
    Config {
        name: "a redeployment, sweeps at any time",
        drains: true,
        busy_sweeps: true,
        ..REDEPLOY
    },
    Config {
        name: "ECS answers what was before, two pushes",
        images: GOOD_BAD_GOOD,
        busy_sweeps: false,
        ..STALE
    },
];
