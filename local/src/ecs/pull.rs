//! Images from a registry (OCI distribution API), unpacked once into a folder of their own.
//! Source: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>

use std::io::Read;
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::image::digest;

const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// Images on this machine, and the registry that the others come from.
pub(super) struct Images {
    registry: String,
    folder: PathBuf,
    client: reqwest::Client,
    /// One pull at a time: two tasks of one image would unpack it twice.
    turn: Mutex<()>,
}

/// An image that can run.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// The digest of what the reference names: for an index that of the index.
    pub(super) digest: String,
    /// Where its files are.
    pub(super) root: PathBuf,
    pub(super) config: Config,
}

/// What the image says about how to run it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Config {
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) cmd: Option<Vec<String>>,
    pub(super) env: Option<Vec<String>>,
    pub(super) working_dir: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ConfigFile {
    config: Config,
}

/// A manifest: what the registry said and its digest.
struct Manifest {
    digest: String,
    body: Value,
}

impl Images {
    pub(super) fn new(registry: &str, folder: PathBuf, client: reqwest::Client) -> Images {
        Images {
            registry: registry.trim_end_matches('/').to_owned(),
            folder,
            client,
            turn: Mutex::new(()),
        }
    }

    /// Gets an image by the name that a container definition gives it. As on Fargate the registry is asked every time;
    /// the layers are fetched once. The error is the sentence that ECS gives as the reason.
    pub(super) async fn pull(&self, name: &str) -> Result<Image, String> {
        let _turn = self.turn.lock().await;
        let outcome = self.fetch(name).await;
        outcome.map_err(|why| {
            format!("CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {name}: {why}")
        })
    }

    async fn fetch(&self, name: &str) -> Result<Image, String> {
        let (repository, reference) = parse(name);
        let named = self.manifest(repository, reference).await?;
        let digest = named.digest.clone();
        let manifest = match named.body["manifests"].as_array() {
            Some(children) => {
                self.manifest(repository, of_this_machine(children)?)
                    .await?
            }
            None => named,
        };
        let home = self.folder.join(manifest.digest.replace(':', "-"));
        if !home.exists() {
            self.unpack(repository, &manifest.body, &home).await?;
        }
        let file: ConfigFile = std::fs::read(home.join("config.json"))
            .map_err(|e| e.to_string())
            .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|e| e.to_string()))
            .map_err(|why| format!("unreadable image config: {why}"))?;
        Ok(Image {
            digest,
            root: home.join("root"),
            config: file.config,
        })
    }

    /// Unpacks beside the final folder and renames: a pull that is cut off leaves nothing that looks finished.
    async fn unpack(&self, repository: &str, manifest: &Value, home: &Path) -> Result<(), String> {
        let draft = home.with_extension("draft");
        let root = draft.join("root");
        if draft.exists() {
            std::fs::remove_dir_all(&draft).map_err(|e| e.to_string())?;
        }
        std::fs::create_dir_all(&root).map_err(|e| e.to_string())?;
        let config = self.blob(repository, &manifest["config"]).await?;
        std::fs::write(draft.join("config.json"), config).map_err(|e| e.to_string())?;
        for layer in manifest["layers"].as_array().into_iter().flatten() {
            let bytes = self.blob(repository, layer).await?;
            let root = root.clone();
            let unpacked = tokio::task::spawn_blocking(move || unpack_layer(&bytes, &root)).await;
            unpacked
                .map_err(|e| e.to_string())?
                .map_err(|why| format!("failed to extract layer {}: {why}", layer["digest"]))?;
        }
        std::fs::rename(&draft, home).map_err(|e| e.to_string())
    }

    async fn manifest(&self, repository: &str, reference: &str) -> Result<Manifest, String> {
        let bytes = self.get(repository, "manifests", reference).await?;
        let digest = digest(&bytes);
        if reference.starts_with("sha256:") && reference != digest {
            return Err(format!("manifest {reference} has digest {digest}"));
        }
        let body = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
        Ok(Manifest { digest, body })
    }

    async fn blob(&self, repository: &str, descriptor: &Value) -> Result<Vec<u8>, String> {
        let named = descriptor["digest"].as_str().unwrap_or_default();
        let bytes = self.get(repository, "blobs", named).await?;
        match digest(&bytes) == named {
            true => Ok(bytes),
            false => Err(format!("blob {named} has another content")),
        }
    }

    async fn get(&self, repository: &str, kind: &str, what: &str) -> Result<Vec<u8>, String> {
        let url = format!("{}/v2/{repository}/{kind}/{what}", self.registry);
        let request = self.client.get(&url).header("accept", ACCEPT);
        let response = request.send().await.map_err(|e| e.to_string())?;
        if !response.status().is_success() {
            return Err(match response.status().as_u16() {
                404 => format!("{repository}: {what}: not found"),
                status => format!("{repository}: {what}: the registry answered {status}"),
            });
        }
        let bytes = response.bytes().await.map_err(|e| e.to_string())?;
        Ok(bytes.to_vec())
    }
}

/// The repository and the tag or digest of an image name: `[registry/]repository[:tag][@digest]`. A digest wins over
/// a tag; the registry is always ours.
fn parse(name: &str) -> (&str, &str) {
    let (name, digest) = match name.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (name, None),
    };
    let name = match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => rest,
        _ => name,
    };
    let (repository, tag) = name.split_once(':').unwrap_or((name, "latest"));
    (repository, digest.unwrap_or(tag))
}

/// The child of an index for Linux on this machine's processor, whatever the task definition's runtimePlatform says.
/// Attestations stand there as unknown/unknown.
/// Source: <https://docs.docker.com/build/metadata/attestations/attestation-storage/>
fn of_this_machine(children: &[Value]) -> Result<&str, String> {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    children
        .iter()
        .find(|child| {
            let platform = &child["platform"];
            platform["os"] == "linux" && platform["architecture"] == architecture
        })
        .and_then(|child| child["digest"].as_str())
        .ok_or_else(|| {
            format!("image Manifest does not contain descriptor matching platform 'linux/{architecture}'")
        })
}

fn unpack_layer(bytes: &[u8], root: &Path) -> std::io::Result<()> {
    let reader: Box<dyn Read + '_> = match bytes {
        [0x1f, 0x8b, ..] => Box::new(GzDecoder::new(bytes)),
        _ => Box::new(bytes),
    };
    for entry in tar::Archive::new(reader).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let name = path.file_name().and_then(|name| name.to_str());
        match name.and_then(|name| name.strip_prefix(".wh.")) {
            // An opaque folder hides what lower layers put there; keeping it harms nobody here.
            Some(".wh..opq") => {}
            Some(hidden) => remove(root, &path.with_file_name(hidden))?,
            None => {
                entry.unpack_in(root)?;
            }
        }
    }
    Ok(())
}

/// A whiteout: the file of a lower layer is gone.
/// Source: <https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts>
fn remove(root: &Path, path: &Path) -> std::io::Result<()> {
    let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    if !path.components().all(inside) {
        return Ok(());
    }
    let path = root.join(path);
    match path.symlink_metadata() {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_images() {
        let digest = "sha256:aa";
        for (name, expected) in [
            ("poems", ("poems", "latest")),
            ("team/poems:v1", ("team/poems", "v1")),
            ("poems@sha256:aa", ("poems", digest)),
            (
                "127.0.0.1:7401/team/poems:v1@sha256:aa",
                ("team/poems", digest),
            ),
            (
                "000000000000.dkr.ecr.us-east-1.amazonaws.com/poems:v1",
                ("poems", "v1"),
            ),
        ] {
            assert_eq!(parse(name), expected, "{name}");
        }
    }

    #[test]
    fn an_index_of_attestations_only_has_nothing_to_run() {
        let attestation = serde_json::json!({"digest": "sha256:aa", "platform": {"os": "unknown", "architecture": "unknown"}});
        let why = of_this_machine(&[attestation]).unwrap_err();
        assert!(why.contains("matching platform 'linux/"), "{why}");
    }
}
