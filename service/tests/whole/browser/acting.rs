//! The buttons: of somebody who may write, of somebody who may only read, and of nobody.

use anyhow::{Context, Result, ensure};
use chrono::{TimeDelta, Utc};
use ledger::Verdict;
use serde_json::{Value, json};
use thirtyfour::By;

use super::live::{REMEMBER, REMEMBERED};
use super::{Browser, Scripts};
use crate::outside::Outside;

/// A target on which two releases have succeeded, so that there is one to go back to.
async fn scene(name: &str) -> Result<(Outside, ledger::Target)> {
    let outside = Outside::start(name).await?;
    let target = outside.target(name, "production").await?;
    for (number, hours) in [(1, 3), (2, 2)] {
        let ago = TimeDelta::hours(hours);
        let rollout = outside.roll_out(&target, number, ago).await?;
        let at = rollout.claimed_at + TimeDelta::seconds(50);
        outside.end(&rollout, Verdict::Succeeded, at).await?;
    }
    Ok((outside, target))
}

impl Browser {
    /// Signs in from the page that is open, as `login`.
    pub(super) async fn sign_in(&self, login: &str) -> Result<()> {
        self.press("a.sign-in").await?;
        self.press(&format!("button[value={login}]")).await?;
        self.until("document.querySelector('.reader')").await
    }

    /// Presses what is first found.
    async fn press(&self, what: &str) -> Result<()> {
        let found = self.tab.find(By::Css(what)).await;
        let found = found.with_context(|| format!("there is no {what}"))?;
        found.click().await?;
        Ok(())
    }

    async fn says(&self, words: &str) -> Result<bool> {
        let text = self.ask("return document.body.innerText").await?;
        Ok(text.as_str().unwrap_or_default().contains(words))
    }
}

#[tokio::test]
#[ignore = "needs Chromium: `.ci/run board`"]
async fn who_may_write_rolls_back_in_their_own_name_and_sees_what_comes_of_it() -> Result<()> {
    let (outside, target) = scene("browser-ada").await?;
    let bus = outside.bus(&target.name).await?;
    let browser = Browser::start(Scripts::Run).await?;
    browser.open(&outside.url("/targets/browser-ada")).await?;
    ensure!(
        !browser.says("Roll back").await?,
        "a stranger is offered it"
    );
    browser.sign_in("ada").await?;
    // They come back to where they set out from.
    let here = browser.tab.current_url().await?;
    assert_eq!(here.path(), "/targets/browser-ada");

    browser.press("details.action:has(.danger) summary").await?;
    let why = browser
        .tab
        .find(By::Css("form[action$=rollback] [name=why]"));
    why.await?.send_keys("prices are wrong").await?;
    browser.press("form[action$=rollback] button").await?;
    browser.until("document.querySelector('#asked')").await?;
    ensure!(browser.says("Asked for.").await?, "it is not told");

    let event = bus.next().await?;
    let expected = json!({
        "action": "rollback", "target": "browser-ada", "by": "ada", "why": "prices are wrong",
    });
    assert_eq!(event["detail"], expected);
    assert_eq!(event["detail-type"], "Rollout Requested");

    // It is carried out, and the page that is still open says so.
    browser.ask(REMEMBER).await?;
    let id = event["id"].as_str().context("the event has no id")?;
    let asked = TimeDelta::seconds(25);
    let rollout = outside.carry_out(&target, 3, asked, Some(id)).await?;
    let told = |words| format!("document.querySelector('#asked').innerText.includes('{words}')");
    browser.until(&told("deploying")).await?;
    outside
        .end(&rollout, Verdict::Succeeded, Utc::now())
        .await?;
    browser.until(&told("succeeded")).await?;
    assert_eq!(browser.ask(REMEMBERED).await?, json!(true));
    ensure!(browser.says("rollback by ada").await?, "nobody is named");
    assert_eq!(bus.receive().await?, None);
    Ok(())
}

#[tokio::test]
#[ignore = "needs Chromium: `.ci/run board`"]
async fn who_is_writing_is_not_interrupted() -> Result<()> {
    let (outside, target) = scene("browser-writing").await?;
    let browser = Browser::start(Scripts::Run).await?;
    browser
        .open(&outside.url("/targets/browser-writing"))
        .await?;
    browser.sign_in("ada").await?;
    browser
        .until("document.body.dataset.live === 'live'")
        .await?;
    browser.press("details.action:has(.danger) summary").await?;
    browser.press("form[action$=rollback] [name=why]").await?;
    let keys = |keys| browser.tab.action_chain().send_keys(keys);
    keys("prices are ").perform().await?;

    outside.roll_out(&target, 4, TimeDelta::seconds(9)).await?;
    browser
        .until("document.querySelector('main').innerText.includes('deploying')")
        .await?;
    keys("wrong").perform().await?;
    let why = "return document.querySelector('form[action$=rollback] [name=why]').value";
    assert_eq!(browser.ask(why).await?, json!("prices are wrong"));
    Ok(())
}

#[tokio::test]
#[ignore = "needs Chromium: `.ci/run board`"]
async fn who_may_only_read_is_offered_nothing_and_can_do_nothing() -> Result<()> {
    let (outside, target) = scene("browser-eve").await?;
    let bus = outside.bus(&target.name).await?;
    let browser = Browser::start(Scripts::Run).await?;
    browser.open(&outside.url("/targets/browser-eve")).await?;
    // Nobody is known yet.
    assert_eq!(browser.post("/targets/browser-eve/rollback").await?, 401);

    browser.sign_in("eve").await?;
    ensure!(
        browser.says("eve may not write to ada/poems").await?,
        "the reason is not told"
    );
    let forms = "return document.querySelectorAll('form[action^=\"/targets\"]').length";
    assert_eq!(browser.ask(forms).await?, json!(0));
    // The page of somebody else may still be open.
    assert_eq!(browser.post("/targets/browser-eve/rollback").await?, 403);
    assert_eq!(bus.receive().await?, None);
    Ok(())
}

#[tokio::test]
#[ignore = "needs Chromium: `.ci/run board`"]
async fn who_signs_out_is_a_stranger_again() -> Result<()> {
    let (outside, target) = scene("browser-out").await?;
    let bus = outside.bus(&target.name).await?;
    let browser = Browser::start(Scripts::Run).await?;
    browser.open(&outside.url("/targets/browser-out")).await?;
    browser.sign_in("ada").await?;
    ensure!(browser.says("Roll back").await?, "Ada is offered nothing");

    browser.press(".reader button").await?;
    browser.until("document.querySelector('a.sign-in')").await?;
    assert_eq!(browser.tab.get_all_cookies().await?.len(), 0);
    browser.open(&outside.url("/targets/browser-out")).await?;
    ensure!(
        !browser.says("Roll back").await?,
        "a stranger is offered it"
    );
    assert_eq!(browser.post("/targets/browser-out/rollback").await?, 401);
    assert_eq!(bus.receive().await?, None);
    Ok(())
}

#[tokio::test]
#[ignore = "needs Chromium: `.ci/run board`"]
async fn who_changes_their_mind_at_github_is_not_signed_in() -> Result<()> {
    let (outside, _) = scene("browser-back").await?;
    let browser = Browser::start(Scripts::Run).await?;
    browser.open(&outside.url("/")).await?;
    browser.press("a.sign-in").await?;
    browser.press("button[name=cancel]").await?;
    let refused = "document.body.innerText.includes('you do not want to be known here')";
    browser.until(refused).await?;
    browser.open(&outside.url("/")).await?;
    browser.until("document.querySelector('a.sign-in')").await
}

#[tokio::test]
#[ignore = "needs Chromium: `.ci/run board`"]
async fn another_sites_page_does_nothing_in_their_name() -> Result<()> {
    let (outside, target) = scene("browser-other").await?;
    let bus = outside.bus(&target.name).await?;
    let browser = Browser::start(Scripts::Run).await?;
    let page = outside.url("/targets/browser-other");
    browser.open(&page).await?;
    browser.sign_in("ada").await?;
    // Of another port, so with Ada's cookies: those are for a host.
    browser.open(&outside.github_url()).await?;
    let send = format!(
        "const form = Object.assign(document.createElement('form'), {{ method: 'post', action: '{page}/rollback' }});
         document.body.append(form); form.submit()"
    );
    browser.ask(&send).await?;
    browser
        .until("document.body.innerText.includes('another site')")
        .await?;
    assert_eq!(bus.receive().await?, None);
    Ok(())
}

impl Browser {
    /// The status of what a script of the open page posts to `path`.
    async fn post(&self, path: &str) -> Result<Value> {
        let script = format!(
            "return fetch('{path}', {{ method: 'POST', redirect: 'manual', body: new URLSearchParams() }}).then((it) => it.status)"
        );
        self.ask(&script).await
    }
}
