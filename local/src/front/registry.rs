//! Pushes: a manifest that the registry takes becomes an event, as in ECR.
//! Source: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html>

use std::collections::HashMap;
use std::sync::Mutex;

use anyhow::Context;
use chrono::Utc;
use poem::http::{Method, StatusCode};
use poem::{Request, Response};
use serde_json::{Value, json};

use super::State;
use super::forward::forward;
use crate::event::ACCOUNT;
use crate::image::digest;

/// What is remembered of pushes.
#[derive(Debug, Default)]
pub(super) struct Pushes {
    /// One push at a time: a manifest is new once, and its event comes after those of its children.
    turn: tokio::sync::Mutex<()>,
    /// When an image of a repository came, in milliseconds, which ECR knows and the emulator
    /// rounds to seconds.
    times: Mutex<HashMap<(String, String), i64>>,
}

/// A manifest on its way in.
pub(super) struct Manifest<'a> {
    pub(super) repository: &'a str,
    /// A tag or a digest.
    pub(super) reference: &'a str,
    pub(super) media_type: Option<&'a str>,
    pub(super) bytes: Vec<u8>,
}

/// What became of a manifest.
pub(super) enum Put {
    /// It is stored, and an event went out.
    New(String),
    /// The same digest was there under the same reference. `PutImage` answers that with
    /// `ImageAlreadyExistsException`, so there is nothing to tell anyone.
    /// Source: <https://github.com/aws/aws-sdk/issues/750>
    Known(String),
    /// It names what was not pushed before it: these `Images` or `Layers`.
    Incomplete(&'static str, Vec<String>),
    /// The registry's own refusal: a status, one of its codes, and why.
    Refused(StatusCode, String, String),
}

impl Pushes {
    /// When an image came, in milliseconds, unless that was before our time.
    pub(super) fn time(&self, repository: &str, digest: &str) -> Option<i64> {
        self.lock()
            .get(&(repository.to_owned(), digest.to_owned()))
            .copied()
    }

    fn add(&self, repository: &str, digest: &str) {
        let now = Utc::now().timestamp_millis();
        self.lock()
            .entry((repository.to_owned(), digest.to_owned()))
            .or_insert(now);
    }

    fn remove(&self, repository: &str, digest: &str) {
        self.lock()
            .remove(&(repository.to_owned(), digest.to_owned()));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), i64>> {
        self.times
            .lock()
            .expect("nobody panics while holding the times")
    }
}

/// Repository and reference in `/v2/REPOSITORY/manifests/REFERENCE`.
pub(super) fn manifest_of(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix("/v2/")?.rsplit_once("/manifests/")
}

/// A `PUT` or `DELETE` of a manifest by the registry protocol.
pub(super) async fn answer(state: &State, request: Request) -> anyhow::Result<Response> {
    let path = request.uri().path().to_owned();
    let (repository, reference) = manifest_of(&path).context("the path names no manifest")?;
    if request.method() == Method::DELETE {
        let answer = forward(state, request).await?;
        // Only a digest gets this far: the emulator refuses to delete by tag.
        if answer.is_success() {
            deleted(state, repository, reference, "");
        }
        return Ok(answer);
    }

    let media_type = request.content_type().map(str::to_owned);
    let bytes = request
        .into_body()
        .into_vec()
        .await
        .context("read a manifest")?;
    let manifest = Manifest {
        repository,
        reference,
        media_type: media_type.as_deref(),
        bytes,
    };
    Ok(match put(state, manifest).await? {
        Put::New(digest) | Put::Known(digest) => Response::builder()
            .status(StatusCode::CREATED)
            .header("location", format!("/v2/{repository}/manifests/{digest}"))
            .header("docker-content-digest", digest)
            .header("docker-distribution-api-version", "registry/2.0")
            .finish(),
        Put::Incomplete(what, digests) => {
            let message = incomplete(what, &digests, repository);
            refusal(StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN", &message)
        }
        Put::Refused(status, code, message) => refusal(status, &code, &message),
    })
}

/// Stores a manifest and tells of it.
pub(super) async fn put(state: &State, manifest: Manifest<'_>) -> anyhow::Result<Put> {
    let Manifest {
        repository,
        reference,
        media_type,
        bytes,
    } = manifest;
    let _turn = state.pushes.turn.lock().await;

    let digest = digest(&bytes);
    let Ok(content) = serde_json::from_slice::<Value>(&bytes) else {
        let message = "the manifest is not JSON".to_owned();
        return Ok(Put::Refused(
            StatusCode::BAD_REQUEST,
            "MANIFEST_INVALID".into(),
            message,
        ));
    };
    if reference.starts_with("sha256:") && reference != digest {
        let message = format!("the manifest's digest is {digest}, not {reference}");
        return Ok(Put::Refused(
            StatusCode::BAD_REQUEST,
            "DIGEST_INVALID".into(),
            message,
        ));
    }
    if let Some(missing) = missing(state, repository, &content).await? {
        return Ok(missing);
    }
    let known = stored(state, repository, "manifests", reference).await?;
    let media_type = media_type
        .or(content["mediaType"].as_str())
        .unwrap_or_default();

    let url = format!("{}/v2/{repository}/manifests/{reference}", state.aws.url);
    let request = state
        .http
        .put(url)
        .header("content-type", media_type)
        .body(bytes);
    let answer = request
        .send()
        .await
        .context("put a manifest into the emulator")?;
    let status = answer.status();
    if !status.is_success() {
        let reason: Value = answer.json().await.unwrap_or_default();
        let text = |name: &str| {
            reason["errors"][0][name]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        return Ok(Put::Refused(status, text("code"), text("message")));
    }
    if known.as_deref() == Some(digest.as_str()) {
        return Ok(Put::Known(digest));
    }
    state.pushes.add(repository, &digest);
    let detail = push_detail(repository, reference, &digest, media_type, &content);
    state
        .events
        .send("aws.ecr", "ECR Image Action", &[], detail);
    Ok(Put::New(digest))
}

/// Tells that an image is gone.
pub(super) fn deleted(state: &State, repository: &str, digest: &str, tag: &str) {
    state.pushes.remove(repository, digest);
    let detail = json!({
        "result": "SUCCESS",
        "repository-name": repository,
        "image-digest": digest,
        "action-type": "DELETE",
        "image-tag": tag,
    });
    state
        .events
        .send("aws.ecr", "ECR Image Action", &[], detail);
}

/// ECR's words for a manifest that came before what it names.
/// Source: <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html>
pub(super) fn incomplete(what: &str, digests: &[String], repository: &str) -> String {
    format!(
        "{what} with digests '[{}]' required for pushing image into repository with name \
         '{repository}' in the registry with id '{ACCOUNT}' do not exist",
        digests.join(", ")
    )
}

/// The digest under which the registry has `reference`, if it has it.
pub(super) async fn stored(
    state: &State,
    repository: &str,
    kind: &str,
    reference: &str,
) -> anyhow::Result<Option<String>> {
    let url = format!("{}/v2/{repository}/{kind}/{reference}", state.aws.url);
    let answer = state
        .http
        .head(url)
        .send()
        .await
        .context("look into the emulator's registry")?;
    let digest = answer.headers().get("docker-content-digest");
    Ok(digest.and_then(|it| it.to_str().ok()).map(str::to_owned))
}

/// What a manifest names and the registry does not have, as the refusal that ECR makes of it.
async fn missing(state: &State, repository: &str, manifest: &Value) -> anyhow::Result<Option<Put>> {
    let list = |name: &str| manifest[name].as_array().into_iter().flatten();
    for (what, kind, named) in [
        ("Images", "manifests", list("manifests").collect::<Vec<_>>()),
        (
            "Layers",
            "blobs",
            list("layers").chain([&manifest["config"]]).collect(),
        ),
    ] {
        let mut absent = Vec::new();
        for digest in named.into_iter().filter_map(|it| it["digest"].as_str()) {
            if stored(state, repository, kind, digest).await?.is_none() {
                absent.push(digest.to_owned());
            }
        }
        if !absent.is_empty() {
            return Ok(Some(Put::Incomplete(what, absent)));
        }
    }
    Ok(None)
}

/// The detail of a push. What comes by digest, as the children of an index do, has an empty tag
/// and not none; an index has no artifact type.
/// Seen in <https://github.com/awslabs/cfn-ecr-aws-soci-index-builder/pull/137>
fn push_detail(
    repository: &str,
    reference: &str,
    digest: &str,
    media_type: &str,
    manifest: &Value,
) -> Value {
    let tag = if reference.starts_with("sha256:") {
        ""
    } else {
        reference
    };
    let mut detail = json!({
        "result": "SUCCESS",
        "repository-name": repository,
        "image-digest": digest,
        "action-type": "PUSH",
        "image-tag": tag,
        "manifest-media-type": media_type,
    });
    if let Some(artifact) = manifest["config"]["mediaType"].as_str() {
        detail["artifact-media-type"] = json!(artifact);
    }
    detail
}

/// An error of the registry protocol.
/// Source: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes>
fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "errors": [{ "code": code, "message": message, "detail": {} }] });
    Response::builder()
        .status(status)
        .content_type("application/json")
        .body(body.to_string())
}
