//! What happens while a page is open.

use anyhow::Result;
use chrono::{TimeDelta, Utc};
use ledger::Verdict;
use serde_json::json;

use super::{Browser, Scripts};
use crate::outside::Outside;

/// Remembers the document, of which a reload would make another one.
pub(super) const REMEMBER: &str = "window.first = document";
/// Whether it is the same document still.
pub(super) const REMEMBERED: &str = "return window.first === document";

#[tokio::test]
#[ignore = "needs Chromium: `.ci/run board`"]
async fn a_rollout_moves_to_its_verdict_on_the_open_board() -> Result<()> {
    let outside = Outside::start("browser-board").await?;
    let web = outside.target("web", "production").await?;
    let browser = Browser::start(Scripts::Run).await?;
    browser.open(&outside.url("/")).await?;
    browser.ask(REMEMBER).await?;
    browser
        .until("document.querySelector('.live').textContent === 'live'")
        .await?;
    let says = |words: &str| format!("document.body.innerText.includes('{words}')");
    browser.until(&says("No release yet")).await?;

    let rollout = outside.roll_out(&web, 7, TimeDelta::seconds(30)).await?;
    browser.until(&says("1 rolling out")).await?;
    // A clock that ticks.
    let clock = "document.querySelector('main time[data-tick=span]').textContent";
    let before = browser.ask(&format!("return {clock}")).await?;
    browser.until(&format!("{clock} !== {before}")).await?;

    outside
        .end(&rollout, Verdict::Succeeded, Utc::now())
        .await?;
    browser.until(&says("succeeded")).await?;
    browser
        .until("!document.body.innerText.includes('rolling out')")
        .await?;
    assert_eq!(browser.ask(REMEMBERED).await?, json!(true));
    Ok(())
}

#[tokio::test]
#[ignore = "needs Chromium: `.ci/run board`"]
async fn an_open_rollouts_page_comes_to_its_verdict_and_reason() -> Result<()> {
    let outside = Outside::start("browser-rollout").await?;
    let web = outside.target("web", "production").await?;
    let rollout = outside.roll_out(&web, 7, TimeDelta::seconds(30)).await?;
    let browser = Browser::start(Scripts::Run).await?;
    let url = outside.url(&format!("/rollouts/main/web/{}", rollout.id));
    browser.open(&url).await?;
    browser.ask(REMEMBER).await?;
    browser
        .until("document.querySelector('.live').textContent === 'live'")
        .await?;

    outside
        .end(&rollout, Verdict::RolledBack, Utc::now())
        .await?;
    browser
        .until("document.querySelector('h1').innerText.includes('rolled back')")
        .await?;
    let reason = "document.querySelector('main').innerText.includes('container web exited 1')";
    browser.until(reason).await?;
    assert_eq!(browser.ask(REMEMBERED).await?, json!(true));
    Ok(())
}

#[tokio::test]
#[ignore = "needs Chromium: `.ci/run board`"]
async fn a_page_finds_the_service_again_that_was_away() -> Result<()> {
    let mut outside = Outside::start("browser-away").await?;
    let web = outside.target("web", "production").await?;
    let rollout = outside.roll_out(&web, 7, TimeDelta::seconds(30)).await?;
    let browser = Browser::start(Scripts::Run).await?;
    browser.open(&outside.url("/targets/web")).await?;
    browser.ask(REMEMBER).await?;
    let state = |state: &str| format!("document.querySelector('.live').textContent === '{state}'");
    browser.until(&state("live")).await?;

    outside.stop()?;
    browser.until(&state("reconnecting")).await?;
    outside
        .end(&rollout, Verdict::Succeeded, Utc::now())
        .await?;
    outside.go_on().await?;
    browser.until(&state("live")).await?;
    browser
        .until("document.querySelector('main').innerText.includes('succeeded')")
        .await?;
    assert_eq!(browser.ask(REMEMBERED).await?, json!(true));
    Ok(())
}
