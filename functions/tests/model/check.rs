//! Runs the model checker, and says what it has found in words.

use std::fmt::{self, Write};
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model};

use super::config::{Config, Known, System};
use super::happens::Happens;
use super::rules::Rule;
use super::state::State;

/// What the model checker has found.
pub(crate) struct Found {
    pub(crate) name: &'static str,
    pub(crate) states: usize,
    pub(crate) unique: usize,
    pub(crate) depth: usize,
    pub(crate) took: Duration,
    /// The promises that do not hold, each with the shortest way to where it does not.
    pub(crate) broken: Vec<(&'static str, String)>,
}

/// Visits every state of `config` without the rules in `broken`, or those up to the first broken promise.
/// One thread finds the same and the shortest ways each time.
pub(crate) fn check(config: &Config, broken: &[Rule], threads: usize) -> Found {
    let began = Instant::now();
    let system = System {
        config: *config,
        broken: broken.to_vec(),
        known: Known::default(),
    };
    let checker = system
        .checker()
        .threads(threads)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let mut found: Vec<_> = checker
        .discoveries()
        .into_iter()
        .map(|(promise, path)| (promise, tell(path.into_vec())))
        .collect();
    found.sort_by_key(|(_, trace)| trace.lines().count());
    Found {
        name: config.name,
        states: checker.state_count(),
        unique: checker.unique_state_count(),
        depth: checker.max_depth(),
        took: began.elapsed(),
        broken: found,
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<42} {:>8} states of {:>8} generated, depth {:>3}, {:>5.1} s",
            self.name,
            self.unique,
            self.states,
            self.depth,
            self.took.as_secs_f32()
        )?;
        for (promise, trace) in &self.broken {
            write!(f, "\n  broken: {promise}\n{trace}")?;
        }
        Ok(())
    }
}

/// One line for each thing that happens.
fn tell(path: Vec<(State, Option<Happens>)>) -> String {
    let mut lines = String::new();
    for (state, happens) in &path {
        let line = match happens {
            Some(Happens::Call { run, stale }) => {
                let run = &state.runs[*run];
                let stale = if *stale { ", told what was before" } else { "" };
                format!("{:?} calls {:?}{stale}", run.letter.heard, run.at)
            }
            Some(Happens::Dies { run }) => {
                let run = &state.runs[*run];
                format!("{:?} dies before {:?}", run.letter.heard, run.at)
            }
            Some(other) => format!("{other:?}"),
            None => format!("{:?} {:?}\n    {:?}", state.head, state.ecs, state.rollouts),
        };
        let _ = writeln!(lines, "    {line}");
    }
    lines
}
