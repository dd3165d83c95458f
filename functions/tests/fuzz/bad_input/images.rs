//! Images whose words cannot be read.

use functions::image::{by_config, by_manifest};
use serde_json::json;

use super::assert_messages;
use crate::fuzz::given::digest;

#[test]
fn images() {
    let short = json!({ "config": { "digest": "sha256:1" } }).to_string();
    let untold = json!({ "manifests": [{ "digest": digest(1), "platform": {} }] }).to_string();
    let rows = [
        (
            "a manifest that is no JSON",
            by_manifest("<html>"),
            "the image's manifest is malformed: expected value at line 1 column 1",
        ),
        (
            "a manifest with a shortened digest",
            by_manifest(&short),
            "the image's manifest is malformed: `sha256:1` is not a sha256 digest at line 1 column 31",
        ),
        (
            "a platform without a system",
            by_manifest(&untold),
            "the image's manifest is malformed: missing field `os` at line 1 column 111",
        ),
        (
            "a configuration that is no JSON",
            by_config(""),
            "the image's configuration is malformed: EOF while parsing a value at line 1 column 0",
        ),
        (
            "a label that is no text",
            by_config(r#"{"config":{"Labels":{"a":1}}}"#),
            "the image's configuration is malformed: invalid type: integer `1`, expected a string at line 1 column 26",
        ),
    ];
    assert_messages(rows);
}
