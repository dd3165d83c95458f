//! The board in a browser that runs no scripts.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use chrono::{TimeDelta, Utc};
use ledger::Verdict;
use tokio::time::sleep;

use super::{Browser, Scripts};
use crate::outside::{Outside, PATIENCE};

#[tokio::test]
#[ignore = "needs Chromium: `.ci/run board`"]
async fn without_scripts_a_page_says_the_same_and_renews_itself() -> Result<()> {
    let outside = Outside::start("browser-plain").await?;
    let web = outside.target("web", "production").await?;
    let rollout = outside.roll_out(&web, 7, TimeDelta::seconds(30)).await?;
    let browser = Browser::start(Scripts::Rest).await?;
    browser.open(&outside.url("/")).await?;
    let page = browser.tab.source().await?;
    ensure!(page.contains("1 rolling out"), "{page}");
    // No script has told anybody that the page is live.
    ensure!(!page.contains("data-live"), "{page}");

    outside
        .end(&rollout, Verdict::Succeeded, Utc::now())
        .await?;
    let end = Instant::now() + PATIENCE;
    loop {
        // While it is loaded anew there is no page.
        let page = browser.tab.source().await.unwrap_or_default();
        if page.contains(">succeeded<") {
            ensure!(!page.contains("data-live"), "{page}");
            return Ok(());
        }
        ensure!(Instant::now() < end, "the page does not renew itself");
        sleep(Duration::from_millis(200)).await;
    }
}
