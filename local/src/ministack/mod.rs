//! ministack, the emulator that is AWS on the laptop: a process that lives as long as we do.

pub(crate) mod environment;
mod process;
mod streams;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::time::sleep;

use crate::aws::{Aws, http};
use crate::paths::Paths;

const PACKAGE: &str = "ministack==1.5.33";

/// Starting takes two seconds; a machine that compiles something beside it needs more.
const START_TIMEOUT: Duration = Duration::from_secs(90);
/// The keeper kills what has not ended 15 seconds after it was asked to.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// How to run ministack.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the virtual environment is, or is made.
    pub python_env_dir: PathBuf,
    /// The port on 127.0.0.1.
    pub port: u16,
    /// What Lambda functions get as `AWS_ENDPOINT_URL`; ministack itself if none.
    pub endpoint: Option<String>,
    /// Where the state outlives the process; nothing does if none.
    pub state_dir: Option<PathBuf>,
    /// Where its output goes.
    pub log: PathBuf,
}

/// A running ministack. It ends when this is dropped, and when our process ends in whatever way.
#[derive(Debug)]
pub struct Ministack {
    url: String,
    // Not Tokio's child: that one belongs to a runtime, and tests share this across theirs.
    keeper: Child,
}

impl Ministack {
    /// Makes the virtual environment if needed, starts ministack and waits until it answers.
    pub async fn start(options: Options) -> anyhow::Result<Ministack> {
        let python =
            environment::ready(process::absolute(&options.python_env_dir)?, &[PACKAGE]).await?;
        TcpListener::bind(("127.0.0.1", options.port)).with_context(|| {
            format!(
                "port {} is taken; stop what listens there or choose another with --port",
                options.port
            )
        })?;
        if let Some(state_dir) = &options.state_dir {
            streams::read_from_the_start(state_dir)?;
        }
        let mut ministack = Ministack {
            url: format!("http://127.0.0.1:{}", options.port),
            keeper: process::spawn(&python, &options)?,
        };
        ministack.wait_until_it_answers(&options.log).await?;
        Ok(ministack)
    }

    /// One ministack for all tests of a process, on a free port, without a state that outlives it.
    ///
    /// # Panics
    /// If it can't be started: no test that asks for it could go on.
    pub async fn shared_for_tests() -> &'static Ministack {
        static SHARED: OnceCell<Ministack> = OnceCell::const_new();
        SHARED.get_or_init(|| start_for_tests("shared")).await
    }

    /// One for a test whose requests would keep all others waiting: it answers them one by one.
    ///
    /// # Panics
    /// As [`Ministack::shared_for_tests`].
    pub async fn alone_for_tests(test: &str) -> Ministack {
        start_for_tests(test).await
    }

    /// Where it listens, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Calls to it.
    pub fn aws(&self) -> Aws {
        Aws::new(&self.url)
    }

    /// Makes a table as the ledger's, with its stream.
    pub async fn create_ledger_table(&self, name: &str) -> anyhow::Result<()> {
        let table = json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": "pk", "AttributeType": "S" },
                { "AttributeName": "sk", "AttributeType": "S" },
            ],
            "KeySchema": [
                { "AttributeName": "pk", "KeyType": "HASH" },
                { "AttributeName": "sk", "KeyType": "RANGE" },
            ],
            "StreamSpecification": {
                "StreamEnabled": true,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        });
        let target = "DynamoDB_20120810.CreateTable";
        self.aws().json(target, table).await.map(drop)
    }

    /// What a function has written until now, oldest line first. ministack hands the lines over
    /// when an invocation ends, so those of a running one are still missing.
    pub async fn function_log(&self, function: &str) -> anyhow::Result<Vec<String>> {
        let aws = self.aws();
        let mut request = json!({ "logGroupName": format!("/aws/lambda/{function}") });
        let mut lines = Vec::new();
        loop {
            let page = match aws
                .json("Logs_20140328.FilterLogEvents", request.clone())
                .await
            {
                // The first invocation makes the group.
                Err(error) if error.to_string().contains("ResourceNotFoundException") => {
                    return Ok(lines);
                }
                answer => answer?,
            };
            let events = page["events"].as_array().map_or(&[][..], Vec::as_slice);
            let messages = events.iter().filter_map(|event| event["message"].as_str());
            lines.extend(messages.map(str::to_owned));
            match &page["nextToken"] {
                Value::Null => return Ok(lines),
                token => request["nextToken"] = token.clone(),
            }
        }
    }

    /// Ends it in good order: the state is saved and the Lambda processes are gone afterwards.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.keeper.stdin.take());
        let deadline = Instant::now() + STOP_TIMEOUT;
        while self
            .keeper
            .try_wait()
            .context("wait for ministack")?
            .is_none()
        {
            if Instant::now() > deadline {
                self.keeper.kill().context("kill ministack's keeper")?;
                self.keeper.wait().context("wait for ministack")?;
                bail!("ministack did not stop within {} s", STOP_TIMEOUT.as_secs());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn wait_until_it_answers(&mut self, log: &Path) -> anyhow::Result<()> {
        let http = http();
        let health = format!("{}/_ministack/health", self.url);
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Ok(answer) = http.get(&health).send().await
                && answer.status().is_success()
            {
                return Ok(());
            }
            if let Some(status) = self.keeper.try_wait().context("wait for ministack")? {
                bail!("ministack ended at once ({status}): {}", last_line(log));
            }
            if Instant::now() > deadline {
                bail!(
                    "ministack does not answer after {} s: {}",
                    START_TIMEOUT.as_secs(),
                    last_line(log)
                );
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

fn last_line(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().rfind(|line| !line.trim().is_empty());
    format!("{} ({})", line.unwrap_or("no output"), log.display())
}

async fn start_for_tests(name: &str) -> Ministack {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let started = async { Ministack::start(options_for_tests(name)?).await };
        match started.await {
            Ok(ministack) => return ministack,
            // Somebody may take the port between the look and the start.
            Err(_) if attempts < 3 => {}
            Err(error) => panic!("start ministack for tests: {error:#}"),
        }
    }
}

fn options_for_tests(name: &str) -> anyhow::Result<Options> {
    let paths = Paths::of_this_checkout();
    let program = std::env::current_exe().context("find the test's own name")?;
    let program = program.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Options {
        python_env_dir: paths.python_env(),
        port: free_port()?,
        endpoint: None,
        state_dir: None,
        log: paths
            .target
            .join("ministack")
            .join(format!("{program}-{name}.log")),
    })
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("find a free port")?;
    Ok(listener.local_addr().context("find a free port")?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_said_in_one_sentence() {
        let url = Ministack::shared_for_tests().await.url();
        let mut options = options_for_tests("taken").unwrap();
        options.port = url.rsplit_once(':').unwrap().1.parse().unwrap();
        let error = Ministack::start(options.clone())
            .await
            .unwrap_err()
            .to_string();
        let expected = format!("port {} is taken; stop what listens", options.port);
        assert!(error.starts_with(&expected), "{error}");
    }

    #[tokio::test]
    async fn the_state_outlives_the_process() {
        let state = tempfile::tempdir().unwrap();
        let mut options = options_for_tests("state").unwrap();
        options.state_dir = Some(state.path().to_owned());
        options.log = state.path().join("log");
        let target = "DynamoDB_20120810.DescribeTable";
        let table = json!({ "TableName": "outlives" });

        let first = Ministack::start(options.clone()).await.unwrap();
        first.create_ledger_table("outlives").await.unwrap();
        let before = first.aws().json(target, table.clone()).await.unwrap();
        first.stop().await.unwrap();

        let second = Ministack::start(options).await.unwrap();
        let after = second.aws().json(target, table).await.unwrap();
        let stream = |table: &Value| table["Table"]["LatestStreamArn"].clone();
        assert!(stream(&before).is_string(), "{before}");
        assert_eq!(stream(&before), stream(&after));
        second.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_function_that_never_ran_has_no_log() {
        let ministack = Ministack::shared_for_tests().await;
        let log = ministack.function_log("nobody").await.unwrap();
        assert_eq!(log, Vec::<String>::new());
    }
}
