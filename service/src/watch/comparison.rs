//! A rollout beside what ran before it. It is read once, however many look at its page.

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::Result;
use ledger::{Rollout, RolloutId, ServiceKey, Verdict};

use super::{Seen, Watch};
use crate::difference::{Change, difference};

/// How many rollouts before one are looked through for the one that ran, if it is not among those that were seen.
const BACK: usize = 50;
/// How many comparisons are kept; the oldest makes room.
const MOST: usize = 100;

/// A rollout beside what ran before it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Comparison {
    /// The rollout that brought what ran before, if that is known.
    pub(crate) before: Option<Rollout>,
    /// What differs between the two task definitions, if both are known.
    pub(crate) changes: Option<Vec<Change>>,
}

/// The comparisons that were made.
#[derive(Debug, Default)]
pub(super) struct Comparisons(VecDeque<Known>);

#[derive(Debug)]
struct Known {
    of: (ServiceKey, RolloutId),
    /// As this was seen; none if it stays as it is.
    print: Option<Arc<str>>,
    comparison: Arc<Comparison>,
}

impl Watch {
    /// `rollout` beside what ran before it.
    pub(crate) async fn comparison(
        &self,
        rollout: &Rollout,
        seen: &Seen,
    ) -> Result<Arc<Comparison>> {
        let mut comparisons = self.comparisons.lock().await;
        if let Some(known) = comparisons.get(rollout, seen) {
            return Ok(known);
        }
        let comparison = Arc::new(self.compare(rollout, seen).await?);
        comparisons.keep(rollout, seen, comparison.clone());
        Ok(comparison)
    }

    async fn compare(&self, rollout: &Rollout, seen: &Seen) -> Result<Comparison> {
        let before = match seen.live_before(rollout) {
            Some(before) => Some(before.clone()),
            None => self.looked_up_before(rollout).await?,
        };
        let (Some(before), Some(_)) = (&before, &rollout.revision) else {
            let changes = None;
            return Ok(Comparison { before, changes });
        };
        let (old, new) = tokio::try_join!(self.board.outline(before), self.board.outline(rollout))?;
        Ok(Comparison {
            before: Some(before.clone()),
            changes: old.zip(new).map(|(old, new)| difference(&old, &new)),
        })
    }

    async fn looked_up_before(&self, rollout: &Rollout) -> Result<Option<Rollout>> {
        let (key, id) = (&rollout.service, Some(&rollout.id));
        let (older, _) = self.board.older(key, id, BACK).await?;
        let mut older = older.into_iter();
        Ok(older.find(|it| it.verdict == Some(Verdict::Succeeded)))
    }
}

impl Comparisons {
    fn get(&self, rollout: &Rollout, seen: &Seen) -> Option<Arc<Comparison>> {
        let is_it = |it: &&Known| it.of.0 == rollout.service && it.of.1 == rollout.id;
        let known = self.0.iter().find(is_it)?;
        let holds = known.print.as_ref().is_none_or(|it| *it == seen.print);
        holds.then(|| known.comparison.clone())
    }

    /// An outline is written with the revision, and what came before a rollout is over when that is claimed: from the
    /// revision on, and after a verdict, nothing of this changes.
    fn keep(&mut self, rollout: &Rollout, seen: &Seen, comparison: Arc<Comparison>) {
        let of = (rollout.service.clone(), rollout.id.clone());
        let stays = rollout.revision.is_some() || rollout.verdict.is_some();
        self.0.retain(|known| known.of != of);
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(Known {
            of,
            print: (!stays).then(|| seen.print.clone()),
            comparison,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::fixtures::{ended, open, states, target};

    fn seen(print: &str) -> Seen {
        Seen {
            states: states(Vec::new()),
            print: print.into(),
        }
    }

    #[test]
    fn what_may_still_change_is_kept_until_something_is_new() {
        let mut rollout = open(&target("web", "production"), 100);
        rollout.revision = None;
        let mut kept = Comparisons::default();
        kept.keep(&rollout, &seen("a"), Arc::default());
        assert!(kept.get(&rollout, &seen("a")).is_some());
        assert!(kept.get(&rollout, &seen("b")).is_none());
        let registered = open(&target("web", "production"), 100);
        kept.keep(&registered, &seen("b"), Arc::default());
        assert!(kept.get(&registered, &seen("c")).is_some());
        assert_eq!(kept.0.len(), 1);
    }

    #[test]
    fn the_oldest_makes_room() {
        let (web, mail) = (target("web", "production"), target("mail", "production"));
        let first = ended(&mail, 100, Verdict::Succeeded);
        let mut kept = Comparisons::default();
        kept.keep(&first, &seen("a"), Arc::default());
        for second in 1..=100 {
            let rollout = ended(&web, second, Verdict::Succeeded);
            assert!(kept.get(&first, &seen("a")).is_some(), "{second}");
            kept.keep(&rollout, &seen("a"), Arc::default());
        }
        assert!(kept.get(&first, &seen("a")).is_none());
        assert_eq!(kept.0.len(), MOST);
    }
}
