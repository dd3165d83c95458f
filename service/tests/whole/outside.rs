//! What the service meets: a port, settings, a ledger, a bus, and a GitHub that signs people in.

mod bus;
mod story;

pub(crate) use story::REPOSITORY;

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ledger::Ledger;
use local::github::{Access, GitHub, Served};
use local::ministack::Ministack;
use local::site;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// What a test waits for must come within this time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The token of the script called `ci`, and its SHA-256.
pub(crate) const TOKEN: &str = "hello";
const TOKEN_HASH: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
/// The app that people sign in to, and its secret.
const CLIENT: (&str, &str) = ("Iv1board", "secret");

/// The binary and its surroundings. It ends when this is dropped.
pub(crate) struct Outside {
    /// The ledger.
    pub(crate) ledger: Ledger,
    /// The process.
    pub(crate) service: Child,
    port: u16,
    /// What the process finds in its environment.
    settings: Vec<(&'static str, String)>,
    ministack: &'static Ministack,
    table: String,
    github: Served,
}

impl Outside {
    /// The service over an empty ledger in `table`. Ada may write to the repository of all targets, Eve may read it.
    pub(crate) async fn start(table: &str) -> Result<Outside> {
        let ministack = Ministack::shared_for_tests().await;
        ministack.create_ledger_table(table).await?;
        let free = TcpListener::bind(("127.0.0.1", 0)).context("find a free port")?;
        let port = free.local_addr()?.port();
        drop(free);
        let board = format!("http://127.0.0.1:{port}");
        let github = github(&board).await?;
        let secret = format!("/{table}/client-secret");
        let parameter = json!({ "Name": secret, "Value": CLIENT.1, "Type": "SecureString" });
        let aws = ministack.aws();
        aws.json("AmazonSSM.PutParameter", parameter).await?;
        let settings = vec![
            ("AWS_ENDPOINT_URL", ministack.url().to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("COUPLET_BOARD_URL", board),
            ("COUPLET_GITHUB_API_URL", github.url().to_owned()),
            ("COUPLET_GITHUB_CLIENT_ID", CLIENT.0.to_owned()),
            ("COUPLET_GITHUB_CLIENT_SECRET_PARAMETER", secret),
            ("COUPLET_GITHUB_URL", github.url().to_owned()),
            ("COUPLET_LEDGER_TABLE", table.to_owned()),
            // Every client is the same address here.
            ("COUPLET_REQUESTS_PER_SECOND", "0".to_owned()),
            ("COUPLET_TOKENS", format!("ci:{TOKEN_HASH}")),
            ("HOST", "127.0.0.1".to_owned()),
            ("PORT", port.to_string()),
        ];
        let outside = Outside {
            ledger: site::ledger(ministack.url(), table),
            service: spawn(table, &settings)?,
            port,
            settings,
            ministack,
            table: table.to_owned(),
            github,
        };
        outside.connect().await?;
        Ok(outside)
    }

    /// Another site: GitHub's.
    pub(crate) fn github_url(&self) -> String {
        self.github.url().to_owned()
    }

    /// Ends the service at once.
    pub(crate) fn stop(&mut self) -> Result<()> {
        self.service.kill()?;
        self.service.wait()?;
        Ok(())
    }

    /// Starts it anew, where it was.
    pub(crate) async fn go_on(&mut self) -> Result<()> {
        self.service = spawn(&self.table, &self.settings)?;
        self.connect().await?;
        Ok(())
    }

    /// The address of `path`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// A connection to the service, as soon as it listens.
    pub(crate) async fn connect(&self) -> Result<TcpStream> {
        let end = Instant::now() + PATIENCE;
        loop {
            match TcpStream::connect(("127.0.0.1", self.port)).await {
                Ok(stream) => return Ok(stream),
                Err(error) => ensure!(
                    Instant::now() < end,
                    "the service does not listen, see {}: {error}",
                    log(&self.table)
                ),
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.service.kill();
        let _ = self.service.wait();
    }
}

fn spawn(table: &str, settings: &[(&str, String)]) -> Result<Child> {
    let log = log(table);
    let file = File::create(&log).with_context(|| format!("make {log}"))?;
    Command::new(env!("CARGO_BIN_EXE_service"))
        .env_clear()
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdout(file.try_clone()?)
        .stderr(file)
        .stdin(Stdio::null())
        .spawn()
        .context("start the service")
}

async fn github(board: &str) -> Result<Served> {
    let github = GitHub::new("ghs_of-the-functions");
    github.add_commit(REPOSITORY, &"a".repeat(40), "Begin");
    github.oauth(CLIENT.0, CLIENT.1, &format!("{board}/signed-in"));
    github.give("ada", REPOSITORY, Access::Write);
    github.give("eve", REPOSITORY, Access::Read);
    github.serve(([127, 0, 0, 1], 0).into()).await
}

fn log(table: &str) -> String {
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{table}.log"));
    log.display().to_string()
}
