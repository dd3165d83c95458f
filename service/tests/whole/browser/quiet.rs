//! What the browser complains of: errors of scripts, what a policy forbids, what cannot be loaded.

use anyhow::Result;

use super::{Browser, Scripts, pages};
use crate::outside::Outside;

#[tokio::test]
#[ignore = "needs Chromium: `.ci/run board`"]
async fn the_browser_complains_of_nothing() -> Result<()> {
    let outside = Outside::start("browser-quiet").await?;
    let filled = outside.fill().await?;
    let browser = Browser::start(Scripts::Run).await?;
    for url in pages(&outside, &filled) {
        browser.open(&url).await?;
        // What listens for news has heard some.
        browser
            .until("document.body.dataset.seen === undefined || document.body.dataset.live")
            .await?;
        let complaints = browser.tab.browser_log().await?;
        let complaints = complaints
            .iter()
            .map(|it| it.message.as_str())
            // That the page itself is a 404 is what it says too.
            .filter(|it| !(it.starts_with(&format!("{url} - Failed to load resource"))));
        assert_eq!(complaints.collect::<Vec<_>>(), Vec::<&str>::new(), "{url}");
    }
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
