//! Which page of a list is wanted.

use std::ops::RangeInclusive;

use ledger::RolloutId;

use crate::failure::Failure;

const LIMIT: RangeInclusive<usize> = 1..=100;
const USUAL: usize = 20;

/// Which page of a list is wanted.
#[derive(Debug, PartialEq)]
pub(super) struct Wanted {
    /// At most so many.
    pub(super) limit: usize,
    /// Older than this one.
    pub(super) before: Option<RolloutId>,
}

impl Wanted {
    /// What the query of an address says. A parameter that is not known is more likely a mistake than meant.
    pub(super) fn of(query: Option<&str>) -> Result<Wanted, Failure> {
        let mut wanted = Wanted {
            limit: USUAL,
            before: None,
        };
        for part in query.unwrap_or_default().split('&') {
            match part.split_once('=').unwrap_or((part, "")) {
                ("", "") => {}
                ("limit", value) => wanted.limit = limit(value)?,
                ("cursor", value) => wanted.before = Some(cursor(value)?),
                (name, _) => return refused(format!("There is no parameter `{name}`.")),
            }
        }
        Ok(wanted)
    }
}

fn limit(value: &str) -> Result<usize, Failure> {
    match value.parse() {
        Ok(limit) if LIMIT.contains(&limit) => Ok(limit),
        _ => refused(format!(
            "The limit is a number between {} and {}.",
            LIMIT.start(),
            LIMIT.end()
        )),
    }
}

/// A cursor is a rollout's id, which needs no escape in an address.
fn cursor(value: &str) -> Result<RolloutId, Failure> {
    let plain = value.len() <= 64
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match RolloutId::parse(value) {
        Ok(id) if plain => Ok(id),
        _ => refused("The cursor is none of ours: take it from `next`.".to_owned()),
    }
}

fn refused<T>(why: String) -> Result<T, Failure> {
    Err(Failure::Refused(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages() {
        let before = RolloutId::parse("20270115T080000009Z-aaaaaaaaaaaa").ok();
        let rows = [
            (None, (20, None)),
            (Some(""), (20, None)),
            (Some("limit=100"), (100, None)),
            (
                Some("cursor=20270115T080000009Z-aaaaaaaaaaaa&limit=1"),
                (1, before),
            ),
        ];
        for (query, (limit, before)) in rows {
            let wanted = Wanted::of(query).expect("a page");
            assert_eq!(wanted, Wanted { limit, before }, "{query:?}");
        }
        for query in [
            "limit=0",
            "limit=101",
            "limit=x",
            "limit",
            "cursor=",
            "cursor=a%23b",
            "page=2",
        ] {
            let failure = Wanted::of(Some(query)).expect_err(query);
            assert!(matches!(failure, Failure::Refused(_)), "{query}");
        }
    }
}
