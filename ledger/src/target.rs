//! One ECS service that follows one image repository.

use serde::{Deserialize, Serialize};

use crate::ServiceKey;

/// One ECS service that follows one image repository. Terraform writes these items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// What people call it; unique among all targets.
    pub name: String,
    /// The GitHub environment of its deployments.
    pub environment: String,
    /// The ECR repository that it follows, without a registry.
    pub repository: String,
    /// The ECS cluster's name.
    pub cluster: String,
    /// The ECS service's name.
    pub service: String,
    /// The container whose image is replaced.
    pub container: String,
    /// The task-definition family that Terraform owns and that every revision is made from.
    pub template: String,
    /// The task-definition family that `rollout` owns and that the service runs.
    pub family: String,
    /// Which tags it follows.
    pub tag_policy: TagPolicy,
    /// `owner/name` of the repository whose commits are told.
    pub github_repository: String,
    /// How long a rollout may take before its verdict is `timed_out`, in seconds.
    #[serde(default = "default_deadline")]
    pub deadline_seconds: u32,
    /// The worst finding of ECR's scan with which an image is still rolled out by itself. Absent: scans are not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_severity: Option<Severity>,
    /// The number of tasks given to a service that stands at 0 when its first release comes.
    #[serde(default = "default_first_count")]
    pub first_count: u32,
    /// Where the running release can be seen, for GitHub's deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_url: Option<String>,
}

/// How bad a finding of an image's scan is, in ECR's words, the least first.
/// Source: <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanFinding.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// `INFORMATIONAL`
    Informational,
    /// `LOW`
    Low,
    /// `MEDIUM`
    Medium,
    /// `HIGH`
    High,
    /// `CRITICAL`
    Critical,
}

const SEVERITIES: [(Severity, &str); 5] = [
    (Severity::Informational, "INFORMATIONAL"),
    (Severity::Low, "LOW"),
    (Severity::Medium, "MEDIUM"),
    (Severity::High, "HIGH"),
    (Severity::Critical, "CRITICAL"),
];

impl Severity {
    /// The severity of this name; `None` for `UNDEFINED`, which has none yet, and for anything else.
    pub fn parse(name: &str) -> Option<Severity> {
        let found = SEVERITIES.iter().find(|(_, it)| *it == name);
        found.map(|(severity, _)| *severity)
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let found = SEVERITIES.iter().find(|(severity, _)| severity == self);
        f.write_str(found.map_or("", |(_, name)| name))
    }
}

/// Which tags a target follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "pattern", rename_all = "lowercase")]
pub enum TagPolicy {
    /// One tag, to the letter.
    Exact(String),
    /// A shell pattern: `main-*`.
    Glob(String),
    /// A regular expression over the whole tag; a group named `commit` names the commit.
    Regex(String),
    /// A range of versions as Cargo writes it: `>=1.4, <2`. Newer is the higher version.
    Semver(String),
}

impl Target {
    /// The target's partition in the ledger.
    pub fn key(&self) -> ServiceKey {
        ServiceKey::new(&self.cluster, &self.service)
    }

    /// What makes it impossible to serve, although every field is there.
    pub(crate) fn fault(&self) -> Option<String> {
        let names = [
            ("name", &self.name),
            ("repository", &self.repository),
            ("cluster", &self.cluster),
            ("service", &self.service),
            ("container", &self.container),
            ("template", &self.template),
            ("family", &self.family),
        ];
        if let Some((field, _)) = names.iter().find(|(_, name)| name.is_empty()) {
            return Some(format!("its `{field}` is empty"));
        }
        // The template would be what was registered last, and Terraform's no more.
        if self.family == self.template {
            return Some(format!(
                "its family and its template are both {}",
                self.family
            ));
        }
        let count = i32::try_from(self.first_count);
        count
            .is_err()
            .then(|| "its `first_count` is more than ECS can count".to_owned())
    }
}

impl std::fmt::Display for TagPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TagPolicy::Exact(tag) => write!(f, "exact {tag}"),
            TagPolicy::Glob(pattern) => write!(f, "glob {pattern}"),
            TagPolicy::Regex(pattern) => write!(f, "regex {pattern}"),
            TagPolicy::Semver(range) => write!(f, "semver {range}"),
        }
    }
}

fn default_deadline() -> u32 {
    1800
}

fn default_first_count() -> u32 {
    1
}
