//! Times in words.

use chrono::{DateTime, TimeDelta, Utc};

/// A length of time in its two largest units: `42 s`, `1 min 12 s`, `3 h 5 min`, `4 d 2 h`.
pub(crate) fn span(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => two(minutes, "min", seconds % 60, "s"),
        3600..86_400 => two(hours, "h", minutes % 60, "min"),
        _ => two(days, "d", hours % 24, "h"),
    }
}

/// A length of time that is over, where a fast one is told from a faster one: `40 ms`, `0.4 s`, `9.9 s`, then as [`span`].
pub(crate) fn exact(length: TimeDelta) -> String {
    let milliseconds = length.num_milliseconds();
    match milliseconds {
        ..=0 => "0 s".to_owned(),
        1..100 => format!("{milliseconds} ms"),
        100..10_000 => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
        _ => span(length),
    }
}

/// How long ago `then` was, in its largest unit. Clocks differ a little: the future is just now.
pub(crate) fn ago(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - then).num_seconds();
    match seconds {
        ..5 => "just now".to_owned(),
        5..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

fn two(large: i64, large_unit: &str, small: i64, small_unit: &str) -> String {
    match small {
        0 => format!("{large} {large_unit}"),
        _ => format!("{large} {large_unit} {small} {small_unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let rows = [
            (-3, "0 s"),
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (72, "1 min 12 s"),
            (3599, "59 min 59 s"),
            (3600, "1 h"),
            (11_100, "3 h 5 min"),
            (86_400, "1 d"),
            (352_800, "4 d 2 h"),
        ];
        for (seconds, expected) in rows {
            assert_eq!(span(TimeDelta::seconds(seconds)), expected, "{seconds}");
        }
    }

    #[test]
    fn what_is_over_is_said_exactly() {
        let rows = [
            (-3, "0 s"),
            (0, "0 s"),
            (40, "40 ms"),
            (100, "0.1 s"),
            (1_999, "1.9 s"),
            (9_999, "9.9 s"),
            (10_000, "10 s"),
            (72_400, "1 min 12 s"),
        ];
        for (milliseconds, expected) in rows {
            let length = TimeDelta::milliseconds(milliseconds);
            assert_eq!(exact(length), expected, "{milliseconds}");
        }
    }

    #[test]
    fn ages() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("time");
        let rows = [
            (-2, "just now"),
            (4, "just now"),
            (5, "5 s ago"),
            (60, "1 min ago"),
            (3599, "59 min ago"),
            (86_399, "23 h ago"),
            (40 * 86_400, "40 d ago"),
        ];
        for (seconds, expected) in rows {
            assert_eq!(
                ago(now - TimeDelta::seconds(seconds), now),
                expected,
                "{seconds}"
            );
        }
    }
}
