//! Lines that came out right, and lines that did not.

use std::cell::RefCell;
use std::fmt::Debug;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::time::sleep;

use crate::progress::{Progress, Step};

/// How long a line may take to become true. A whole rollout takes a few seconds here.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(100);

/// The lines told so far.
pub(super) struct Lines {
    progress: Progress,
    wrong: RefCell<Vec<String>>,
}

impl Lines {
    pub(super) fn new(progress: Progress) -> Lines {
        Lines {
            progress,
            wrong: RefCell::default(),
        }
    }

    /// Begins a chapter.
    pub(super) fn chapter(&self, title: &str) {
        self.progress.say(&format!("\n{title}"));
    }

    /// Something that takes its time between two lines.
    pub(super) fn step(&self, what: &str) -> Step {
        self.progress.step(what)
    }

    /// The lines that did not come out right.
    pub(super) fn wrong(self) -> Vec<String> {
        self.wrong.into_inner()
    }

    /// A line that must be true now.
    pub(super) fn check(&self, line: &str, right: bool, seen: impl Debug) {
        self.tell(line, right, &format!("{seen:?}"), Instant::now());
    }

    /// A line that must become true: what `look` sees must become `expected`. A look that fails has seen an error,
    /// and the next one may see more.
    pub(super) async fn becomes<T: Debug + PartialEq>(
        &self,
        line: &str,
        expected: T,
        look: impl AsyncFn() -> Result<T>,
    ) {
        let since = Instant::now();
        let step = self.progress.quiet_step(line);
        let (right, seen) = loop {
            let (right, seen) = match look().await {
                Ok(seen) => (seen == expected, format!("{seen:?}")),
                Err(error) => (false, format!("{error:#}")),
            };
            if right || since.elapsed() > PATIENCE {
                break (right, seen);
            }
            step.note(&seen);
            sleep(PAUSE).await;
        };
        step.clear();
        self.tell(line, right, &format!("{seen}, not {expected:?}"), since);
    }

    /// Waits until `look` sees something; a line that never does is wrong, and the story can't go on.
    pub(super) async fn comes<T>(
        &self,
        line: &str,
        look: impl AsyncFn() -> Result<Option<T>>,
    ) -> Result<T> {
        let since = Instant::now();
        let step = self.progress.quiet_step(line);
        loop {
            let why = match look().await {
                Ok(Some(seen)) => {
                    step.clear();
                    self.tell(line, true, "", since);
                    return Ok(seen);
                }
                Ok(None) => "it never came".to_owned(),
                Err(error) => format!("{error:#}"),
            };
            if since.elapsed() > PATIENCE {
                step.clear();
                self.tell(line, false, &why, since);
                bail!("{line}: {why}");
            }
            sleep(PAUSE).await;
        }
    }

    /// The story can't go on. That counts as a line that is wrong.
    pub(super) fn breaks_off(&self, error: &anyhow::Error) {
        let line = format!("the story cannot go on: {error:#}");
        self.progress.say(&format!("  ✗ {line}"));
        self.wrong.borrow_mut().push(line);
    }

    fn tell(&self, line: &str, right: bool, seen: &str, since: Instant) {
        if right {
            let took = since.elapsed().as_secs_f32();
            let took = if took > 0.05 {
                format!("  {took:.1} s")
            } else {
                String::new()
            };
            self.progress.say(&format!("  ✓ {line}{took}"));
        } else {
            self.progress
                .say(&format!("  ✗ {line}\n      seen: {seen}"));
            self.wrong.borrow_mut().push(line.to_owned());
        }
    }
}
