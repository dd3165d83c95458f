//! The API against its own description, for whatever can be asked.

use std::path::Path;

use anyhow::{Context, Result};
use local::paths::Paths;
use tokio::process::Command;

use crate::outside::{Outside, TOKEN};

/// Every check that there is, and the same cases each time.
/// Source: <https://schemathesis.readthedocs.io/en/stable/reference/cli/>
const ARGUMENTS: [&str; 9] = [
    "--checks=all",
    "--seed=1",
    "--generation-deterministic",
    "--max-examples=100",
    "--continue-on-failure",
    "--request-timeout=10",
    "--suppress-health-check=all",
    "--no-color",
    "--workers=1",
];

#[tokio::test]
#[ignore = "needs schemathesis: `.ci/run board`"]
async fn every_answer_is_as_described_whatever_is_asked() -> Result<()> {
    let outside = Outside::start("whole-api").await?;
    outside.fill().await?;
    let schemathesis = Paths::of_this_checkout().target.join("ci/bin/st");
    let status = Command::new(&schemathesis)
        .arg("run")
        .args(ARGUMENTS)
        .arg(format!("--header=Authorization:Bearer {TOKEN}"))
        .arg(outside.url("/api/v1/openapi.json"))
        // It leaves things where it runs.
        .current_dir(Path::new(env!("CARGO_TARGET_TMPDIR")))
        .status()
        .await
        .with_context(|| {
            format!(
                "cannot run {}; `.ci/run board` installs it",
                schemathesis.display()
            )
        })?;
    assert!(status.success(), "schemathesis: {status}");
    Ok(())
}
