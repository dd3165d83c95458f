use serde_json::{Value, json};

use super::ApiError;
use super::name::{required, texts};
use super::state::State;

pub(super) fn list(state: &State, body: &Value) -> Result<Value, ApiError> {
    let arn = resource(state, body)?;
    Ok(json!({ "tags": of(state, arn) }))
}

pub(super) fn tag(state: &mut State, body: &Value) -> Result<Value, ApiError> {
    let arn = resource(state, body)?.to_owned();
    let tags = state.tags.entry(arn).or_default();
    for tag in body["tags"].as_array().into_iter().flatten() {
        tags.retain(|known| known["key"] != tag["key"]);
        tags.push(tag.clone());
    }
    Ok(json!({}))
}

pub(super) fn untag(state: &mut State, body: &Value) -> Result<Value, ApiError> {
    let arn = resource(state, body)?.to_owned();
    let keys = texts(body, "tagKeys");
    let tags = state.tags.entry(arn).or_default();
    tags.retain(|tag| !keys.iter().any(|key| tag["key"] == **key));
    Ok(json!({}))
}

/// The tags of a resource as the API shows them.
pub(super) fn of(state: &State, arn: &str) -> Value {
    json!(state.tags.get(arn).cloned().unwrap_or_default())
}

/// Gives a new resource the tags of the request that made it.
pub(super) fn replace(state: &mut State, arn: &str, tags: &Value) {
    let tags = tags.as_array().cloned().unwrap_or_default();
    state.tags.insert(arn.to_owned(), tags);
}

fn resource<'a>(state: &State, body: &'a Value) -> Result<&'a str, ApiError> {
    let arn = required(body, "resourceArn")?;
    if state.tags.contains_key(arn) {
        Ok(arn)
    } else {
        Err(ApiError::parameter(format!(
            "The specified resource is not found: {arn}"
        )))
    }
}
