//! Which tags a target follows, and which of two releases is the newer.

use anyhow::{Context, Result, ensure};
use globset::GlobBuilder;
use ledger::{Commit, Release, TagPolicy};
use regex_lite::Regex;
use semver::{Version, VersionReq};

/// No pattern is longer, in bytes: a tag has 128 at the most, and what is nested too deep breaks the libraries.
const LONGEST: usize = 1000;

/// A tag that a policy follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Followed {
    /// The commit that the tag names, if it names one.
    pub commit: Option<Commit>,
}

/// Whether `policy` follows `tag`. Fails on a malformed pattern, which it names.
pub fn follow(policy: &TagPolicy, tag: &str) -> Result<Option<Followed>> {
    let (TagPolicy::Exact(pattern)
    | TagPolicy::Glob(pattern)
    | TagPolicy::Regex(pattern)
    | TagPolicy::Semver(pattern)) = policy;
    ensure!(
        pattern.len() <= LONGEST,
        "the tag policy is longer than {LONGEST} bytes"
    );
    let followed = match policy {
        TagPolicy::Exact(wanted) => (tag == wanted).then(|| commit_in(tag)),
        TagPolicy::Glob(pattern) => glob(pattern)
            .with_context(|| malformed(policy))?
            .is_match(tag)
            .then(|| commit_in(tag)),
        TagPolicy::Regex(pattern) => {
            let whole = whole(pattern).with_context(|| malformed(policy))?;
            whole
                .captures(tag)
                .map(|captures| match captures.name("commit") {
                    Some(commit) => Commit::parse(commit.as_str()).ok(),
                    None => commit_in(tag),
                })
        }
        TagPolicy::Semver(range) => {
            let range = VersionReq::parse(range).with_context(|| malformed(policy))?;
            version(tag)
                .filter(|version| range.matches(version))
                .map(|_| None)
        }
    };
    Ok(followed.map(|commit| Followed { commit }))
}

/// Whether `candidate` may take the place of `newest` by itself: a higher version under a semver policy,
/// else a later push. ECR's times have a resolution of a second, so of two pushes within one second the
/// one that is seen later counts as the later one; a digest is claimed only once, so that cannot go back and forth.
pub fn is_newer(policy: &TagPolicy, candidate: &Release, newest: &Release) -> bool {
    if let TagPolicy::Semver(_) = policy {
        match (version(&candidate.tag), version(&newest.tag)) {
            (Some(ours), Some(theirs)) if ours != theirs => return ours > theirs,
            _ => {}
        }
    }
    candidate.pushed_at >= newest.pushed_at
}

/// The library's own matcher panics at a glob that is too large or nested too deep for a regular expression.
/// Source: <https://docs.rs/globset/latest/globset/struct.Glob.html#method.regex>
fn glob(pattern: &str) -> Result<Regex> {
    let glob = GlobBuilder::new(pattern).build()?;
    // It is made for bytes. A tag is a text, and has no letter that is more than a byte.
    // Source: <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html>
    Ok(Regex::new(glob.regex().trim_start_matches("(?-u)"))?)
}

/// `pattern` over the whole tag. By itself first: `a)|(b` is malformed, and its parentheses must not meet ours.
fn whole(pattern: &str) -> Result<Regex> {
    Regex::new(pattern)?;
    Ok(Regex::new(&format!("^(?:{pattern})$"))?)
}

fn version(tag: &str) -> Option<Version> {
    Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok()
}

/// The commit in a tag such as `main-<40 hexadecimal digits>-3`.
fn commit_in(tag: &str) -> Option<Commit> {
    tag.split(|letter: char| !letter.is_ascii_alphanumeric())
        .find_map(|part| Commit::parse(part).ok())
}

fn malformed(policy: &TagPolicy) -> String {
    format!("the tag policy `{policy}` is malformed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn tags_that_are_followed() {
        let sha_tag = format!("main-{SHA}");
        let regex = r"main-(?P<commit>[0-9a-f]{40})";
        let rows = [
            (TagPolicy::Exact("live".into()), "live", Some(None)),
            (TagPolicy::Exact("live".into()), "live2", None),
            (TagPolicy::Exact("".into()), "", Some(None)),
            (
                TagPolicy::Glob("main-*".into()),
                sha_tag.as_str(),
                Some(Some(SHA)),
            ),
            (TagPolicy::Glob("main-*".into()), "main-17", Some(None)),
            (TagPolicy::Glob("main-*".into()), "pr-17", None),
            (
                TagPolicy::Regex(regex.into()),
                sha_tag.as_str(),
                Some(Some(SHA)),
            ),
            (TagPolicy::Regex(regex.into()), "main-17", None),
            (TagPolicy::Regex("a|b".into()), "ab", None),
            (
                TagPolicy::Regex("(?P<commit>[a-f]+)-x".into()),
                "abc-x",
                Some(None),
            ),
            (TagPolicy::Semver(">=1.4, <2".into()), "v1.4.0", Some(None)),
            (TagPolicy::Semver(">=1.4, <2".into()), "2.0.0", None),
            (TagPolicy::Semver(">=1.4, <2".into()), "1.5.0-rc.1", None),
            (TagPolicy::Semver("*".into()), "latest", None),
        ];
        for (policy, tag, expected) in rows {
            let followed = follow(&policy, tag).expect("a good pattern");
            let found = followed.map(|followed| followed.commit);
            let expected = expected.map(|sha| sha.map(|sha| Commit::parse(sha).expect("commit")));
            assert_eq!(found, expected, "{policy} and {tag}");
        }
    }

    #[test]
    fn a_malformed_pattern_is_named() {
        for policy in [
            TagPolicy::Glob("main-[".into()),
            TagPolicy::Glob("{".repeat(400) + "a" + &"}".repeat(400)),
            TagPolicy::Regex("(".into()),
            TagPolicy::Regex("main)|(?:.*".into()),
            TagPolicy::Semver("one".into()),
        ] {
            let error = follow(&policy, "main-1")
                .expect_err("malformed")
                .to_string();
            assert_eq!(error, format!("the tag policy `{policy}` is malformed"));
        }
    }

    #[test]
    fn an_overlong_pattern_is_refused() {
        let policy = TagPolicy::Glob("*".repeat(1001));
        let error = follow(&policy, "main-1").expect_err("too long").to_string();
        assert_eq!(error, "the tag policy is longer than 1000 bytes");
        let policy = TagPolicy::Glob("*".repeat(1000));
        assert!(follow(&policy, "main-1").expect("long").is_some());
    }

    #[test]
    fn newer_is_later_or_higher() {
        let semver = TagPolicy::Semver("*".into());
        let glob = TagPolicy::Glob("*".into());
        let rows = [
            (&glob, ("a", 2), ("b", 1), true),
            (&glob, ("a", 1), ("b", 2), false),
            (&glob, ("a", 1), ("b", 1), true),
            (&semver, ("1.10.0", 1), ("1.9.0", 2), true),
            (&semver, ("1.9.0", 2), ("v1.10.0", 1), false),
            (&semver, ("1.9.0", 2), ("v1.9.0", 1), true),
        ];
        for (policy, candidate, newest, expected) in rows {
            let newer = is_newer(policy, &release(candidate), &release(newest));
            assert_eq!(newer, expected, "{policy}: {candidate:?} after {newest:?}");
        }
    }

    fn release((tag, second): (&str, i64)) -> Release {
        Release {
            tag: tag.into(),
            ..fixtures::release('a', second)
        }
    }
}
