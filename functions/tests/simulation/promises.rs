//! What must hold, whatever went wrong.

use std::collections::{HashMap, HashSet};

use anyhow::{Result, ensure};
use ledger::{Cause, Rollout, RolloutId, Verdict};
use serde_json::json;

use super::rest::running;
use crate::outside::{Outside, key};

/// What was pushed.
#[derive(Clone, Debug)]
pub(crate) struct Pushed {
    pub(crate) digest: String,
    /// Whether it runs.
    pub(crate) good: bool,
}

/// What has been seen of a target until now.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    verdicts: HashMap<RolloutId, (Verdict, String)>,
}

impl Promises {
    /// What holds at every moment.
    pub(crate) async fn hold_now(&mut self, outside: &Outside) -> Result<()> {
        let history = outside.ledger.history(&key(), 100).await?;
        let open = history.iter().filter(|it| it.verdict.is_none());
        ensure!(open.count() <= 1, "several rollouts are open");
        for rollout in &history {
            let told = self.verdicts.get(&rollout.id);
            let now = rollout.verdict.map(|it| (it, json!(rollout).to_string()));
            match (told, now) {
                (Some(before), now) => ensure!(
                    Some(before) == now.as_ref(),
                    "the verdict {before:?} has become {now:?}"
                ),
                (None, Some(now)) => drop(self.verdicts.insert(rollout.id.clone(), now)),
                (None, None) => {}
            }
        }
        let mut digests = HashSet::new();
        let by_push = history.iter().rev().filter(|it| it.cause == Cause::Push);
        let by_push: Vec<&Rollout> = by_push.collect();
        for rollout in &by_push {
            let first = digests.insert(rollout.release.digest.clone());
            ensure!(first, "one push, two rollouts: {}", rollout.release.label());
        }
        for pair in by_push.windows(2) {
            let [older, newer] = [0, 1].map(|place| &pair[place].release);
            ensure!(
                older.pushed_at < newer.pushed_at,
                "backwards by itself: {} after {}",
                newer.label(),
                older.label()
            );
        }
        Ok(())
    }

    /// What holds when all is at rest.
    pub(crate) async fn hold_at_rest(
        &mut self,
        outside: &Outside,
        pushed: &[Pushed],
    ) -> Result<()> {
        self.hold_now(outside).await?;
        let history = outside.ledger.history(&key(), 100).await?;
        let without = history.iter().filter(|it| it.verdict.is_none()).count();
        ensure!(without == 0, "{without} rollouts have no verdict");

        let live = outside.ledger.head(&key()).await?.live;
        let live = live.map(|it| it.release.digest.as_str().to_owned());
        let good = |digest: &String| pushed.iter().any(|it| it.digest == *digest && it.good);
        if let Some(live) = &live {
            ensure!(good(live), "a release that does not run is live");
        }
        let runs = running(outside).await;
        let runs: Vec<&String> = runs.iter().filter(|digest| good(digest)).collect();
        ensure!(
            runs == live.iter().collect::<Vec<_>>(),
            "the ledger says that {live:?} is live, and {runs:?} runs"
        );
        let Some(newest) = pushed.last() else {
            return Ok(());
        };
        let asked = history.iter().any(|it| it.cause != Cause::Push);
        ensure!(
            asked || !newest.good || live.as_ref() == Some(&newest.digest),
            "the newest release runs and is not live, but {live:?}"
        );
        let heard = history
            .iter()
            .any(|it| it.release.digest.as_str() == newest.digest);
        ensure!(heard, "nobody has heard of the newest push");
        Ok(())
    }
}
