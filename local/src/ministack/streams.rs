//! Mends what ministack keeps of DynamoDB's streams.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

/// ministack saves how far each event-source mapping has read a stream, but not the stream: after a restart the
/// stream begins at 0 again and the mapping waits beyond its end. Without the saved position it reads from 0.
pub(super) fn read_from_the_start(state_dir: &Path) -> anyhow::Result<()> {
    let file = state_dir.join("lambda.json");
    let Ok(text) = fs::read_to_string(&file) else {
        return Ok(());
    };
    let what = || format!("ministack's state {}", file.display());
    let mut state: Value = serde_json::from_str(&text).with_context(what)?;
    if let Some(positions) = state.pointer_mut("/payload/dynamodb_stream_positions/data") {
        *positions = Value::Object(serde_json::Map::new());
    }
    fs::write(&file, state.to_string()).with_context(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_forgotten_and_nothing_else() {
        let folder = tempfile::tempdir().expect("folder");
        read_from_the_start(folder.path()).expect("nothing to mend");
        let file = folder.path().join("lambda.json");
        fs::write(
            &file,
            r#"{"payload":{"esms":{"a":1},"dynamodb_stream_positions":{"data":{"x":51}}}}"#,
        )
        .expect("state");
        read_from_the_start(folder.path()).expect("mended");
        assert_eq!(
            fs::read_to_string(&file).expect("state"),
            r#"{"payload":{"esms":{"a":1},"dynamodb_stream_positions":{"data":{}}}}"#
        );
    }
}
