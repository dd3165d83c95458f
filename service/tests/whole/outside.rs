//! What the service meets: a port, settings, and a ledger.

mod story;

pub(crate) use story::Filled;

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ledger::Ledger;
use local::ministack::Ministack;
use local::site;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// What a test waits for must come within this time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The binary and its surroundings. It ends when this is dropped.
pub(crate) struct Outside {
    /// The ledger.
    pub(crate) ledger: Ledger,
    /// The port on 127.0.0.1 that the service listens on.
    pub(crate) port: u16,
    /// The process.
    pub(crate) service: Child,
    ministack: &'static Ministack,
    table: String,
}

impl Outside {
    /// The service over an empty ledger in `table`.
    pub(crate) async fn start(table: &str) -> Result<Outside> {
        let ministack = Ministack::shared_for_tests().await;
        ministack.create_ledger_table(table).await?;
        let free = TcpListener::bind(("127.0.0.1", 0)).context("find a free port")?;
        let port = free.local_addr()?.port();
        drop(free);
        let outside = Outside {
            ledger: site::ledger(ministack.url(), table),
            port,
            service: spawn(ministack.url(), table, port)?,
            ministack,
            table: table.to_owned(),
        };
        outside.connect().await?;
        Ok(outside)
    }

    /// Ends the service at once.
    pub(crate) fn stop(&mut self) -> Result<()> {
        self.service.kill()?;
        self.service.wait()?;
        Ok(())
    }

    /// Starts it anew, where it was.
    pub(crate) async fn go_on(&mut self) -> Result<()> {
        self.service = spawn(self.ministack.url(), &self.table, self.port)?;
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

fn spawn(endpoint: &str, table: &str, port: u16) -> Result<Child> {
    let log = log(table);
    let file = File::create(&log).with_context(|| format!("make {log}"))?;
    Command::new(env!("CARGO_BIN_EXE_service"))
        .env_clear()
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("COUPLET_LEDGER_TABLE", table)
        // Every client is the same address here.
        .env("COUPLET_REQUESTS_PER_SECOND", "0")
        .env("HOST", "127.0.0.1")
        .env("PORT", port.to_string())
        .stdout(file.try_clone()?)
        .stderr(file)
        .stdin(Stdio::null())
        .spawn()
        .context("start the service")
}

fn log(table: &str) -> String {
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{table}.log"));
    log.display().to_string()
}
