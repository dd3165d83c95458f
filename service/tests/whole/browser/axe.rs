//! What axe-core finds: <https://github.com/dequelabs/axe-core>.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Browser, Scheme, Scripts, on_every_page};
use crate::outside::Outside;

/// A script through WebDriver is not one of the page's, which the page's policy would forbid.
const AXE: &str = include_str!("axe.min.js");

/// What is wrong, where, and why, in a few words each.
const RUN: &str = "
    return axe.run().then(({ violations, passes }) => ({
        passed: passes.length,
        wrong: violations.flatMap(({ id, nodes }) => nodes.map((it) => `${id}: ${it.target}: ${it.failureSummary}`)),
    }))";

#[tokio::test]
#[ignore = "needs Chromium: `.ci/run board`"]
async fn axe_finds_nothing_wrong_in_light_or_dark() -> Result<()> {
    let outside = Outside::start("browser-axe").await?;
    let browser = Browser::start(Scripts::Run).await?;
    let mut wrong = Vec::new();
    on_every_page(&outside, &browser, async |url| {
        for scheme in [Scheme::Light, Scheme::Dark] {
            browser.prefer(scheme).await?;
            let found = examine(&browser).await?;
            let faults = found["wrong"].as_array().into_iter().flatten();
            wrong.extend(faults.map(|it| format!("{scheme:?} {url} {it}")));
        }
        Ok(())
    })
    .await?;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // It would have said so.
    browser
        .ask("document.querySelector('h1').style.color = 'rgb(60 60 60)'")
        .await?;
    let found = examine(&browser).await?;
    assert_ne!(found["wrong"], json!([]));
    Ok(())
}

async fn examine(browser: &Browser) -> Result<Value> {
    browser.ask(AXE).await?;
    let found = browser.ask(RUN).await?;
    assert!(found["passed"].as_u64() > Some(10), "{found}");
    Ok(found)
}
