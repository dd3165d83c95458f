//! Follows a rollout from another terminal to its verdict.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use ledger::{Digest, Rollout, RolloutId};
use tokio::time::sleep;

use crate::developer::Push;
use crate::site::Site;

/// How long it is waited for that a rollout is claimed.
const CLAIM: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(100);

/// Follows the rollout of what was pushed.
pub async fn push(site: &Site, push: &Push) -> Result<()> {
    let digest = Digest::parse(&push.digest)?;
    follow(site, |rollout| rollout.release.digest == digest).await
}

/// The newest rollout there is.
pub async fn newest(site: &Site) -> Result<Option<RolloutId>> {
    let history = site.ledger()?.history(&site.service()?, 1).await?;
    Ok(history.into_iter().next().map(|rollout| rollout.id))
}

/// Follows the first rollout that comes after `before`.
pub async fn after(site: &Site, before: Option<RolloutId>) -> Result<()> {
    follow(site, |rollout| Some(&rollout.id) > before.as_ref()).await
}

async fn follow(site: &Site, wanted: impl Fn(&Rollout) -> bool) -> Result<()> {
    let (ledger, service) = (site.ledger()?, site.service()?);
    let since = Instant::now();
    let mut shown = None;
    loop {
        let history = ledger.history(&service, 10).await?;
        match history.into_iter().find(|rollout| wanted(rollout)) {
            None if since.elapsed() > CLAIM => {
                bail!("no rollout was claimed; the log of the function rollout says why")
            }
            None => {}
            Some(rollout) => {
                if shown.as_ref() != Some(&rollout.stage) {
                    let stage = format!("{:?}", rollout.stage).to_lowercase();
                    println!("{:5.1} s  {stage}", since.elapsed().as_secs_f32());
                    shown = Some(rollout.stage);
                }
                if let Some(verdict) = rollout.verdict {
                    let reason = rollout
                        .reason
                        .map_or(String::new(), |reason| format!(": {reason}"));
                    println!("{}: {verdict}{reason}", rollout.release.label());
                    println!("{}/rollouts/{}/{}", site.board, rollout.service, rollout.id);
                    return Ok(());
                }
            }
        }
        sleep(PAUSE).await;
    }
}
