//! What differs on a laptop. All of it is variables that any installation may set.

use serde_json::{Value, json};

use crate::event::REGION;
use crate::paths::Paths;

/// Where the laptop's own things are.
#[derive(Clone, Debug)]
pub struct Variables {
    /// `owner/name` of the repository whose commits are told.
    pub github_repository: String,
    /// GitHub's address.
    pub github_api_url: String,
    /// The number of the GitHub App that speaks there.
    pub github_app: u64,
    /// The parameter that holds the App's key.
    pub github_key_parameter: String,
    /// The board's address.
    pub board_url: String,
    /// What people sign in with.
    pub client_id: String,
    /// The parameter that holds its secret.
    pub client_secret_parameter: String,
}

/// What names everything here begins with: the name and the environment.
pub const PREFIX: &str = "couplet-local";

impl Variables {
    /// The values as Terraform reads them.
    pub(super) fn values(&self, paths: &Paths) -> Value {
        let (name, environment) = PREFIX.split_once('-').unwrap_or((PREFIX, ""));
        json!({
            "name": name,
            "environment": environment,
            "region": REGION,
            "github": {
                "repository": self.github_repository,
                "api_url": self.github_api_url,
                "app": {
                    "id": self.github_app.to_string(),
                    "key_parameter": self.github_key_parameter,
                },
            },
            "board_url": self.board_url,
            "acting": {
                "github": {
                    "client_id": self.client_id,
                    "secret_parameter": self.client_secret_parameter,
                },
            },
            "functions_dir": paths.packages(),
            "architecture": match std::env::consts::ARCH { "aarch64" => "arm64", _ => "x86_64" },
            "tag_policy": { "kind": "glob", "pattern": "main-*" },
            "tasks": { "minimum": 2 },
            "rollouts": { "deadline_seconds": 120 },
            "deletion_protection": false,
        })
    }
}
