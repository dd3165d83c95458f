//! Container images, built in memory and pushed as `docker push` and buildx do it.
//! Formats: <https://github.com/opencontainers/image-spec>

pub(crate) mod layer;
mod push;

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use push::{Pushed, push_index};

/// The media type of one image's manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of a list of manifests, one for each platform.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of an image's configuration.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// When every image here was made. A clock would give the same files another digest each time.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// The label that carries the commit.
pub const REVISION: &str = "org.opencontainers.image.revision";
/// The label that carries the URL of the source.
pub const SOURCE: &str = "org.opencontainers.image.source";

/// An image from nothing but `files`.
#[derive(Clone, Debug, Default)]
pub struct Image {
    /// What it holds.
    pub files: Vec<File>,
    /// The program and its first arguments.
    pub entrypoint: Vec<String>,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// Labels, [`REVISION`] and [`SOURCE`] among them.
    pub labels: BTreeMap<String, String>,
    /// As in `amd64` or `arm64`.
    pub architecture: String,
}

/// One file of an [`Image`].
#[derive(Clone, Debug)]
pub struct File {
    /// Where it is, without a slash in front.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its permissions, as in `0o755`.
    pub mode: u32,
}

/// Bytes that a registry stores under their digest.
#[derive(Clone, Debug)]
struct Blob {
    media_type: &'static str,
    digest: String,
    bytes: Vec<u8>,
}

/// What [`Image`] becomes: a manifest and the blobs that it names.
#[derive(Debug)]
struct Built {
    manifest: Blob,
    blobs: Vec<Blob>,
}

impl Image {
    /// Pushes it under `tag`: the blobs the registry does not have yet, then the manifest.
    pub async fn push(
        &self,
        registry_url: &str,
        repository: &str,
        tag: &str,
    ) -> anyhow::Result<Pushed> {
        push::push_image(self, registry_url, repository, tag).await
    }

    fn build(&self) -> anyhow::Result<Built> {
        let layer = layer::build(&self.files).context("build the image's layer")?;
        let env: Vec<String> = self
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let config = json!({
            "created": CREATED,
            "architecture": self.architecture,
            "os": "linux",
            "config": {
                "User": format!("{0}:{0}", layer::USER),
                "Env": env,
                "Entrypoint": self.entrypoint,
                "WorkingDir": "/",
                "Labels": self.labels,
            },
            "rootfs": { "type": "layers", "diff_ids": [layer.diff_id] },
            "history": [{ "created": CREATED, "created_by": "COPY . / # couplet" }],
        });
        Ok(build(config, Blob::new(LAYER, layer.gzip), json!({})))
    }
}

impl Blob {
    fn new(media_type: &'static str, bytes: Vec<u8>) -> Blob {
        Blob {
            media_type,
            digest: digest(&bytes),
            bytes,
        }
    }

    fn json(media_type: &'static str, value: &Value) -> Blob {
        Blob::new(media_type, value.to_string().into_bytes())
    }

    /// How another blob names this one.
    fn descriptor(&self) -> Value {
        json!({
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.bytes.len(),
        })
    }
}

/// A manifest over a configuration and one layer.
fn build(config: Value, layer: Blob, layer_annotations: Value) -> Built {
    let config = Blob::json(CONFIG, &config);
    let mut layer_descriptor = layer.descriptor();
    if layer_annotations
        .as_object()
        .is_some_and(|them| !them.is_empty())
    {
        layer_descriptor["annotations"] = layer_annotations;
    }
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor(),
        "layers": [layer_descriptor],
    });
    Built {
        manifest: Blob::json(MANIFEST, &manifest),
        blobs: vec![config, layer],
    }
}

/// The name of `bytes` in a registry.
pub fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A small image that says which commit it is.
    pub(crate) fn small(commit: &str, architecture: &str) -> Image {
        Image {
            files: vec![File {
                path: "app/run".into(),
                bytes: format!("#!/bin/sh\necho {commit}\n").into_bytes(),
                mode: 0o755,
            }],
            entrypoint: vec!["/app/run".into()],
            env: BTreeMap::from([("PORT".into(), "8080".into())]),
            labels: BTreeMap::from([(REVISION.into(), commit.into())]),
            architecture: architecture.into(),
        }
    }

    #[test]
    fn a_digest_is_sha256_in_hex() {
        assert_eq!(
            digest(b"abc"),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn the_same_files_give_the_same_image() {
        let digests = ["1f3c", "1f3c", "9b2e"].map(|commit| {
            let built = small(commit, "arm64").build().unwrap();
            built.manifest.digest
        });
        assert_eq!(digests[0], digests[1]);
        assert_ne!(digests[0], digests[2]);
    }

    #[test]
    fn the_manifest_names_its_blobs_and_the_configuration_says_how_to_run() {
        let built = small("1f3c", "arm64").build().unwrap();
        let manifest: Value = serde_json::from_slice(&built.manifest.bytes).unwrap();
        let config: Value = serde_json::from_slice(&built.blobs[0].bytes).unwrap();

        assert_eq!(manifest["config"]["digest"], built.blobs[0].digest);
        assert_eq!(manifest["layers"][0]["digest"], built.blobs[1].digest);
        assert_eq!(manifest["layers"][0]["size"], built.blobs[1].bytes.len());
        assert_eq!(config["architecture"], "arm64");
        assert_eq!(config["config"]["Entrypoint"], json!(["/app/run"]));
        assert_eq!(config["config"]["Env"], json!(["PORT=8080"]));
        assert_eq!(config["config"]["Labels"][REVISION], "1f3c");
    }
}
