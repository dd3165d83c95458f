//! The story that `cargo local` tells: every line of it is looked up, none is taken for granted.

mod board;
mod claims;
mod client;
mod clock;
mod difference;
mod hand;
mod leftovers;
mod lines;
mod look;
mod lost;
mod press;
mod proof;
mod refusals;
mod releases;
mod table;

pub use table::history;

use anyhow::{Context, Result};

use crate::developer::Developer;
use crate::paths::Paths;
use crate::progress::Progress;
use crate::system::System;
use clock::Rules;
use lines::Lines;

/// How much of it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// What Couplet does.
    Story,
    /// The same, and what Terraform and IAM promise, after each part of it.
    Proof,
}

/// A story under way.
struct Story<'a> {
    system: &'a System,
    developer: Developer,
    ledger: ledger::Ledger,
    service: ledger::ServiceKey,
    lines: Lines,
    told: Told,
}

/// Tells the story. The answer is the lines that did not come out right; what keeps it from being told to its end is
/// one of them.
pub async fn tell(
    system: &System,
    paths: &Paths,
    told: Told,
    progress: &Progress,
) -> Result<Vec<String>> {
    let story = Story {
        system,
        developer: Developer::new(paths, &system.site)?,
        ledger: system.site.ledger()?,
        service: system.site.service()?,
        lines: Lines::new(progress.clone()),
        told,
    };
    let aws = system.ministack.aws();
    let told = match clock::stop(&aws, Rules::Scheduled).await {
        Ok(()) => story.run().await,
        Err(error) => Err(error.context("stop the clock")),
    };
    let going = clock::go_on(&aws, Rules::Scheduled)
        .await
        .context("let the clock go on");
    for outcome in [told, going] {
        if let Err(error) = outcome {
            story.lines.breaks_off(&error);
        }
    }
    Ok(story.lines.wrong())
}

/// The end of the proof: Terraform takes away all that it made. The answer is the lines that did not come out right.
pub async fn take_away(system: &System, progress: &Progress) -> Vec<String> {
    let lines = Lines::new(progress.clone());
    if let Err(error) = leftovers::none(system, &lines, progress).await {
        lines.breaks_off(&error);
    }
    lines.wrong()
}

impl Story<'_> {
    async fn run(&self) -> Result<()> {
        self.plan_is_empty("before anything is pushed").await?;
        self.first_release().await?;
        self.plan_is_empty("after the first release").await?;
        let first = self.second_release().await?;
        self.plan_is_empty("after the second").await?;
        let broken = self.broken_release().await?;
        self.plan_is_empty("after the one that failed").await?;
        self.two_in_a_row().await?;
        self.multi_architecture().await?;
        self.old_events(&first, &broken).await?;
        self.malformed_events().await?;
        self.lost_events().await?;
        self.set_back_by_hand().await?;
        self.rollback().await?;
        self.press().await?;
        self.as_github_describes_it();
        self.board().await?;
        self.proof().await
    }

    /// All that the functions have asked of GitHub, and all that they were answered.
    fn as_github_describes_it(&self) {
        self.lines.chapter("What GitHub was asked");
        let github = &self.system.github;
        let asked = github.requests().len();
        let violations = github.violations();
        self.lines.check(
            &format!("of {asked} requests to GitHub, those of the functions and their answers are as GitHub's own description has them"),
            violations.is_empty() && asked > 0,
            &violations,
        );
    }
}
