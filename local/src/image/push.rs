//! The registry protocol, the half that pushes.
//! Source: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push>

use anyhow::{Context, bail};
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use serde_json::{Value, json};

use super::{Blob, Built, INDEX, Image, build};
use crate::aws::http;

const IN_TOTO: &str = "application/vnd.in-toto+json";
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";

/// What was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The digest of what the tag names now.
    pub digest: String,
    /// The digests of an index's manifests in the order in which they were pushed.
    pub children: Vec<String>,
}

/// Pushes one manifest a platform, an attestation for each and last the index, under `tag`, as
/// buildx does.
/// Source: <https://docs.docker.com/build/metadata/attestations/attestation-storage/>
pub async fn push_index(
    registry_url: &str,
    repository: &str,
    tag: &str,
    images: &[Image],
) -> anyhow::Result<Pushed> {
    let registry = Registry::new(registry_url, repository)?;
    let mut manifests = Vec::new();
    for image in images {
        let built = image.build()?;
        registry.push_built(&built, &built.manifest.digest).await?;
        let mut descriptor = built.manifest.descriptor();
        descriptor["platform"] = json!({ "architecture": image.architecture, "os": "linux" });
        manifests.push(descriptor);
    }
    for image in manifests.clone() {
        let attestation = attestation(&image);
        registry
            .push_built(&attestation, &attestation.manifest.digest)
            .await?;
        let mut descriptor = attestation.manifest.descriptor();
        descriptor["annotations"] = json!({
            "vnd.docker.reference.digest": image["digest"],
            "vnd.docker.reference.type": "attestation-manifest",
        });
        descriptor["platform"] = json!({ "architecture": "unknown", "os": "unknown" });
        manifests.push(descriptor);
    }

    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
    let index = Blob::json(INDEX, &index);
    registry.put_manifest(&index, tag).await?;
    let children = manifests.iter().filter_map(|it| it["digest"].as_str());
    Ok(Pushed {
        digest: index.digest,
        children: children.map(str::to_owned).collect(),
    })
}

pub(super) async fn push_image(
    image: &Image,
    registry_url: &str,
    repository: &str,
    tag: &str,
) -> anyhow::Result<Pushed> {
    let built = image.build()?;
    let registry = Registry::new(registry_url, repository)?;
    registry.push_built(&built, tag).await?;
    Ok(Pushed {
        digest: built.manifest.digest,
        children: Vec::new(),
    })
}

/// What buildx says about how an image was made.
fn attestation(image: &Value) -> Built {
    let sha256 = image["digest"]
        .as_str()
        .unwrap_or_default()
        .trim_start_matches("sha256:");
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "_", "digest": { "sha256": sha256 } }],
        "predicateType": PROVENANCE,
        "predicate": { "buildDefinition": {}, "runDetails": {} },
    });
    let layer = Blob::json(IN_TOTO, &statement);
    let config = json!({
        "architecture": "unknown",
        "os": "unknown",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": [layer.digest] },
    });
    build(
        config,
        layer,
        json!({ "in-toto.io/predicate-type": PROVENANCE }),
    )
}

/// One repository of a registry.
struct Registry {
    http: reqwest::Client,
    repository: Url,
}

impl Registry {
    fn new(registry_url: &str, repository: &str) -> anyhow::Result<Registry> {
        let url = format!("{}/v2/{repository}/", registry_url.trim_end_matches('/'));
        Ok(Registry {
            http: http(),
            repository: Url::parse(&url).with_context(|| format!("read the URL {url}"))?,
        })
    }

    async fn push_built(&self, built: &Built, reference: &str) -> anyhow::Result<()> {
        for blob in &built.blobs {
            self.put_blob(blob).await?;
        }
        self.put_manifest(&built.manifest, reference).await
    }

    async fn put_blob(&self, blob: &Blob) -> anyhow::Result<()> {
        let digest = &blob.digest;
        let head = self.request(Method::HEAD, &format!("blobs/{digest}"))?;
        let known = head
            .send()
            .await
            .with_context(|| format!("look for blob {digest}"))?;
        if known.status() == StatusCode::OK {
            return Ok(());
        }

        let what = format!("push blob {digest}");
        let started = send(self.request(Method::POST, "blobs/uploads/")?, &what).await?;
        let upload = location(&started)?;
        let chunk = self
            .http
            .patch(upload)
            .header("content-type", "application/octet-stream");
        let written = send(chunk.body(blob.bytes.clone()), &what).await?;
        let mut upload = location(&written)?;
        upload.query_pairs_mut().append_pair("digest", digest);
        send(self.http.put(upload), &what).await.map(drop)
    }

    async fn put_manifest(&self, manifest: &Blob, reference: &str) -> anyhow::Result<()> {
        let request = self
            .request(Method::PUT, &format!("manifests/{reference}"))?
            .header("content-type", manifest.media_type)
            .body(manifest.bytes.clone());
        send(request, &format!("push manifest {reference}"))
            .await
            .map(drop)
    }

    fn request(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        // A digest's colon would make `join` read it as a scheme.
        let url = self
            .repository
            .join(&format!("./{path}"))
            .context("build a registry URL")?;
        Ok(self.http.request(method, url))
    }
}

/// Sends and demands success; the answer's body is the registry's reason otherwise.
async fn send(request: RequestBuilder, what: &str) -> anyhow::Result<reqwest::Response> {
    let answer = request.send().await.with_context(|| what.to_owned())?;
    let status = answer.status();
    if !status.is_success() {
        bail!(
            "{what}: the registry answered {status}: {}",
            answer.text().await.unwrap_or_default()
        );
    }
    Ok(answer)
}

/// Where an upload goes on: a registry may answer with a path or with a whole URL.
fn location(answer: &reqwest::Response) -> anyhow::Result<Url> {
    let header = answer
        .headers()
        .get("location")
        .context("an upload has no location")?;
    let location = header.to_str().context("an upload's location is no text")?;
    answer
        .url()
        .join(location)
        .context("an upload's location is no URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attestation_names_the_image_it_speaks_of() {
        let built = attestation(&json!({ "digest": "sha256:0abc" }));
        let statement: Value = serde_json::from_slice(&built.blobs[1].bytes).unwrap();
        let manifest: Value = serde_json::from_slice(&built.manifest.bytes).unwrap();
        assert_eq!(statement["subject"][0]["digest"]["sha256"], "0abc");
        assert_eq!(
            manifest["layers"][0]["annotations"]["in-toto.io/predicate-type"],
            PROVENANCE
        );
    }
}
