//! The commit that an image was built from, by what the image says of itself.

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
}

/// What a manifest or an index says. Attestations stand in an index as children of the platform "unknown".
/// Source: <https://docs.docker.com/build/metadata/attestations/attestation-storage/>
pub fn by_manifest(manifest: &str) -> Result<Lead> {
    let manifest: Manifest =
        serde_json::from_str(manifest).context("the image's manifest is malformed")?;
    if let Some(commit) = manifest.annotations.as_ref().and_then(commit) {
        return Ok(Lead::Commit(commit));
    }
    let known = |child: &&Child| match &child.platform {
        Some(platform) => platform.os != "unknown",
        None => true,
    };
    if let Some(child) = manifest.manifests.iter().flatten().find(known) {
        return Ok(Lead::Child(child.digest.clone()));
    }
    Ok(manifest
        .config
        .map_or(Lead::End, |config| Lead::Config(config.digest)))
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
    fn a_shortened_commit_is_none() {
        let labelled = json!({ "config": { "Labels": { REVISION: "c0ffee" } } });
        assert_eq!(by_config(&labelled.to_string()).expect("config"), Lead::End);
        assert_eq!(
            by_config(r#"{"config":{"Labels":null}}"#).expect("config"),
            Lead::End
        );
    }
}
