//! Whole rollouts: images in a registry in this process, tasks as processes, events in order.

mod alarms;
mod capacity;
mod failing;
mod registry;
mod requests;
mod rolling;
mod serving;
mod stage;

/// A program that runs until it is stopped.
const LIVES: &str = "#!/bin/sh\nwhile :; do sleep 0.05; done\n";
/// A program that ends at once.
const CRASHES: &str = "#!/bin/sh\nexit 3\n";
