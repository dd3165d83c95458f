//! What a person sees while it works: a line that lives on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Without a terminal, a step that takes long says so this often.
const REMINDER: Duration = Duration::from_secs(20);

/// The screen, or what stands in for it.
#[derive(Clone, Debug)]
pub struct Progress {
    bars: Option<MultiProgress>,
}

/// A step under way.
#[derive(Debug)]
pub struct Step {
    what: String,
    since: Instant,
    bar: Option<ProgressBar>,
    said: Mutex<Instant>,
}

impl Progress {
    /// Lines that live if the standard output is a terminal.
    pub fn new() -> Progress {
        Progress {
            bars: std::io::stdout()
                .is_terminal()
                .then(|| MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::stdout())),
        }
    }

    /// One line that stays.
    pub fn say(&self, line: &str) {
        match &self.bars {
            // The line is on the screen or there is no screen any more; neither needs an answer.
            Some(bars) => drop(bars.println(line)),
            None => println!("{line}"),
        }
    }

    /// Begins a step and says so.
    pub fn step(&self, what: &str) -> Step {
        if self.bars.is_none() {
            println!("  … {what}");
        }
        self.quiet_step(what)
    }

    /// Begins a step that is worth a line of its own only if it takes long.
    pub fn quiet_step(&self, what: &str) -> Step {
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            let style = ProgressStyle::with_template("  {spinner:.cyan} {msg} {elapsed:.dim}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            bar.set_style(style);
            bar.set_message(what.to_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        let since = Instant::now();
        Step {
            what: what.to_owned(),
            since,
            bar,
            said: Mutex::new(since),
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Progress::new()
    }
}

impl Step {
    /// Says what the step is at.
    pub fn note(&self, note: &str) {
        if let Some(bar) = &self.bar {
            let width = 60;
            let short: String = note.chars().take(width).collect();
            bar.set_message(format!("{}: {short}", self.what));
            return;
        }
        let Ok(mut said) = self.said.lock() else {
            return;
        };
        if said.elapsed() > REMINDER {
            *said = Instant::now();
            let seconds = self.since.elapsed().as_secs();
            println!("  … {} ({seconds} s): {note}", self.what);
        }
    }

    /// Ends the step without a line of its own.
    pub fn clear(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Ends the step well.
    pub fn done(self) {
        let line = format!(
            "  ✓ {} {:.1} s",
            self.what,
            self.since.elapsed().as_secs_f32()
        );
        match &self.bar {
            Some(bar) => {
                bar.set_style(
                    ProgressStyle::with_template("{msg}")
                        .unwrap_or_else(|_| ProgressStyle::default_spinner()),
                );
                bar.finish_with_message(line);
            }
            None => println!("{line}"),
        }
    }
}

impl Drop for Step {
    /// A step that did not end well leaves no line that goes on spinning.
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take().filter(|bar| !bar.is_finished()) {
            bar.abandon();
        }
    }
}
