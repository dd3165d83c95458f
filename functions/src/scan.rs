//! Whether what ECR's scan has found keeps an image from being rolled out. Values in, values out.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use ledger::Severity;

/// So long after the push a scan is waited for: a basic one takes seconds.
const PATIENCE: TimeDelta = TimeDelta::minutes(15);

/// What ECR says of an image's scan.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Scan {
    /// None that has come to its end.
    #[default]
    Pending,
    /// It came to its end with so many findings of each severity. What has no severity yet is not among them.
    Done(BTreeMap<Severity, i32>),
    /// It will not come to its end.
    Impossible {
        /// ECR's word for why.
        status: String,
    },
}

/// What the scan says about a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Nothing against it.
    Open,
    /// Not yet.
    Wait,
    /// It must not be.
    Shut {
        /// Why, for the commit.
        reason: String,
    },
}

/// Whether an image of this age may be rolled out by itself. With no severity named, none is looked at.
pub fn gate(most: Option<Severity>, scan: &Scan, age: TimeDelta) -> Gate {
    let Some(most) = most else {
        return Gate::Open;
    };
    let reason = match scan {
        Scan::Pending if age <= PATIENCE => return Gate::Wait,
        Scan::Pending => format!(
            "the image was not scanned within {} minutes of its push",
            PATIENCE.num_minutes()
        ),
        Scan::Impossible { status } => format!("the image's scan ended as {status}"),
        Scan::Done(findings) => match findings.last_key_value() {
            Some((worst, count)) if *worst > most => {
                format!("the image's scan found {count} {worst}, and at most {most} is let through")
            }
            _ => return Gate::Open,
        },
    };
    Gate::Shut { reason }
}

/// What the scans of several images say of all of them together.
pub fn together(scans: impl Iterator<Item = Scan>) -> Scan {
    let mut findings = BTreeMap::new();
    for scan in scans {
        match scan {
            Scan::Done(found) => {
                for (severity, count) in found {
                    *findings.entry(severity).or_default() += count;
                }
            }
            unfinished => return unfinished,
        }
    }
    Scan::Done(findings)
}

/// ECR's status and counts as we use them. A status that is not known may still change.
/// Source: <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanStatus.html>
pub fn scan<'a>(status: Option<&str>, counts: impl Iterator<Item = (&'a str, i32)>) -> Scan {
    match status {
        // Enhanced scanning goes on for as long as the image is watched, and says so once it has looked first.
        Some("COMPLETE" | "ACTIVE") => Scan::Done(
            counts
                .filter(|(_, count)| *count > 0)
                .filter_map(|(severity, count)| Some((Severity::parse(severity)?, count)))
                .collect(),
        ),
        Some(
            "FAILED"
            | "UNSUPPORTED_IMAGE"
            | "SCAN_ELIGIBILITY_EXPIRED"
            | "FINDINGS_UNAVAILABLE"
            | "LIMIT_EXCEEDED"
            | "IMAGE_ARCHIVED",
        ) => Scan::Impossible {
            status: status.unwrap_or_default().to_owned(),
        },
        _ => Scan::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_scans_are_done_when_each_is() {
        let found =
            |findings: &[(&'static str, i32)]| scan(Some("COMPLETE"), findings.iter().copied());
        let both = together([found(&[("HIGH", 1)]), found(&[("HIGH", 2), ("LOW", 3)])].into_iter());
        assert_eq!(both, found(&[("HIGH", 3), ("LOW", 3)]));
        let one_to_come = together([found(&[("HIGH", 1)]), Scan::Pending].into_iter());
        assert_eq!(one_to_come, Scan::Pending);
    }

    #[test]
    fn the_gate() {
        let found =
            |findings: &[(&'static str, i32)]| scan(Some("COMPLETE"), findings.iter().copied());
        let most = Some(Severity::High);
        let minutes = TimeDelta::minutes;
        let rows = [
            ("nobody asks", None, found(&[("CRITICAL", 1)]), 0, "open"),
            ("clean", most, found(&[]), 0, "open"),
            (
                "not too bad",
                most,
                found(&[("HIGH", 3), ("LOW", 9)]),
                0,
                "open",
            ),
            (
                "too bad",
                most,
                found(&[("CRITICAL", 2), ("HIGH", 3)]),
                0,
                "shut: the image's scan found 2 CRITICAL, and at most HIGH is let through",
            ),
            (
                "none of the worst",
                most,
                found(&[("CRITICAL", 0)]),
                0,
                "open",
            ),
            (
                "no severity yet",
                most,
                found(&[("UNDEFINED", 7)]),
                0,
                "open",
            ),
            (
                "under way",
                most,
                scan(Some("IN_PROGRESS"), [].into_iter()),
                15,
                "wait",
            ),
            ("not begun", most, scan(None, [].into_iter()), 15, "wait"),
            (
                "for too long",
                most,
                scan(None, [].into_iter()),
                16,
                "shut: the image was not scanned within 15 minutes of its push",
            ),
            (
                "not to be scanned",
                most,
                scan(Some("UNSUPPORTED_IMAGE"), [].into_iter()),
                0,
                "shut: the image's scan ended as UNSUPPORTED_IMAGE",
            ),
        ];
        for (name, most, scan, age, expected) in rows {
            let told = match gate(most, &scan, minutes(age)) {
                Gate::Open => "open".to_owned(),
                Gate::Wait => "wait".to_owned(),
                Gate::Shut { reason } => format!("shut: {reason}"),
            };
            assert_eq!(told, expected, "{name}");
        }
    }
}
