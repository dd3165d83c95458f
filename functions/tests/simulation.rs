//! Whole functions in a world that goes wrong: calls fail, functions die between two of them, events are lost, come
//! twice or late, and pushes race. What the design promises holds in the end, and on the way.

#![expect(
    clippy::unwrap_used,
    reason = "most of it is called by tests, where clippy does not see it"
)]

mod outside;

mod simulation {
    pub(crate) mod hour;
    pub(crate) mod kill;
    pub(crate) mod promises;
    pub(crate) mod race;
    pub(crate) mod rest;
    pub(crate) mod run;
    pub(crate) mod seeds;
    pub(crate) mod telling;
    pub(crate) mod world;
}
