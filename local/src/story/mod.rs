//! The story that `cargo local` tells: every line of it is looked up, none is taken for granted.

mod claims;
mod client;
mod clock;
mod difference;
mod lines;
mod look;
mod refusals;
mod releases;
mod table;

pub use table::history;

use anyhow::{Context, Result};

use crate::developer::Developer;
use crate::paths::Paths;
use crate::progress::Progress;
use crate::system::System;
use lines::Lines;

/// A story under way.
struct Story<'a> {
    system: &'a System,
    developer: Developer,
    ledger: ledger::Ledger,
    service: ledger::ServiceKey,
    lines: Lines,
}

/// Tells the story. The answer is the lines that did not come out right; what keeps it from being told to its end is
/// one of them.
pub async fn tell(system: &System, paths: &Paths, progress: &Progress) -> Result<Vec<String>> {
    let story = Story {
        system,
        developer: Developer::new(paths, &system.site)?,
        ledger: system.site.ledger()?,
        service: system.site.service()?,
        lines: Lines::new(progress.clone()),
    };
    let aws = system.ministack.aws();
    let told = match clock::stop(&aws).await {
        Ok(()) => story.run().await,
        Err(error) => Err(error.context("stop the clock")),
    };
    let going = clock::go_on(&aws).await.context("let the clock go on");
    for outcome in [told, going] {
        if let Err(error) = outcome {
            story.lines.breaks_off(&error);
        }
    }
    Ok(story.lines.wrong())
}

impl Story<'_> {
    async fn run(&self) -> Result<()> {
        self.first_release().await?;
        let first = self.second_release().await?;
        let broken = self.broken_release().await?;
        self.two_in_a_row().await?;
        self.multi_architecture().await?;
        self.old_events(&first, &broken).await?;
        self.malformed_events().await?;
        self.rollback().await
    }
}
