//! Cargo, as a shell would start it.

use std::env;
use std::process::Command;

use crate::paths::Paths;

/// Cargo in this checkout. What `cargo run` tells us about our own package is kept from it: build scripts that ask for
/// such variables, as ring's does, would run again, and everything after them would be compiled again.
pub(crate) fn cargo(paths: &Paths, subcommand: &str) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.arg(subcommand).current_dir(&paths.root);
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_") {
            command.env_remove(&*name);
        }
    }
    command
}

/// A build of packages with a profile of `Cargo.toml`. Only what is built together shares features: for what is shipped,
/// name its package alone.
pub(crate) fn build(paths: &Paths, profile: &str, packages: &[&str]) -> Command {
    let mut command = cargo(paths, "build");
    command
        .args(["--profile", profile, "--locked", "--target-dir"])
        .arg(&paths.target)
        .args(packages.iter().flat_map(|package| ["--package", package]));
    command
}
