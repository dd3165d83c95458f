//! Builds the functions and the service, and packs the functions as Lambda wants them.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use tokio::process::Command;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::cargo;
use crate::paths::Paths;
use crate::progress::Step;
use crate::run;

/// The functions, by the names of their binaries.
const FUNCTIONS: [&str; 3] = ["rollout", "verdict", "report"];

/// Builds all, each with its profile. Cargo itself knows whether anything has changed.
pub async fn build(paths: &Paths, step: &Step) -> Result<()> {
    program(paths, "release", "functions", step).await?;
    program(paths, "service", "service", step).await
}

async fn program(paths: &Paths, profile: &str, package: &str, step: &Step) -> Result<()> {
    let mut command = Command::from(cargo::build(paths, profile, &[package]));
    command
        .env("CARGO_TERM_COLOR", "never")
        .env("CARGO_TERM_PROGRESS_WHEN", "never");
    let log = paths.log("build");
    if !run::logged(command, &log, |line| step.note(line.trim()))
        .await?
        .success()
    {
        bail!("the build failed; its output is in {}", log.display());
    }
    Ok(())
}

/// Packs each function as `<packages>/<name>/bootstrap.zip`. The same binary gives the same bytes: cargo-lambda
/// writes the binary's time into the file, and Terraform would take every build for a change.
pub fn functions(paths: &Paths) -> Result<()> {
    for name in FUNCTIONS {
        let binary = paths.function(name);
        let bytes = fs::read(&binary).with_context(|| format!("read {}", binary.display()))?;
        let folder = paths.packages().join(name);
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        pack(&bytes, &folder.join("bootstrap.zip"))
            .with_context(|| format!("pack the function {name}"))?;
    }
    Ok(())
}

fn pack(bootstrap: &[u8], file: &Path) -> Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o755);
    let mut zip = ZipWriter::new(fs::File::create(file)?);
    zip.start_file("bootstrap", options)?;
    zip.write_all(bootstrap)?;
    zip.finish()?;
    Ok(())
}
