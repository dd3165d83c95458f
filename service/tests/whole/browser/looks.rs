//! Narrow screens, and both schemes of colours.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Browser, Scheme, Scripts, on_every_page};
use crate::outside::Outside;

#[tokio::test]
#[ignore = "needs Chromium: `.ci/run board`"]
async fn nothing_is_wider_than_the_screen() -> Result<()> {
    let outside = Outside::start("browser-narrow").await?;
    let browser = Browser::start(Scripts::Run).await?;
    on_every_page(&outside, &browser, async |_| {
        for width in [320, 400, 640, 768, 900, 1040, 1280] {
            browser.narrow(width).await?;
            let wide = browser.ask("return document.documentElement.scrollWidth");
            let wide = wide.await?.as_u64().context("no width")?;
            ensure!(wide <= width.into(), "it is {wide} wide on {width}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs Chromium: `.ci/run board`"]
async fn who_prefers_the_dark_gets_light_on_dark() -> Result<()> {
    let outside = Outside::start("browser-dark").await?;
    let browser = Browser::start(Scripts::Run).await?;
    on_every_page(&outside, &browser, async |_| {
        for scheme in [Scheme::Light, Scheme::Dark] {
            browser.prefer(scheme).await?;
            let page = brightness(&browser, "backgroundColor").await?;
            let text = brightness(&browser, "color").await?;
            let fits = match scheme {
                Scheme::Light => page > 0.9 && text < 0.2,
                Scheme::Dark => page < 0.1 && text > 0.8,
            };
            ensure!(fits, "{scheme:?}: {text} on {page}");
        }
        Ok(())
    })
    .await
}

/// How bright a colour of the page is, from 0 to 1.
async fn brightness(browser: &Browser, property: &str) -> Result<f64> {
    let script = format!("return getComputedStyle(document.body).{property}.match(/[\\d.]+/g)");
    let Value::Array(parts) = browser.ask(&script).await? else {
        anyhow::bail!("no {property}");
    };
    let parts = parts.iter().take(3).filter_map(Value::as_str);
    let parts = parts.map(|part| Ok(part.parse::<f64>()?));
    Ok(parts.collect::<Result<Vec<_>>>()?.iter().sum::<f64>() / (3.0 * 255.0))
}
