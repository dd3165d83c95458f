//! What a build from nothing costs.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use super::Bench;
use super::peers::run;
use super::table::Table;
use crate::cargo;
use crate::paths::Paths;

const TITLE: &str = "Clean build";

/// Builds the functions and the board from nothing.
pub(super) fn measure(bench: &Bench) -> Result<Table> {
    let how = "From an empty target folder, with the crates on the disk. CPU is that of Cargo and of all that it starts, on all \
               processors; the three functions share what others wrote.";
    let mut table = Table::new(TITLE, how, &["CPU s", "s"]);
    let paths = Paths {
        target: bench.folder.join("clean"),
        ..bench.paths.clone()
    };
    for (name, profile, package) in [
        ("the three functions", "release", "functions"),
        ("service", "service", "service"),
    ] {
        empty(&paths.target)?;
        let (began, before) = (Instant::now(), spent()?);
        run(cargo::build(&paths, profile, &[package]).arg("--quiet"))?;
        let cpu = spent()? - before;
        table.row(name, vec![Some(cpu), Some(began.elapsed().as_secs_f64())]);
    }
    empty(&paths.target)?;
    Ok(table)
}

fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    Ok(())
}

/// The processor's time, in seconds, of all that we have started and that has ended.
/// Source: <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>
fn spent() -> Result<f64> {
    let text = fs::read_to_string("/proc/self/stat").context("read /proc/self/stat")?;
    // The name before the last bracket may have spaces in it. The third field comes after it.
    let (_, fields) = text.rsplit_once(") ").context("/proc/self/stat is odd")?;
    let ticks = fields.split(' ').skip(13).take(2).map(str::parse::<f64>);
    let ticks: f64 = ticks.sum::<Result<_, _>>()?;
    Ok(ticks / rustix::param::clock_ticks_per_second() as f64)
}
