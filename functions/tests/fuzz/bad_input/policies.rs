//! Tag policies that are refused.

use functions::policy::follow;
use ledger::TagPolicy;

use super::assert_messages;

#[test]
fn tag_policies() {
    let rows = [
        (
            "a class that is not closed",
            TagPolicy::Glob("main-[".into()),
            "the tag policy `glob main-[` is malformed: error parsing glob 'main-[': unclosed character class; missing ']'",
        ),
        (
            "an alternative that is not closed",
            TagPolicy::Glob("{main,v".into()),
            "the tag policy `glob {main,v` is malformed: error parsing glob '{main,v': unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)",
        ),
        (
            "a range in the wrong order",
            TagPolicy::Glob("[z-a]".into()),
            "the tag policy `glob [z-a]` is malformed: error parsing glob '[z-a]': invalid range; 'z' > 'a'",
        ),
        (
            "nothing after a backslash",
            TagPolicy::Glob("main-\\".into()),
            "the tag policy `glob main-\\` is malformed: error parsing glob 'main-\\': dangling '\\'",
        ),
        (
            "a group that is not closed",
            TagPolicy::Regex("(main".into()),
            "the tag policy `regex (main` is malformed: found open group without closing ')'",
        ),
        (
            "a group that is not opened",
            TagPolicy::Regex("main)|(?:.*".into()),
            "the tag policy `regex main)|(?:.*` is malformed: found closing ')' without matching '('",
        ),
        (
            "a repetition of nothing",
            TagPolicy::Regex("*".into()),
            "the tag policy `regex *` is malformed: uncounted repetition operator must be applied to a sub-expression",
        ),
        (
            "a repetition of too much",
            TagPolicy::Regex("a{1000}{1000}".into()),
            "the tag policy `regex a{1000}{1000}` is malformed: compiled regex exceeded size limit",
        ),
        (
            "a look-ahead",
            TagPolicy::Regex("(?!main).*".into()),
            "the tag policy `regex (?!main).*` is malformed: look-around is not supported",
        ),
        (
            "a comment at the end",
            TagPolicy::Regex("(?x)main # all".into()),
            "the tag policy `regex (?x)main # all` is malformed: found open group without closing ')'",
        ),
        (
            "a range without a number",
            TagPolicy::Semver(">=".into()),
            "the tag policy `semver >=` is malformed: unexpected end of input while parsing major version number",
        ),
        (
            "a word for a range",
            TagPolicy::Semver("latest".into()),
            "the tag policy `semver latest` is malformed: unexpected character 'l' while parsing major version number",
        ),
        (
            "a range that npm would take",
            TagPolicy::Semver(">=1.4 <2".into()),
            "the tag policy `semver >=1.4 <2` is malformed: expected comma after minor version number, found '<'",
        ),
        (
            "no range",
            TagPolicy::Semver("".into()),
            "the tag policy `semver ` is malformed: unexpected end of input while parsing major version number",
        ),
        (
            "an overlong pattern",
            TagPolicy::Glob("*".repeat(1001)),
            "the tag policy is longer than 1000 bytes",
        ),
    ];
    assert_messages(rows.map(|(name, policy, message)| (name, follow(&policy, "main-1"), message)));
}
