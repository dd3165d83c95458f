//! Applies the repository's own Terraform to the AWS on this machine.

mod plan;
mod provider;
mod variables;

pub use variables::{PREFIX, Variables};

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use serde_json::Value;
use tokio::process::Command;

use crate::event::REGION;
use crate::paths::Paths;
use crate::progress::Step;
use crate::run;

const INIT: [&str; 3] = ["init", "-input=false", "-no-color"];

/// What a laptop cannot do as an account does: keep the state in a bucket that is there before anything is, and find
/// buckets by names of hosts.
const OVERRIDE: &str = r#"terraform {
  backend "local" {}
}

provider "aws" {
  s3_use_path_style = true
}
"#;

/// Terraform at work on a copy of `terraform/`, so that no lock file of this machine gets into the original.
#[derive(Debug)]
pub struct Terraform {
    program: &'static str,
    /// The root module's folder.
    folder: PathBuf,
    log: PathBuf,
    cli_config: PathBuf,
    /// Whether `cli_config` names a provider that is installed already.
    mirrored: bool,
    endpoint: String,
}

impl Terraform {
    /// Copies the configuration and sets its variables. `endpoint` is the address of AWS.
    pub async fn new(paths: &Paths, endpoint: &str, variables: &Variables) -> Result<Terraform> {
        let terraform = Terraform::copied(paths, &paths.state(), endpoint).await?;
        terraform.set("local", &variables.values(paths))?;
        Ok(terraform)
    }

    /// The root module in a folder of this one's, initialised, with variables of its own.
    pub async fn nested(&self, folder: &str, variables: &Value) -> Result<Terraform> {
        let nested = Terraform {
            program: self.program,
            folder: self.folder.join(folder),
            log: self.log.with_file_name(format!("{folder}.log")),
            cli_config: self.cli_config.clone(),
            mirrored: self.mirrored,
            endpoint: self.endpoint.clone(),
        };
        nested.write("local_override.tf", OVERRIDE)?;
        nested.set("local", variables)?;
        nested.initialise().await?;
        Ok(nested)
    }

    /// Sets variables, over those that were set under a name that comes before this one in the alphabet.
    /// Source: <https://developer.hashicorp.com/terraform/language/values/variables#variable-definition-precedence>
    pub fn set(&self, name: &str, values: &Value) -> Result<()> {
        self.write(&format!("{name}.auto.tfvars.json"), &values.to_string())
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

    /// Gets the provider, without which nothing else can be done. One that is installed may be another version than the one that is wanted; then the network
    /// is asked.
    pub async fn initialise(&self) -> Result<()> {
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
        let terraform = Terraform {
            program: program().await?,
            cli_config,
            mirrored: !mirrors.is_empty(),
            log: home.join("terraform.log"),
            endpoint: endpoint.to_owned(),
            folder,
        };
        terraform.write("local_override.tf", OVERRIDE)?;
        Ok(terraform)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let file = self.folder.join(name);
        fs::write(&file, text).with_context(|| format!("write {}", file.display()))
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
        self.change("apply", step).await
    }

    /// Takes away all that was made.
    pub async fn destroy(&self, step: &Step) -> Result<()> {
        self.change("destroy", step).await
    }

    /// What an apply would change: nothing, or the addresses with what would be done and to which attributes.
    pub async fn plan(&self) -> Result<Vec<String>> {
        let arguments = [
            "plan",
            "-detailed-exitcode",
            "-input=false",
            "-json",
            "-parallelism=20",
            "-out=plan",
        ];
        let (status, errors) = self.watched(&arguments, |_| {}).await?;
        match status.code() {
            Some(0) => Ok(Vec::new()),
            Some(2) => Ok(plan::changes(&self.json(&["show", "-json", "plan"]).await?)),
            _ => Err(self.failure("plan", &errors)),
        }
    }

    /// `apply` and `destroy` say in the same way how far they are.
    async fn change(&self, what: &str, step: &Step) -> Result<()> {
        let mut done = 0;
        let arguments = [
            what,
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
            step.note(&format!("{done} done, at {resource}"));
        })
        .await
    }

    /// The configuration's outputs, by name.
    pub async fn outputs(&self) -> Result<Value> {
        let outputs = self.json(&["output", "-json"]).await?;
        let outputs = outputs.as_object().context("terraform has no outputs")?;
        Ok(outputs
            .iter()
            .map(|(name, output)| (name.clone(), output["value"].clone()))
            .collect())
    }

    /// The answer of a command that writes JSON.
    async fn json(&self, arguments: &[&str]) -> Result<Value> {
        let command = format!("{} {}", self.program, arguments[0]);
        let answer = self.command(arguments).output().await;
        let answer = answer.with_context(|| format!("run {command}"))?;
        ensure!(answer.status.success(), "{command} failed");
        serde_json::from_slice(&answer.stdout)
            .with_context(|| format!("the output of {command} is no JSON"))
    }

    async fn run(&self, arguments: &[&str], each: impl FnMut(&str)) -> Result<()> {
        let (status, errors) = self.watched(arguments, each).await?;
        match status.success() {
            true => Ok(()),
            false => Err(self.failure(arguments[0], &errors)),
        }
    }

    /// Runs a command to its end: how it ended, and the errors that it told.
    async fn watched(
        &self,
        arguments: &[&str],
        mut each: impl FnMut(&str),
    ) -> Result<(ExitStatus, Vec<String>)> {
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
        Ok((status, errors))
    }

    fn failure(&self, command: &str, errors: &[String]) -> Error {
        anyhow!(
            "{} {command} failed: {}; its output is in {}",
            self.program,
            errors.join("; "),
            self.log.display()
        )
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
