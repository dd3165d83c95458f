//! Applies the repository's own Terraform to the AWS on this machine.

mod provider;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::event::REGION;
use crate::paths::Paths;
use crate::progress::Step;
use crate::run;

const INIT: [&str; 3] = ["init", "-input=false", "-no-color"];

/// Terraform at work on a copy of `terraform/`, so that no lock file of this machine gets into the original.
#[derive(Debug)]
pub struct Terraform {
    program: &'static str,
    folder: PathBuf,
    log: PathBuf,
    cli_config: PathBuf,
    /// Whether `cli_config` names a provider that is installed already.
    mirrored: bool,
    endpoint: String,
}

/// What differs on a laptop. All of it is variables that any installation may set.
#[derive(Clone, Debug)]
pub struct Variables {
    /// `owner/name` of the repository whose commits are told.
    pub github_repository: String,
    /// GitHub's address.
    pub github_api_url: String,
    /// The parameter that holds GitHub's token.
    pub github_token_parameter: String,
    /// The board's address.
    pub board_url: String,
}

impl Terraform {
    /// Copies the configuration and initialises it. `endpoint` is the address of AWS.
    pub async fn init(paths: &Paths, endpoint: &str, variables: &Variables) -> Result<Terraform> {
        let terraform = Terraform::copied(paths, &paths.state(), endpoint).await?;
        let values = json!({
            "name": "couplet",
            "environment": "local",
            "region": REGION,
            "github_repository": variables.github_repository,
            "github_api_url": variables.github_api_url,
            "github_token_parameter": variables.github_token_parameter,
            "board_url": variables.board_url,
            "functions_dir": paths.packages(),
            "architecture": match std::env::consts::ARCH { "aarch64" => "arm64", _ => "x86_64" },
            "tag_policy": { "kind": "glob", "pattern": "main-*" },
            "first_count": 2,
            "deadline_seconds": 120,
            "deletion_protection": false,
        });
        let file = terraform.folder.join("local.auto.tfvars.json");
        fs::write(&file, values.to_string())
            .with_context(|| format!("write {}", file.display()))?;
        terraform.initialise().await?;
        Ok(terraform)
    }

    /// Checks format and validity, and runs Terraform's own tests, which need no AWS.
    pub async fn validate(paths: &Paths) -> Result<()> {
        let home = paths.target.join("validate");
        fs::create_dir_all(&home).with_context(|| format!("make {}", home.display()))?;
        let terraform = Terraform::copied(paths, &home, "http://127.0.0.1:9").await?;
        terraform
            .show(&["fmt", "-check", "-recursive", "-diff"])
            .await?;
        terraform.initialise().await?;
        terraform.show(&["validate", "-no-color"]).await?;
        terraform.show(&["test", "-no-color"]).await
    }

    /// Runs Terraform so that its output is seen.
    async fn show(&self, arguments: &[&str]) -> Result<()> {
        let status = self.command(arguments).status().await;
        let status = status.with_context(|| format!("run {} {}", self.program, arguments[0]))?;
        ensure!(status.success(), "{} {} failed", self.program, arguments[0]);
        Ok(())
    }

    /// Gets the provider. One that is installed may be another version than the one that is wanted; then the network
    /// is asked.
    async fn initialise(&self) -> Result<()> {
        let Err(first) = self.run(&INIT, |_| {}).await else {
            return Ok(());
        };
        if !self.mirrored {
            return Err(first);
        }
        provider::write_cli_config(&self.cli_config, &[])?;
        let again = self.run(&INIT, |_| {}).await;
        again.map_err(|second| {
            anyhow!("with the installed provider: {first:#}\nwith the network's: {second:#}")
        })
    }

    async fn copied(paths: &Paths, home: &Path, endpoint: &str) -> Result<Terraform> {
        let folder = home.join("terraform");
        copy(&paths.root.join("terraform"), &folder)?;
        let mirrors = provider::mirrors().await?;
        let cli_config = home.join("terraform.rc");
        provider::write_cli_config(&cli_config, &mirrors)?;
        Ok(Terraform {
            program: program().await?,
            cli_config,
            mirrored: !mirrors.is_empty(),
            log: home.join("terraform.log"),
            endpoint: endpoint.to_owned(),
            folder,
        })
    }

    /// A fingerprint of all that Terraform reads: the same one means that there is nothing to apply.
    pub fn fingerprint(&self, packages: &Path) -> Result<String> {
        let mut text = String::new();
        for folder in [self.folder.as_path(), packages] {
            for file in files(folder)? {
                let relevant = file
                    .extension()
                    .is_some_and(|kind| kind == "tf" || kind == "zip" || kind == "json");
                if relevant {
                    let bytes =
                        fs::read(&file).with_context(|| format!("read {}", file.display()))?;
                    text.push_str(&crate::image::digest(&bytes));
                }
            }
        }
        Ok(crate::image::digest(text.as_bytes()))
    }

    /// Makes AWS what the configuration says.
    pub async fn apply(&self, step: &Step) -> Result<()> {
        let mut done = 0;
        let arguments = [
            "apply",
            "-auto-approve",
            "-input=false",
            "-json",
            "-parallelism=20",
        ];
        self.run(&arguments, |line| {
            let event: Value = serde_json::from_str(line).unwrap_or_default();
            let resource = event["hook"]["resource"]["addr"]
                .as_str()
                .unwrap_or_default();
            match event["type"].as_str() {
                Some("apply_complete") => done += 1,
                Some("apply_start" | "apply_progress") => {}
                _ => return,
            }
            step.note(&format!("{done} made, at {resource}"));
        })
        .await
    }

    /// The configuration's outputs, by name.
    pub async fn outputs(&self) -> Result<Value> {
        let answer = self
            .command(&["output", "-json"])
            .output()
            .await
            .context("run terraform output")?;
        ensure!(answer.status.success(), "terraform output failed");
        let outputs: Value =
            serde_json::from_slice(&answer.stdout).context("terraform's outputs are no JSON")?;
        let outputs = outputs.as_object().context("terraform has no outputs")?;
        Ok(outputs
            .iter()
            .map(|(name, output)| (name.clone(), output["value"].clone()))
            .collect())
    }

    async fn run(&self, arguments: &[&str], each: impl FnMut(&str)) -> Result<()> {
        let mut each = each;
        let mut errors = Vec::new();
        let status = run::logged(self.command(arguments), &self.log, |line| {
            let event: Value = serde_json::from_str(line).unwrap_or_default();
            if event["@level"] == "error" {
                errors.push(event["@message"].as_str().unwrap_or_default().to_owned());
            } else if line.contains("Error: ") {
                errors.push(line.trim_start_matches(['│', ' ']).to_owned());
            }
            each(line);
        })
        .await?;
        if !status.success() {
            bail!(
                "{} {} failed: {}; its output is in {}",
                self.program,
                arguments[0],
                errors.join("; "),
                self.log.display()
            );
        }
        Ok(())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command
            .arg(format!("-chdir={}", self.folder.display()))
            .args(arguments)
            .env("TF_CLI_CONFIG_FILE", &self.cli_config)
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", REGION)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN")
            .env_remove("TF_DATA_DIR")
            .env_remove("TF_WORKSPACE");
        command
    }
}

/// Terraform, or OpenTofu.
async fn program() -> Result<&'static str> {
    for program in ["terraform", "tofu"] {
        let found = Command::new(program).arg("version").output().await;
        if found.is_ok_and(|output| output.status.success()) {
            return Ok(program);
        }
    }
    bail!(
        "neither terraform nor tofu is installed; install Terraform 1.11 or OpenTofu 1.11, or newer"
    )
}

/// Makes the configuration in `to` the one in `from`; Terraform's own files in `to` stay.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for file in files(to)? {
        let ours = file
            .extension()
            .is_none_or(|kind| kind != "tfstate" && kind != "backup");
        if ours {
            fs::remove_file(&file).with_context(|| format!("remove {}", file.display()))?;
        }
    }
    for file in files(from)? {
        let name = file
            .strip_prefix(from)
            .context("a file lies outside its folder")?;
        let copy = to.join(name);
        if let Some(folder) = copy.parent() {
            fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        }
        fs::copy(&file, &copy).with_context(|| format!("copy {}", file.display()))?;
    }
    Ok(())
}

/// The files below a folder in the order of their names, without hidden ones.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry
                .with_context(|| format!("list {}", folder.display()))?
                .path();
            let hidden = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            match (hidden, path.is_dir()) {
                (true, _) => {}
                (false, true) => folders.push(path),
                (false, false) => found.push(path),
            }
        }
    }
    found.sort();
    Ok(found)
}
