//! What the browser complains of: errors of scripts, what a policy forbids, what cannot be loaded.

use anyhow::{Result, ensure};

use super::{Browser, Scripts, on_every_page};
use crate::outside::Outside;

#[tokio::test]
#[ignore = "needs Chromium: `.ci/run board`"]
async fn the_browser_complains_of_nothing() -> Result<()> {
    let outside = Outside::start("browser-quiet").await?;
    let browser = Browser::start(Scripts::Run).await?;
    on_every_page(&outside, &browser, async |url| {
        // What listens for news has heard some.
        browser
            .until("document.body.dataset.seen === undefined || document.body.dataset.live")
            .await?;
        let complaints = browser.tab.browser_log().await?;
        // That the page itself is a 404 is what it says too. GitHub's page has no icon here.
        let itself = format!("{url} - Failed to load resource");
        let github = outside.github_url();
        let complaints: Vec<_> = complaints
            .iter()
            .map(|it| &it.message)
            .filter(|it| !it.starts_with(&itself) && !it.starts_with(&github))
            .collect();
        ensure!(complaints.is_empty(), "{complaints:#?}");
        Ok(())
    })
    .await?;

    // It would have said so.
    browser
        .ask("document.body.append(Object.assign(document.createElement('style'), { textContent: 'p {}' }))")
        .await?;
    let complaints = browser.tab.browser_log().await?;
    assert!(
        complaints
            .iter()
            .any(|it| it.message.contains("Content Security Policy")),
        "{complaints:?}"
    );
    Ok(())
}
