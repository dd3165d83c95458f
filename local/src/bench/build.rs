//! What is measured and what measures, built with Cargo's own eye for what has changed.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::peers::run;
use crate::cargo;
use crate::paths::Paths;
use crate::progress::Progress;

/// Builds everything; the path of the board, which is linked as in its image: see service/Dockerfile.
pub(super) fn all(paths: &Paths, progress: &Progress) -> Result<PathBuf> {
    measuring(paths, progress)?;
    let step = progress.step("Building the board as its image has it");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "host-tuple"]).output();
    let output = output.context("start rustc")?.stdout;
    let target = String::from_utf8_lossy(&output).trim().to_owned();
    run(cargo::build(paths, &["service"])
        .arg("--quiet")
        .args(["--target", &target])
        .env("RUSTFLAGS", "-C target-feature=+crt-static"))?;
    step.done();
    Ok(paths.target.join(target).join("release").join("service"))
}

/// Builds all but that.
pub(super) fn measuring(paths: &Paths, progress: &Progress) -> Result<()> {
    let step = progress.step("Building what is measured and what measures");
    run(cargo::build(paths, &["functions", "local", "peers"]).arg("--quiet"))?;
    step.done();
    Ok(())
}
