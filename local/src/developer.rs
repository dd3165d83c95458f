//! What a developer and their pipeline do: commit, build an image, push it, ask for a rollback.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::aws::{Aws, http};
use crate::event::envelope;
use crate::image::{self, File, Image};
use crate::paths::Paths;
use crate::site::{GITHUB_REPOSITORY, Site};

/// A developer with a checkout and a service that is built.
#[derive(Clone, Debug)]
pub struct Developer {
    site: Site,
    binary: Vec<u8>,
}

/// What is in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// The service.
    Good,
    /// The service with a setting that it refuses, so that it ends at once with status 1.
    Broken,
}

/// An image that was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The commit.
    pub commit: String,
    /// The digest that the tag names.
    pub digest: String,
    /// The tag.
    pub tag: String,
    /// The digests of an index's parts.
    pub children: Vec<String>,
}

impl Push {
    /// The commit as GitHub shows it.
    pub fn short(&self) -> &str {
        &self.commit[..7]
    }
}

impl Developer {
    /// A developer at `site`, with the service as it was built last.
    pub fn new(paths: &Paths, site: &Site) -> Result<Developer> {
        let binary = paths.service("service");
        Ok(Developer {
            site: site.clone(),
            binary: fs::read(&binary).with_context(|| format!("read {}", binary.display()))?,
        })
    }

    /// Pushes a commit to GitHub: a new one, or the one that is named.
    pub async fn commit(&self, sha: Option<&str>, message: &str) -> Result<String> {
        let url = format!(
            "{}/_model/repos/{GITHUB_REPOSITORY}/commits",
            self.site.github
        );
        let mut body = json!({ "message": message });
        if let Some(sha) = sha {
            body["sha"] = json!(sha);
        }
        let answer = http()
            .post(url)
            .json(&body)
            .send()
            .await
            .context("push a commit to GitHub")?;
        let status = answer.status();
        let answer: Value = answer.json().await.context("read GitHub's answer")?;
        ensure!(status.is_success(), "GitHub refuses the commit: {answer}");
        let sha = answer["sha"].as_str().context("GitHub names no commit")?;
        Ok(sha.to_owned())
    }

    /// Pushes an image for one architecture, this machine's.
    pub async fn push(&self, commit: &str, tag: &str, build: Build) -> Result<Push> {
        let image = self.image(commit, build, host_architecture());
        let pushed = image
            .push(&self.site.aws, self.site.output("repository_name")?, tag)
            .await
            .with_context(|| format!("push the image {tag}"))?;
        Ok(push_of(commit, tag, pushed))
    }

    /// Pushes an index as buildx does: an image for each architecture, attestations, and the tag last.
    pub async fn push_index(&self, commit: &str, tag: &str) -> Result<Push> {
        let images =
            ["amd64", "arm64"].map(|architecture| self.image(commit, Build::Good, architecture));
        let repository = self.site.output("repository_name")?;
        let pushed = image::push_index(&self.site.aws, repository, tag, &images)
            .await
            .with_context(|| format!("push the index {tag}"))?;
        Ok(push_of(commit, tag, pushed))
    }

    /// Asks for a rollback as anybody would who may put events.
    pub async fn ask_for_rollback(&self, by: &str, why: &str) -> Result<()> {
        let target = self.site.output("service")?;
        let detail = json!({ "action": "rollback", "target": target, "by": by, "why": why });
        let event = envelope("couplet", "Rollout Requested", &[], detail);
        let entry = json!({
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": event["detail"].to_string(),
        });
        let answer = Aws::new(&self.site.aws)
            .json("AWSEvents.PutEvents", json!({ "Entries": [entry] }))
            .await
            .context("ask for a rollback")?;
        ensure!(
            answer["FailedEntryCount"] == 0,
            "the request was refused: {answer}"
        );
        Ok(())
    }

    fn image(&self, commit: &str, build: Build, architecture: &str) -> Image {
        let mut env = BTreeMap::new();
        if build == Build::Broken {
            env.insert("COUPLET_BOARD_ROWS".to_owned(), "many".to_owned());
        }
        Image {
            files: vec![File {
                path: "service".to_owned(),
                bytes: self.binary.clone(),
                mode: 0o755,
            }],
            entrypoint: vec!["/service".to_owned()],
            env,
            labels: BTreeMap::from([
                (image::REVISION.to_owned(), commit.to_owned()),
                (
                    image::SOURCE.to_owned(),
                    format!("https://github.com/{GITHUB_REPOSITORY}"),
                ),
            ]),
            architecture: architecture.to_owned(),
        }
    }
}

fn push_of(commit: &str, tag: &str, pushed: image::Pushed) -> Push {
    Push {
        commit: commit.to_owned(),
        digest: pushed.digest,
        tag: tag.to_owned(),
        children: pushed.children,
    }
}

/// As images name it.
fn host_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "amd64",
    }
}
