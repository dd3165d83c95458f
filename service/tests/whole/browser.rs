//! The board in headless Chromium, through WebDriver.
//! Source: <https://www.w3.org/TR/webdriver2/>

mod acting;
mod axe;
mod keys;
mod live;
mod looks;
mod plain;
mod quiet;

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::cdp::domains::emulation::{
    MediaFeature, SetDeviceMetricsOverride, SetEmulatedMedia,
};
use thirtyfour::{
    CapabilitiesHelper, ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel,
    WebDriver,
};
use tokio::time::{Duration, sleep};

use crate::outside::{Outside, PATIENCE};

/// A browser with one tab. It ends when this is dropped.
struct Browser {
    tab: WebDriver,
    _driver: Driver,
}

/// Whether pages run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scripts {
    Run,
    Rest,
}

/// What the reader prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Light,
    Dark,
}

/// The process that drives browsers.
struct Driver {
    process: Child,
    /// It must be able to go on writing.
    output: BufReader<ChildStdout>,
    /// Where it and its browsers leave things.
    _files: TempDir,
}

impl Browser {
    /// A new one, without a past.
    async fn start(scripts: Scripts) -> Result<Browser> {
        let (driver, port) = tokio::task::spawn_blocking(Driver::start).await??;
        let mut wanted = DesiredCapabilities::chrome();
        // A sandbox needs more than a container or root has.
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--window-size=1280,1000",
        ] {
            wanted.add_arg(argument)?;
        }
        wanted.set_browser_log_level(LoggingPrefsLogLevel::All)?;
        if scripts == Scripts::Rest {
            let blocked = json!({ "profile.managed_default_content_settings.javascript": 2 });
            wanted.add_experimental_option("prefs", blocked)?;
        }
        // A page counts as loaded when it can be read: its stream of news never ends.
        wanted.set("pageLoadStrategy", "normal")?;
        let tab = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted)
            .await
            .context("chromedriver cannot start a browser")?;
        // The browser ends with its driver, whatever becomes of the test.
        tab.clone().leak()?;
        Ok(Browser {
            tab,
            _driver: driver,
        })
    }

    /// Opens a page.
    async fn open(&self, url: &str) -> Result<()> {
        let opened = self.tab.goto(url).await;
        opened.with_context(|| format!("cannot open {url}"))
    }

    /// What `script` returns in the page.
    async fn ask(&self, script: &str) -> Result<Value> {
        let answer = self.tab.execute(script, Vec::new()).await;
        let answer = answer.with_context(|| format!("the page cannot run {script:.200}"))?;
        Ok(answer.json().clone())
    }

    /// Waits until `condition` holds in the page.
    async fn until(&self, condition: &str) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        let script = format!("return Boolean({condition})");
        while self.ask(&script).await? != json!(true) {
            ensure!(
                Instant::now() < end,
                "in {PATIENCE:?} it did not come true that {condition}; the page says: {}",
                self.ask("return document.body.innerText").await?
            );
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Shows pages in `scheme` from now on.
    async fn prefer(&self, scheme: Scheme) -> Result<()> {
        let value = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let feature = MediaFeature {
            name: "prefers-color-scheme".to_owned(),
            value: value.to_owned(),
        };
        let media = SetEmulatedMedia {
            media: None,
            features: Some(vec![feature]),
        };
        self.tab.cdp().send(media).await?;
        Ok(())
    }

    /// Shows pages `width` pixels wide from now on. A window cannot be so narrow.
    async fn narrow(&self, width: u32) -> Result<()> {
        let screen = SetDeviceMetricsOverride {
            width,
            height: 800,
            device_scale_factor: 1.0,
            mobile: false,
            scale: None,
            screen_orientation: None,
        };
        self.tab.cdp().send(screen).await?;
        Ok(())
    }
}

impl Driver {
    /// Starts it; the answer is its port too.
    fn start() -> Result<(Driver, u16)> {
        let files = TempDir::new()?;
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", files.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("chromedriver is missing; `.ci/run board` installs it")?;
        let output = process.stdout.take();
        let mut driver = Driver {
            process,
            output: BufReader::new(output.context("chromedriver has no output")?),
            _files: files,
        };
        loop {
            let mut line = String::new();
            let read = driver.output.read_line(&mut line)?;
            ensure!(read > 0, "chromedriver ended before it was ready");
            if let Some((_, port)) = line.trim_end().rsplit_once("successfully on port ") {
                let port = port.trim_end_matches('.').parse();
                return Ok((driver, port.context("chromedriver names no port")?));
            }
        }
    }
}

impl Drop for Driver {
    /// Ends it and its browsers: left alone they would go on, and asked in good order it may take its time.
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let killed = Command::new("kill").args(["-KILL", "--", &group]).status();
        killed.expect("end chromedriver");
        let _ = self.process.wait();
    }
}

/// Who looks.
#[derive(Clone, Copy, Debug)]
enum Reader {
    Stranger,
    Ada,
}

/// Makes `check` on every kind of page as everybody sees it, with everything unfolded; it is given the address.
async fn on_every_page(
    outside: &Outside,
    browser: &Browser,
    mut check: impl AsyncFnMut(&str) -> Result<()>,
) -> Result<()> {
    let filled = outside.fill().await?;
    let rollout = |id| format!("/rollouts/main/web/{id}");
    let pages = [
        "/".to_owned(),
        "/targets/web".to_owned(),
        "/targets/web?asked=for-nothing".to_owned(),
        "/targets/shop".to_owned(),
        "/targets/new".to_owned(),
        rollout(&filled.open.id),
        rollout(&filled.failed.id),
        "/api/v1".to_owned(),
        "/nothing".to_owned(),
    ];
    for reader in [Reader::Stranger, Reader::Ada] {
        if let Reader::Ada = reader {
            browser.open(&outside.url("/")).await?;
            browser.sign_in("ada").await?;
        }
        for page in &pages {
            let url = outside.url(page);
            browser.open(&url).await?;
            browser.ask(UNFOLD).await?;
            let checked = check(&url).await;
            checked.with_context(|| format!("{page}, seen by {reader:?}"))?;
        }
    }
    Ok(())
}

/// Those of one name fold each other.
const UNFOLD: &str = "
    for (const it of document.querySelectorAll('details')) {
        it.removeAttribute('name');
        it.open = true;
    }";
