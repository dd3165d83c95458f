//! ECR's own API where the emulator's answers differ from AWS's.
//! Source: <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html>

use anyhow::Context;
use poem::http::StatusCode;
use poem::{Request, Response};
use serde_json::{Value, json};

use super::forward::{forward, pass};
use super::registry::{Manifest, Put, deleted, incomplete, put, stored};
use super::{State, aws_error, aws_json, read_json};
use crate::event::ACCOUNT;
use crate::image::digest;

pub(super) async fn answer(
    state: &State,
    operation: &str,
    request: Request,
) -> anyhow::Result<Response> {
    let changed = [
        "BatchDeleteImage",
        "DescribeImages",
        "GetAuthorizationToken",
        "GetDownloadUrlForLayer",
        "PutImage",
    ];
    if !changed.contains(&operation) {
        return forward(state, request).await;
    }
    let body = match read_json(request).await? {
        Ok(body) => body,
        Err(refusal) => return Ok(refusal),
    };
    if operation == "PutImage" {
        return put_image(state, &body).await;
    }

    let target = format!("AmazonEC2ContainerRegistry_V20150921.{operation}");
    let answer = state.aws.ask(&target, body.clone()).await?;
    if !answer.status().is_success() {
        return pass(answer).await;
    }
    let mut answer: Value = answer
        .json()
        .await
        .with_context(|| format!("read {operation}"))?;
    let repository = body["repositoryName"].as_str().unwrap_or_default();
    match operation {
        "BatchDeleteImage" => forget(state, repository, &answer).await?,
        "DescribeImages" => {
            if let Some(refusal) = unknown_image(repository, &body, &answer) {
                return Ok(refusal);
            }
            describe(state, repository, &body, &mut answer).await?;
        }
        "GetAuthorizationToken" => {
            answer["authorizationData"][0]["proxyEndpoint"] = json!(state.public_url);
        }
        _ => {
            let layer = body["layerDigest"].as_str().unwrap_or_default();
            if stored(state, repository, "blobs", layer).await?.is_none() {
                let message = incomplete("Layers", &[layer.to_owned()], repository);
                return Ok(aws_error("LayersNotFoundException", &message));
            }
            // AWS signs a URL that needs no further authorization; ours needs none at all.
            let url = format!("{}/v2/{repository}/blobs/{layer}", state.public_url);
            answer["downloadUrl"] = json!(url);
        }
    }
    Ok(aws_json(StatusCode::OK, &answer))
}

/// A push without the registry protocol, as it is used to give an image another tag.
/// Source: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-retag.html>
async fn put_image(state: &State, body: &Value) -> anyhow::Result<Response> {
    let text = |name: &str| body[name].as_str();
    let repository = text("repositoryName").unwrap_or_default();
    let content = text("imageManifest").unwrap_or_default();
    let of_content = digest(content.as_bytes());
    let manifest = Manifest {
        repository,
        reference: text("imageTag").unwrap_or(&of_content),
        media_type: text("imageManifestMediaType"),
        bytes: content.as_bytes().to_vec(),
    };
    let mut image_id = json!({ "imageDigest": of_content });
    if let Some(tag) = text("imageTag") {
        image_id["imageTag"] = json!(tag);
    }
    Ok(match put(state, manifest).await? {
        Put::New(_) => {
            let image = json!({
                "registryId": ACCOUNT,
                "repositoryName": repository,
                "imageId": image_id,
                "imageManifest": content,
                "imageManifestMediaType": body["imageManifestMediaType"],
            });
            aws_json(StatusCode::OK, &json!({ "image": image }))
        }
        Put::Known(_) => aws_error(
            "ImageAlreadyExistsException",
            &format!("{image_id} already exists in the repository with name '{repository}'"),
        ),
        Put::Incomplete(what, digests) => {
            let code = match what {
                "Images" => "ReferencedImagesNotFoundException",
                _ => "LayersNotFoundException",
            };
            aws_error(code, &incomplete(what, &digests, repository))
        }
        Put::Refused(_, code, message) => {
            let code = match code.as_str() {
                "NAME_UNKNOWN" => "RepositoryNotFoundException",
                "TAG_INVALID" => "ImageTagAlreadyExistsException",
                _ => "InvalidParameterException",
            };
            aws_error(code, &message)
        }
    })
}

/// Tells of deleted images, and lets the registry forget the manifests that the emulator keeps.
async fn forget(state: &State, repository: &str, answer: &Value) -> anyhow::Result<()> {
    for id in answer["imageIds"].as_array().into_iter().flatten() {
        let digest = id["imageDigest"].as_str().unwrap_or_default();
        let url = format!("{}/v2/{repository}/manifests/{digest}", state.aws.url);
        state
            .http
            .delete(url)
            .send()
            .await
            .context("delete a manifest")?;
        deleted(
            state,
            repository,
            digest,
            id["imageTag"].as_str().unwrap_or_default(),
        );
    }
    Ok(())
}

/// AWS refuses the whole question when one image is missing; the emulator leaves it out.
/// Source: <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html>
fn unknown_image(repository: &str, body: &Value, answer: &Value) -> Option<Response> {
    let details = answer["imageDetails"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let known = |id: &Value| {
        details.iter().any(|detail| {
            let tags = detail["imageTags"]
                .as_array()
                .map_or(&[][..], Vec::as_slice);
            match &id["imageDigest"] {
                Value::Null => tags.contains(&id["imageTag"]),
                digest => *digest == detail["imageDigest"],
            }
        })
    };
    let mut asked = body["imageIds"].as_array().into_iter().flatten();
    let unknown = asked.find(|id| !known(id))?;
    let part = |name: &str| unknown[name].as_str().unwrap_or("null").to_owned();
    let message = format!(
        "The image with imageId {{imageDigest:'{}', imageTag:'{}'}} does not exist within the \
         repository with name '{repository}' in the registry with id '{ACCOUNT}'",
        part("imageDigest"),
        part("imageTag")
    );
    Some(aws_error("ImageNotFoundException", &message))
}

/// Makes details as AWS gives them: the filter honoured, no empty list of tags, a time with
/// milliseconds, and size and artifact type from the manifest.
async fn describe(
    state: &State,
    repository: &str,
    body: &Value,
    answer: &mut Value,
) -> anyhow::Result<()> {
    let Some(details) = answer["imageDetails"].as_array_mut() else {
        return Ok(());
    };
    let tagged = |detail: &Value| detail["imageTags"].get(0).is_some();
    match body["filter"]["tagStatus"].as_str() {
        Some("TAGGED") => details.retain(tagged),
        Some("UNTAGGED") => details.retain(|detail| !tagged(detail)),
        _ => {}
    }
    for detail in details {
        let digest = detail["imageDigest"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let url = format!("{}/v2/{repository}/manifests/{digest}", state.aws.url);
        let manifest = state
            .http
            .get(url)
            .send()
            .await
            .context("read a manifest")?;
        let manifest: Value = manifest.json().await.context("read a manifest")?;
        let time = state.pushes.time(repository, &digest);
        correct(detail, &manifest, time);
    }
    Ok(())
}

fn correct(detail: &mut Value, manifest: &Value, pushed_at: Option<i64>) {
    let Some(fields) = detail.as_object_mut() else {
        return;
    };
    if fields
        .get("imageTags")
        .is_some_and(|tags| tags.get(0).is_none())
    {
        fields.remove("imageTags");
    }
    if let Some(milliseconds) = pushed_at {
        fields.insert("imagePushedAt".into(), json!(milliseconds as f64 / 1000.0));
    }
    match manifest["config"]["mediaType"].as_str() {
        Some(artifact) => fields.insert("artifactMediaType".into(), json!(artifact)),
        None => fields.remove("artifactMediaType"),
    };
    let layers = manifest["layers"].as_array().into_iter().flatten();
    let sizes = layers
        .chain([&manifest["config"]])
        .filter_map(|it| it["size"].as_u64());
    let size: u64 = sizes.sum();
    if size > 0 {
        fields.insert("imageSizeInBytes".into(), json!(size));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_corrected_from_the_manifest() {
        let mut detail = json!({
            "imageDigest": "sha256:0abc",
            "imageTags": [],
            "imageSizeInBytes": 300,
            "imagePushedAt": 1_767_225_600,
            "artifactMediaType": "application/vnd.oci.image.manifest.v1+json",
        });
        let manifest = json!({
            "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "size": 400 },
            "layers": [{ "size": 10_000 }, { "size": 600 }],
        });
        correct(&mut detail, &manifest, Some(1_767_225_600_250));
        let corrected = json!({
            "imageDigest": "sha256:0abc",
            "imageSizeInBytes": 11_000,
            "imagePushedAt": 1_767_225_600.25,
            "artifactMediaType": "application/vnd.oci.image.config.v1+json",
        });
        assert_eq!(detail, corrected);
    }

    #[test]
    fn an_index_has_no_artifact_type() {
        let mut detail = json!({ "imageTags": ["main-1"], "artifactMediaType": "x" });
        correct(&mut detail, &json!({ "manifests": [] }), None);
        assert_eq!(detail, json!({ "imageTags": ["main-1"] }));
    }
}
