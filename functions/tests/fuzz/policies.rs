//! A pattern that people write is followed or refused with its name; of two releases the order is always the same.
//!
//! What the libraries promise: a regular expression is matched in time proportional to its own size times the tag's,
//! whatever it is; nesting is bounded by 50 and the compiled expression by 10 MiB, and what is more is an error
//! (<https://docs.rs/regex-lite/latest/regex_lite/#untrusted-input>). A shell pattern becomes such an expression. A range of
//! versions has 32 comparators at most. The length of a pattern is bounded by `policy::follow` itself.

use std::time::{Duration, Instant};

use functions::policy::{follow, is_newer};
use ledger::{Release, TagPolicy};
use proptest::prelude::*;
use proptest::sample::select;
use semver::{Version, VersionReq};

use super::given::{commit, config, release, text};

const REGRESSIONS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fuzz/regressions/policies.txt"
);

/// Much longer than any pattern takes, and shorter than a function may run.
const PATIENCE: Duration = Duration::from_secs(10);

/// Patterns at the libraries' limits, and over them.
#[test]
fn the_worst_patterns_are_followed_or_refused_in_time() {
    let nested = |open: &str, close: &str, depth| open.repeat(depth) + "a" + &close.repeat(depth);
    let regexes = [
        "(a*)*b".to_owned(),
        "(a|a)*b".to_owned(),
        "(?:a?){100}a{100}".to_owned(),
        r"((((\w*)*)*)*)*!".to_owned(),
        r"\w{1000}".to_owned(),
        r"(\w{50}){50}".to_owned(),
        "a{1000}{1000}{1000}".to_owned(),
        "a|".repeat(400),
        nested("(", ")", 200),
        nested("(", ")", 450),
        nested("(", ")", 200_000),
    ];
    let globs = [
        "*a".repeat(400),
        "?".repeat(900),
        "[!a]".repeat(200),
        "{a,b}".repeat(150),
        nested("{", "}", 200),
        nested("{", "}", 450),
        nested("{", "}", 200_000),
    ];
    let ranges = [">=1, ".repeat(180) + "<2", "1".repeat(400_000)];
    let policies = regexes.into_iter().map(TagPolicy::Regex);
    let policies = policies.chain(globs.into_iter().map(TagPolicy::Glob));
    for policy in policies.chain(ranges.into_iter().map(TagPolicy::Semver)) {
        let began = Instant::now();
        assert_error_is_named(&policy, follow(&policy, &"a".repeat(128)));
        assert!(began.elapsed() < PATIENCE, "it took {:?}", began.elapsed());
    }
}

fn assert_error_is_named<T>(policy: &TagPolicy, followed: anyhow::Result<T>) {
    let Err(error) = followed else { return };
    let error = error.to_string();
    let named = format!("the tag policy `{policy}` is malformed");
    let long = "is longer than 1000 bytes";
    assert!(error == named || error.ends_with(long), "{error}");
}

/// Letters that mean something in some pattern.
fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => r"[a-c0-9(){}\[\]|*+?.^$\\,<>=!#~&:P_/-]{0,40}",
        1 => r"(main|v)?[-.*?]{0,3}(\(\?P<commit>[^)]{0,10}\)|\\[dwsDWSbB])?.{0,5}",
        1 => r"(main|v)?[-.*?]{0,3}(\[[a-z!^-]{1,4}\]|\{[a-z,]{0,6}\})?.{0,5}",
        2 => "[<>=^~]{0,2}[0-9*x]{1,3}([.][0-9*x]{1,3}){0,2}(-[a-z0-9.]{1,5})?(, ?<[0-9]{1,3})?",
        1 => text(),
    ]
}

type Kind = fn(String) -> TagPolicy;

/// The kinds for which a later push is newer.
const BY_TIME: [Kind; 3] = [TagPolicy::Exact, TagPolicy::Glob, TagPolicy::Regex];

fn policy(kinds: &[Kind]) -> impl Strategy<Value = TagPolicy> + use<> {
    (select(kinds.to_vec()), pattern()).prop_map(|(kind, pattern)| kind(pattern))
}

fn any_policy() -> impl Strategy<Value = TagPolicy> {
    policy(&[&BY_TIME[..], &[TagPolicy::Semver]].concat())
}

/// A tag as a registry allows it.
fn tag() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}",
        1 => ("(main-|v)?", any::<u32>(), "(-[0-9]{1,3})?")
            .prop_map(|(before, number, after)| format!("{before}{}{after}", commit(number))),
    ]
}

/// `1.2.3`, `v10.0.0-rc.1`.
fn version_tag() -> impl Strategy<Value = String> {
    "v?(0|[1-9][0-9]?)\\.[0-3]\\.[0-3](-(rc|beta)\\.[0-3])?"
}

/// A release whose tag is a version, out of few, so that some are equal.
fn versioned() -> impl Strategy<Value = Release> {
    (version_tag(), 0..4_i64).prop_map(|(tag, second)| release(&tag, second))
}

fn pushed() -> impl Strategy<Value = Release> {
    (tag(), 0..4_i64).prop_map(|(tag, second)| release(&tag, second))
}

fn version(release: &Release) -> Version {
    Version::parse(release.tag.trim_start_matches('v')).expect("a version")
}

proptest! {
    #![proptest_config(config(REGRESSIONS))]

    #[test]
    fn any_pattern_is_followed_or_refused_by_name(
        policy in any_policy(), tag in prop_oneof![3 => tag(), 1 => version_tag(), 1 => text()],
    ) {
        let began = Instant::now();
        let followed = follow(&policy, &tag);
        prop_assert!(began.elapsed() < PATIENCE, "{policy} took {:?}", began.elapsed());
        if let Ok(Some(found)) = &followed && let Some(commit) = &found.commit {
            prop_assert!(tag.contains(commit.as_str()), "{commit} does not stand in {tag}");
        }
        assert_error_is_named(&policy, followed);
    }

    #[test]
    fn a_regex_that_is_malformed_by_itself_is_refused(pattern in pattern(), tag in tag()) {
        let alone = regex_lite::Regex::new(&pattern);
        let followed = follow(&TagPolicy::Regex(pattern), &tag);
        prop_assert!(alone.is_ok() || followed.is_err());
    }

    #[test]
    fn a_regex_takes_the_whole_tag_or_nothing(
        parts in prop::collection::vec("[a-c]{0,3}", 1..5), tag in "[a-c]{0,4}",
    ) {
        let pattern = parts.join("|");
        let followed = follow(&TagPolicy::Regex(pattern), &tag).expect("a good pattern");
        prop_assert_eq!(followed.is_some(), parts.contains(&tag));
    }

    #[test]
    fn what_is_written_to_the_letter_is_followed_to_the_letter(
        tag in prop_oneof![tag(), "[ -~]{0,100}"], other in tag(),
    ) {
        for policy in [
            TagPolicy::Exact(tag.clone()),
            TagPolicy::Glob(globset::escape(&tag.replace('\\', r"\\"))),
            TagPolicy::Regex(regex_lite::escape(&tag)),
        ] {
            let follows = |tag: &str| follow(&policy, tag).expect("a good pattern").is_some();
            prop_assert!(follows(&tag), "{policy} does not follow {tag}");
            prop_assert_eq!(follows(&other), tag == other, "{} and {}", policy, other);
        }
    }

    #[test]
    fn a_commit_in_a_tag_is_found(
        before in "([a-z0-9]{1,9}[-._])?", number: u32, after in "([-._][a-z0-9]{0,9})?",
    ) {
        let sha = commit(number);
        let tag = format!("{before}{sha}{after}");
        for policy in [
            TagPolicy::Exact(tag.clone()),
            TagPolicy::Glob("*".into()),
            TagPolicy::Regex("[a-z0-9._-]*".into()),
            TagPolicy::Regex("([a-z0-9]*[-._])?(?P<commit>[0-9a-f]{40})([-._][a-z0-9]*)?".into()),
        ] {
            let followed = follow(&policy, &tag).expect("a good pattern").expect("a match");
            prop_assert_eq!(followed.commit.as_ref(), Some(&sha), "{}", policy);
        }
    }

    #[test]
    fn a_range_is_cargos(
        operator in select(vec!["", "=", ">=", "<", "^", "~"]), bound in version_tag(),
        tag in version_tag(),
    ) {
        let range = format!("{operator}{}", bound.trim_start_matches('v'));
        let wanted = VersionReq::parse(&range).expect("a range");
        let followed = follow(&TagPolicy::Semver(range), &tag).expect("a good range");
        prop_assert_eq!(followed.is_some(), wanted.matches(&version(&release(&tag, 0))));
    }

    /// Of two releases one is always the newer, and both are only if nothing tells them apart. So a target that takes
    /// the newer one each time ends at the same release whatever the order, but for pushes within one second.
    #[test]
    fn by_time_one_of_two_is_newer(
        policy in policy(&BY_TIME), a in pushed(), b in pushed(), c in pushed(),
    ) {
        let newer = |a, b| is_newer(&policy, a, b);
        prop_assert!(newer(&a, &b) || newer(&b, &a));
        prop_assert_eq!(newer(&a, &b) && newer(&b, &a), a.pushed_at == b.pushed_at);
        prop_assert!(!(newer(&a, &b) && newer(&b, &c)) || newer(&a, &c));
    }

    /// The same holds of versions, for which the time matters only between two tags of one version. A release whose
    /// tag is no version is followed by no range; it can only be what another policy brought before, and then the
    /// time decides.
    #[test]
    fn by_version_one_of_two_is_newer(
        a in versioned(), b in versioned(), c in versioned(), old in pushed(),
    ) {
        let policy = TagPolicy::Semver("*".into());
        let newer = |a, b| is_newer(&policy, a, b);
        prop_assert!(newer(&a, &b) || newer(&b, &a));
        let same = version(&a) == version(&b);
        prop_assert_eq!(newer(&a, &b) && newer(&b, &a), same && a.pushed_at == b.pushed_at);
        if !same {
            prop_assert_eq!(newer(&a, &b), version(&a) > version(&b));
        }
        prop_assert!(!(newer(&a, &b) && newer(&b, &c)) || newer(&a, &c));
        if Version::parse(old.tag.trim_start_matches('v')).is_err() {
            prop_assert_eq!(newer(&a, &old), a.pushed_at >= old.pushed_at);
        }
    }
}
