//! What people use today, each in an environment of its own below `target/bench/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::ministack::environment;
use crate::paths::Paths;
use crate::progress::Progress;

/// Python on Lambda: its own loop and its own SDK.
const LAMBDA: &[&str] = &["awslambdaric==4.2.2", "boto3==1.44.8"];
/// The deployment tool of PyPI.
const ECS_DEPLOY: &[&str] = &["ecs-deploy==1.17.0"];
/// The command line that most recipes call.
const CLI: &[&str] = &["awscli==1.46.3"];
/// A board in Python.
const FLASK: &[&str] = &["flask==3.1.3", "gunicorn==27.0.1"];
/// Node's SDK, and what packs it into one file as Lambda's users do.
const NODE: [&str; 4] = [
    "@aws-sdk/client-dynamodb@3.1169.0",
    "@aws-sdk/client-ecr@3.1169.0",
    "@aws-sdk/client-ecs@3.1164.0",
    "esbuild@0.28.2",
];

/// Where each peer is.
#[derive(Clone, Debug)]
pub(super) struct Peers {
    /// Python with Lambda's loop and boto3.
    pub(super) python: PathBuf,
    /// Node's rollout in one file; none without Node.
    pub(super) node: Option<PathBuf>,
    /// The folder with the program `ecs`.
    pub(super) ecs_deploy: PathBuf,
    /// The folder with the program `aws`.
    pub(super) cli: PathBuf,
    /// Python with Flask and gunicorn.
    pub(super) flask: PathBuf,
    /// Our own sources of them.
    pub(super) sources: PathBuf,
}

/// Installs what is not there yet.
pub(super) async fn ready(paths: &Paths, progress: &Progress) -> Result<Peers> {
    let step = progress.step("Installing the peers");
    let folder = super::folder(paths);
    let sources = paths.root.join("local").join("peers");
    let python = |name: &str, packages| environment::ready(folder.join(name), packages);
    let peers = Peers {
        python: python("python", LAMBDA).await?,
        ecs_deploy: bin(&python("ecs-deploy", ECS_DEPLOY).await?),
        cli: bin(&python("awscli", CLI).await?),
        flask: python("flask", FLASK).await?,
        node: node(&folder.join("node"), &sources)?,
        sources,
    };
    step.done();
    if peers.node.is_none() {
        progress.say("  - node and npm are missing: Node is left out");
    }
    Ok(peers)
}

fn bin(python: &Path) -> PathBuf {
    python.parent().unwrap_or(python).to_owned()
}

/// Node's rollout in one file, made once for each of its sources and versions.
fn node(folder: &Path, sources: &Path) -> Result<Option<PathBuf>> {
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !has("node") || !has("npm") {
        return Ok(None);
    }
    let source = sources.join("rollout.mjs");
    let text = fs::read_to_string(&source).context("read Node's rollout")?;
    let (stamp, bundle) = (folder.join("installed"), folder.join("bundle.mjs"));
    let wanted = format!("{}\n{text}", NODE.join(" "));
    if fs::read_to_string(&stamp).is_ok_and(|it| it == wanted) {
        return Ok(Some(bundle));
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join("package.json"), "{ \"private\": true }\n")?;
    fs::write(folder.join("rollout.mjs"), text)?;
    let options = [
        "install",
        "--no-audit",
        "--no-fund",
        "--silent",
        "--ignore-scripts",
    ];
    run(Command::new("npm")
        .args(options)
        .args(NODE)
        .current_dir(folder))?;
    let options = [
        "rollout.mjs",
        "--bundle",
        "--minify",
        "--platform=node",
        "--format=esm",
        "--outfile=bundle.mjs",
        // The SDK requires some of Node's own modules in the old way.
        "--banner:js=import{createRequire}from'module';const require=createRequire(import.meta.url);",
        "--log-level=error",
    ];
    let esbuild = folder.join("node_modules").join(".bin").join("esbuild");
    run(Command::new(esbuild).args(options).current_dir(folder))?;
    fs::write(&stamp, wanted)?;
    Ok(Some(bundle))
}

pub(super) fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("start {program}"))?;
    if !output.status.success() {
        let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        bail!(
            "{program} failed: {}",
            String::from_utf8_lossy(&said).trim()
        );
    }
    Ok(())
}
