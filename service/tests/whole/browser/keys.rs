//! The board without a mouse.

use anyhow::{Result, ensure};
use serde_json::json;
use thirtyfour::Key;

use super::{Browser, Scripts, on_every_page};
use crate::outside::Outside;

/// What has the focus: its words, whether it is on the screen, and whether it is seen to have it.
const FOCUSED: &str = "
    const it = document.activeElement, box = it.getBoundingClientRect(), style = getComputedStyle(it);
    return {
        name: it.localName + ' ' + (it.getAttribute('href') ?? it.textContent).trim(),
        there: box.width > 0 && box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight,
        seen: it.matches(':focus-visible') && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    }";

/// How many things there are that can have it.
const FOCUSABLE: &str = "
    return [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
        .filter((it) => it.checkVisibility({ contentVisibilityAuto: true })).length";

#[tokio::test]
#[ignore = "needs Chromium: `.ci/run board`"]
async fn everything_is_reached_by_keys_and_seen_to_be() -> Result<()> {
    let outside = Outside::start("browser-keys").await?;
    let browser = Browser::start(Scripts::Run).await?;
    on_every_page(&outside, &browser, async |_| {
        let count = browser.ask(FOCUSABLE).await?.as_u64().unwrap_or(0);
        ensure!(count > 2, "there are only {count} places");
        for place in 0..count {
            press(&browser, Key::Tab).await?;
            let focused = browser.ask(FOCUSED).await?;
            ensure!(
                focused["there"] == json!(true) && focused["seen"] == json!(true),
                "place {place}: {focused}"
            );
            if place == 0 {
                ensure!(focused["name"] == "a #main", "{focused} comes first");
            }
        }
        // Once around.
        press(&browser, Key::Tab).await?;
        let next = browser
            .ask("return document.activeElement.localName")
            .await?;
        ensure!(next == "body" || next == "html", "{next} is one more");
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs Chromium: `.ci/run board`"]
async fn the_first_link_leads_past_the_head() -> Result<()> {
    let outside = Outside::start("browser-skip").await?;
    outside.fill().await?;
    let browser = Browser::start(Scripts::Run).await?;
    browser.open(&outside.url("/")).await?;
    press(&browser, Key::Tab).await?;
    press(&browser, Key::Enter).await?;
    press(&browser, Key::Tab).await?;
    let inside = "return document.querySelector('main').contains(document.activeElement)";
    assert_eq!(browser.ask(inside).await?, json!(true));
    Ok(())
}

async fn press(browser: &Browser, key: Key) -> Result<()> {
    let keys = browser.tab.action_chain().send_keys(key);
    Ok(keys.perform().await?)
}
