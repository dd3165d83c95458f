//! What is said about whatever can be wrong without AWS: a name, the input, the whole message. The documentation quotes
//! these rows.

mod events;
mod images;
mod policies;
mod targets;
mod templates;

/// Fails with every row that has another message, as it would have to stand here.
pub(crate) fn assert_messages<T: std::fmt::Debug>(
    rows: impl IntoIterator<Item = (&'static str, anyhow::Result<T>, &'static str)>,
) {
    let mut wrong = Vec::new();
    for (name, outcome, expected) in rows {
        let found = match outcome {
            Ok(value) => format!("no error but {value:?}"),
            Err(error) => format!("{error:#}"),
        };
        if found != expected {
            wrong.push(format!("{name}:\n{found:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
