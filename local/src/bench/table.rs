//! Figures, and how they are shown: as Markdown for people, as JSON for programs.

use std::fmt::Write;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Everything that one run has measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Report {
    /// When, as RFC 3339 has it.
    pub(super) at: String,
    /// On which processor.
    pub(super) processor: String,
    /// How many of them, and how busy they were with other things when it began.
    pub(super) machine: String,
    /// Whether it was a short run.
    pub(super) quick: bool,
    /// The parts, in the order in which they were measured.
    pub(super) tables: Vec<Table>,
}

/// One part.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Table {
    /// What was measured.
    pub(super) title: String,
    /// How.
    pub(super) how: String,
    /// The figures' names and units.
    pub(super) columns: Vec<String>,
    /// Who was measured.
    pub(super) rows: Vec<Row>,
}

/// Who was measured, and the figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Row {
    /// Who.
    pub(super) name: String,
    /// None where there is none: what was not measured is not shown.
    pub(super) figures: Vec<Option<f64>>,
    /// What cannot be said in figures.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) note: String,
}

impl Table {
    /// A part without figures yet.
    pub(super) fn new(title: &str, how: &str, columns: &[&str]) -> Table {
        Table {
            title: title.to_owned(),
            how: how.to_owned(),
            columns: columns.iter().map(|it| (*it).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds who was measured.
    pub(super) fn row(&mut self, name: &str, figures: Vec<Option<f64>>) {
        self.noted(name, figures, String::new());
    }

    /// The same, with what cannot be said in figures.
    pub(super) fn noted(&mut self, name: &str, figures: Vec<Option<f64>>, note: String) {
        let name = name.to_owned();
        self.rows.push(Row {
            name,
            figures,
            note,
        });
    }

    /// One figure.
    pub(super) fn figure(&self, row: &str, column: &str) -> Option<f64> {
        let place = self.columns.iter().position(|it| it == column)?;
        let row = self.rows.iter().find(|it| it.name == row)?;
        row.figures.get(place).copied().flatten()
    }

    fn markdown(&self) -> String {
        let mut text = format!("\n## {}\n\n{}\n\n| |", self.title, self.how);
        let has_notes = self.rows.iter().any(|row| !row.note.is_empty());
        for column in &self.columns {
            let _ = write!(text, " {column} |");
        }
        text.push_str(if has_notes { " |\n|---|" } else { "\n|---|" });
        text.push_str(&"---:|".repeat(self.columns.len()));
        text.push_str(if has_notes { "---|\n" } else { "\n" });
        for row in &self.rows {
            let _ = write!(text, "| {} |", row.name);
            for figure in &row.figures {
                let _ = write!(text, " {} |", figure.map(number).unwrap_or_default());
            }
            if has_notes {
                let _ = write!(text, " {} |", row.note);
            }
            text.push('\n');
        }
        text
    }
}

impl Report {
    /// A part by its title.
    pub(super) fn table(&self, title: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.title == title)
    }

    /// All of it, for people.
    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "# Couplet, measured\n\n{}, {}, {}{}\n",
            self.at,
            self.processor,
            self.machine,
            if self.quick { ", a short run" } else { "" }
        );
        for table in &self.tables {
            text.push_str(&table.markdown());
        }
        text
    }
}

/// A figure with three digits that count.
pub(super) fn number(figure: f64) -> String {
    let whole = figure.abs();
    match whole {
        0.0 => "0".to_owned(),
        _ if whole >= 100.0 => grouped(figure.round()),
        _ if whole >= 10.0 => format!("{figure:.1}"),
        _ if whole >= 1.0 => format!("{figure:.2}"),
        _ => format!("{figure:.3}"),
    }
}

fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) && digit != '-' {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The one in the middle; none of nothing.
pub(super) fn median(mut figures: Vec<f64>) -> Option<f64> {
    percentile(&mut figures, 50.0)
}

/// So many of a hundred are not above it.
pub(super) fn percentile(figures: &mut [f64], percent: f64) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let place = (figures.len() as f64 * percent / 100.0).ceil() as usize;
    figures.get(place.saturating_sub(1)).copied()
}

/// In milliseconds.
pub(super) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_count() {
        for (figure, expected) in [
            (0.0, "0"),
            (0.1234, "0.123"),
            (1.234, "1.23"),
            (12.34, "12.3"),
            (123.4, "123"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(number(figure), expected);
        }
    }

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(Vec::new()), None);
        let mut hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&mut hundred, 99.0), Some(99.0));
    }

    #[test]
    fn what_was_not_measured_is_not_shown() {
        let mut table = Table::new("Speed", "By hand.", &["ms", "ratio"]);
        table.row("ours", vec![Some(1.5), None]);
        assert_eq!(
            table.markdown(),
            "\n## Speed\n\nBy hand.\n\n| | ms | ratio |\n|---|---:|---:|\n| ours | 1.50 |  |\n"
        );
        assert_eq!(table.figure("ours", "ms"), Some(1.5));
    }
}
