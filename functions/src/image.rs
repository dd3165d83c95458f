//! What an image says of itself: the commit that it was built from, and the processors that it was built for.

use anyhow::{Context, Result};
use ledger::{Commit, Digest};
use serde::Deserialize;
use std::collections::HashMap;

/// The key under which both labels and annotations name the commit.
/// Source: <https://github.com/opencontainers/image-spec/blob/main/annotations.md>
const REVISION: &str = "org.opencontainers.image.revision";

/// Where to look for the commit next.
#[derive(Clone, Debug, PartialEq)]
pub enum Lead {
    /// Here it is.
    Commit(Commit),
    /// An index: ask this child's manifest.
    Child(Digest),
    /// A manifest: ask this configuration for its labels.
    Config(Digest),
    /// Nothing more to ask.
    End,
}

/// The processors that an image was built for, as images name them: `amd64`, `arm64`.
#[derive(Clone, Debug, PartialEq)]
pub enum Built {
    /// These, as far as it says.
    For(Vec<String>),
    /// A manifest: ask this configuration.
    Config(Digest),
}

#[derive(Deserialize)]
struct Manifest {
    annotations: Option<HashMap<String, String>>,
    manifests: Option<Vec<Child>>,
    config: Option<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: Digest,
}

#[derive(Deserialize)]
struct Child {
    digest: Digest,
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    os: String,
    architecture: Option<String>,
}

/// What a manifest or an index says. Attestations stand in an index as children of the platform "unknown".
/// Source: <https://docs.docker.com/build/metadata/attestations/attestation-storage/>
pub fn by_manifest(manifest: &str) -> Result<Lead> {
    let manifest = parse(manifest)?;
    if let Some(commit) = manifest.annotations.as_ref().and_then(commit) {
        return Ok(Lead::Commit(commit));
    }
    if let Some(child) = manifest.manifests.iter().flatten().find(runs) {
        return Ok(Lead::Child(child.digest.clone()));
    }
    Ok(manifest
        .config
        .map_or(Lead::End, |config| Lead::Config(config.digest)))
}

/// The images that an index leads to; none of what is no index.
pub fn children(manifest: &str) -> Result<Vec<Digest>> {
    let children = parse(manifest)?.manifests.into_iter().flatten();
    let running = children.filter(|child| runs(&child));
    Ok(running.map(|child| child.digest).collect())
}

/// What an image's configuration says.
pub fn by_config(config: &str) -> Result<Lead> {
    #[derive(Deserialize)]
    struct Config {
        config: Option<Labelled>,
    }
    #[derive(Deserialize)]
    struct Labelled {
        #[serde(rename = "Labels")]
        labels: Option<HashMap<String, String>>,
    }
    let config: Config =
        serde_json::from_str(config).context("the image's configuration is malformed")?;
    let labels = config.config.and_then(|config| config.labels);
    Ok(labels
        .as_ref()
        .and_then(commit)
        .map_or(Lead::End, Lead::Commit))
}

/// What a manifest or an index says about processors.
pub fn built(manifest: &str) -> Result<Built> {
    let manifest = parse(manifest)?;
    let platforms = manifest.manifests.iter().flatten().filter(runs);
    let architectures = platforms.filter_map(|child| child.platform.as_ref()?.architecture.clone());
    Ok(match (manifest.config, manifest.manifests.is_some()) {
        (Some(config), false) => Built::Config(config.digest),
        _ => Built::For(architectures.collect()),
    })
}

/// The processor that an image's configuration names.
pub fn architecture(config: &str) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Config {
        architecture: Option<String>,
    }
    let config: Config =
        serde_json::from_str(config).context("the image's configuration is malformed")?;
    Ok(config.architecture)
}

fn parse(manifest: &str) -> Result<Manifest> {
    serde_json::from_str(manifest).context("the image's manifest is malformed")
}

/// Whether a child of an index is an image, and no attestation.
fn runs(child: &&Child) -> bool {
    match &child.platform {
        Some(platform) => platform.os != "unknown",
        None => true,
    }
}

fn commit(words: &HashMap<String, String>) -> Option<Commit> {
    Commit::parse(words.get(REVISION)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn digest(letter: &str) -> Digest {
        Digest::parse(&format!("sha256:{}", letter.repeat(64))).expect("digest")
    }

    fn sha() -> Commit {
        Commit::parse(&"c".repeat(40)).expect("commit")
    }

    #[test]
    fn an_index_leads_past_attestations_to_a_child_that_runs() {
        let index = json!({ "manifests": [
            { "digest": digest("a"), "platform": { "os": "unknown", "architecture": "unknown" } },
            { "digest": digest("b"), "platform": { "os": "linux", "architecture": "arm64" } },
        ]});
        let lead = by_manifest(&index.to_string()).expect("index");
        assert_eq!(lead, Lead::Child(digest("b")));
    }

    #[test]
    fn annotations_win_and_labels_are_asked_last() {
        let manifest = json!({ "config": { "digest": digest("d") }, "layers": [] });
        let lead = by_manifest(&manifest.to_string()).expect("manifest");
        assert_eq!(lead, Lead::Config(digest("d")));

        // Go writes an empty list as null.
        let manifest = json!({ "config": { "digest": digest("d") }, "manifests": null });
        let lead = by_manifest(&manifest.to_string()).expect("manifest");
        assert_eq!(lead, Lead::Config(digest("d")));

        let annotated =
            json!({ "config": { "digest": digest("d") }, "annotations": { REVISION: sha() } });
        let lead = by_manifest(&annotated.to_string()).expect("manifest");
        assert_eq!(lead, Lead::Commit(sha()));

        let labelled = json!({ "config": { "Labels": { REVISION: sha() } } });
        assert_eq!(
            by_config(&labelled.to_string()).expect("config"),
            Lead::Commit(sha())
        );
    }

    #[test]
    fn an_image_says_for_which_processors_it_was_built() {
        let child = |os: &str, architecture: &str| {
            json!({
                "digest": digest("a"),
                "platform": { "os": os, "architecture": architecture },
            })
        };
        let index = json!({ "manifests": [
            child("linux", "amd64"), child("linux", "arm64"), child("unknown", "unknown"),
        ]});
        let both = Built::For(vec!["amd64".into(), "arm64".into()]);
        assert_eq!(built(&index.to_string()).expect("index"), both);
        let manifest = json!({ "config": { "digest": digest("d") } });
        let config = Built::Config(digest("d"));
        assert_eq!(built(&manifest.to_string()).expect("manifest"), config);
        let silent = json!({ "manifests": [{ "digest": digest("a") }] });
        let nothing = Built::For(Vec::new());
        assert_eq!(built(&silent.to_string()).expect("index"), nothing);

        let config = r#"{"architecture":"arm64","os":"linux"}"#;
        assert_eq!(architecture(config).expect("config"), Some("arm64".into()));
        assert_eq!(architecture("{}").expect("config"), None);
    }

    #[test]
    fn a_shortened_commit_is_none() {
        let labelled = json!({ "config": { "Labels": { REVISION: "c0ffee" } } });
        assert_eq!(by_config(&labelled.to_string()).expect("config"), Lead::End);
        assert_eq!(
            by_config(r#"{"config":{"Labels":null}}"#).expect("config"),
            Lead::End
        );
    }
}
