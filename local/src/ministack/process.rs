//! How the process of ministack is started: what it may see and how it ends with us.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;

use super::Options;
use crate::event::{ACCOUNT, REGION};

/// Runs ministack and ends it, and the Lambda processes it started, when its own standard input
/// ends. The other end of that pipe is ours, so this works even when we are killed outright.
const KEEPER: &str = include_str!("keeper.py");

pub(super) fn spawn(python: &Path, options: &Options) -> anyhow::Result<Child> {
    let log = &options.log;
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    let out = File::create(log).with_context(|| format!("make {}", log.display()))?;
    let err = out.try_clone().context("share ministack's log")?;
    let state_dir = options.state_dir.as_deref().map(absolute).transpose()?;

    let mut command = Command::new(python);
    command
        .args(["-c", KEEPER])
        .stdin(Stdio::piped())
        .stdout(out)
        .stderr(err)
        // Functions inherit all of ministack's environment: a profile or a proxy of this shell
        // would change what they do.
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs(environment_variables(options, state_dir.as_deref()));
    // Ctrl-C reaches every process of the terminal's group; how ministack ends is ours to say.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().context("start ministack")
}

fn environment_variables(
    options: &Options,
    state_dir: Option<&Path>,
) -> Vec<(&'static str, String)> {
    let url = format!("http://127.0.0.1:{}", options.port);
    let mut variables = vec![
        ("GATEWAY_PORT", options.port.to_string()),
        // All interfaces otherwise.
        ("BIND_HOST", "127.0.0.1".to_owned()),
        ("MINISTACK_ACCOUNT_ID", ACCOUNT.to_owned()),
        ("MINISTACK_REGION", REGION.to_owned()),
        ("AWS_ENDPOINT_URL", options.endpoint.clone().unwrap_or(url)),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("LAMBDA_EXECUTOR", "local".to_owned()),
        // AWS waits one minute before the first retry; nobody watches a laptop that long.
        ("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.2".to_owned()),
        // Two more listeners that nothing here uses.
        ("SFTP_ENABLED", "0".to_owned()),
        ("IOT_MTLS_ENABLED", "0".to_owned()),
        // With Docker in reach it would remove the containers of every other ministack.
        ("DOCKER_HOST", "unix:///dev/null/no-docker".to_owned()),
        ("PYTHONUNBUFFERED", "1".to_owned()),
    ];
    if let Some(folder) = state_dir {
        variables.extend([
            ("PERSIST_STATE", "1".to_owned()),
            ("STATE_DIR", folder.display().to_string()),
            ("S3_PERSIST", "1".to_owned()),
            ("S3_DATA_DIR", folder.join("s3").display().to_string()),
        ]);
    }
    variables
}

/// ministack runs in a folder of its own.
pub(super) fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("resolve {}", path.display()))
}
