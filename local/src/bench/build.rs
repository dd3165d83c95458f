//! What is measured and what measures, built with Cargo's own eye for what has changed.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::peers::run;
use crate::cargo;
use crate::paths::Paths;
use crate::progress::Progress;

/// Builds what measures, and those of the peers that are in Rust.
pub(super) fn peers(paths: &Paths, progress: &Progress) -> Result<()> {
    let step = progress.step("Building what measures");
    run(cargo::build(paths, "release", &["peers"]).args(["--bin", "hello", "--quiet"]))?;
    run(cargo::build(paths, "service", &["local", "peers"]).arg("--quiet"))?;
    step.done();
    Ok(())
}

/// Builds the functions, and the board as its image has it: see service/Dockerfile. The path of the board.
pub(super) fn ours(paths: &Paths, progress: &Progress) -> Result<PathBuf> {
    let step = progress.step("Building what is measured");
    run(cargo::build(paths, "release", &["functions"]).arg("--quiet"))?;
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "host-tuple"]).output();
    let output = output.context("start rustc")?.stdout;
    let target = String::from_utf8_lossy(&output).trim().to_owned();
    run(cargo::build(paths, "service", &["service"])
        .arg("--quiet")
        .args(["--target", &target])
        .env("RUSTFLAGS", "-C target-feature=+crt-static"))?;
    step.done();
    Ok(paths.target.join(target).join("service").join("service"))
}
