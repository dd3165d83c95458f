//! The API against its own description, for whatever can be asked.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use local::paths::Paths;
use tokio::process::Command;
use tokio::time::timeout;

use crate::outside::{Outside, TOKEN};

/// Every check that there is, and the same cases each time.
/// Source: <https://schemathesis.readthedocs.io/en/stable/reference/cli/>
const ARGUMENTS: [&str; 9] = [
    "--checks=all",
    "--seed=1",
    "--generation-database=none",
    "--max-examples=150",
    "--continue-on-failure",
    "--request-timeout=10",
    "--suppress-health-check=all",
    "--no-color",
    "--workers=1",
];

/// It takes half a minute.
const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test]
#[ignore = "needs schemathesis: `.ci/run board`"]
async fn every_answer_is_as_described_whatever_is_asked() -> Result<()> {
    let outside = Outside::start("whole-api").await?;
    outside.fill().await?;
    let schemathesis = Paths::of_this_checkout().target.join("ci/bin/st");
    let mut asked = Command::new(&schemathesis)
        .arg("run")
        .args(ARGUMENTS)
        .arg(format!("--header=Authorization:Bearer {TOKEN}"))
        .arg(outside.url("/api/v1/openapi.json"))
        // It leaves things where it runs.
        .current_dir(Path::new(env!("CARGO_TARGET_TMPDIR")))
        .kill_on_drop(true)
        .spawn()
        .with_context(|| {
            let path = schemathesis.display();
            format!("cannot run {path}; `.ci/run board` installs it")
        })?;
    let status = timeout(LIMIT, asked.wait()).await;
    let status = status.with_context(|| format!("schemathesis is not done in {LIMIT:?}"))??;
    assert!(status.success(), "schemathesis: {status}");
    Ok(())
}
