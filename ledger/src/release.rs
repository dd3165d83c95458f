//! An image that can run.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Commit, Digest};

/// An image that can run: what, where from, and since when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// The ECR repository's name, without a registry.
    pub repository: String,
    /// What is run. A tag may move, a digest does not.
    pub digest: Digest,
    /// The tag by which the release was found.
    pub tag: String,
    /// The commit that it was built from, if the tag or the image says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// ECR's own time of the push, with a resolution of one second.
    /// Source: <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageDetail.html>
    pub pushed_at: DateTime<Utc>,
}

impl Release {
    /// What a person calls it: the short commit if there is one, else the tag.
    pub fn label(&self) -> &str {
        self.commit
            .as_ref()
            .map_or(&self.tag, |commit| commit.short())
    }
}
