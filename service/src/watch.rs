//! One reader of the ledger, however many look: pages, scripts and open streams share what it saw.

mod comparison;
#[cfg(test)]
mod tests;

pub(crate) use comparison::Comparison;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use chrono::{DateTime, Utc};
use ledger::{Rollout, RolloutId, ServiceKey};
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::{Instant, sleep};

use crate::act::Answer;
use crate::board::{Board, State, States};
use crate::delivery::{self, Delivery};
use comparison::Comparisons;

/// What is on a page may be this old, so that a thousand pages cost one reading.
pub(crate) const FRESH: Duration = Duration::from_secs(1);
/// How often is looked while somebody watches a rollout, and while somebody watches nothing happen.
const PAUSE: Duration = Duration::from_secs(2);
const CALM_PAUSE: Duration = Duration::from_secs(5);

/// The print of a ledger that cannot be read.
pub(crate) const UNREADABLE: &str = "unreadable";

/// Reads the ledger for all who look.
#[derive(Debug)]
pub(crate) struct Watch {
    board: Board,
    fresh: Duration,
    last: Mutex<Option<Reading>>,
    news: watch::Sender<News>,
    watched: Notify,
    pasts: Mutex<HashMap<String, Arc<Past>>>,
    comparisons: Mutex<Comparisons>,
}

/// What happened to a target for as long as its figures go back.
#[derive(Debug)]
pub(crate) struct Past {
    /// When it was read: as this was seen.
    print: Arc<str>,
    rollouts: Vec<Rollout>,
}

/// What all streams are told: one value, however many they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct News {
    /// What the ledger looks like now; none before the first reading.
    pub(crate) print: Option<Arc<str>>,
    /// The service is stopping.
    pub(crate) closing: bool,
}

/// Everything that was in the ledger at one moment.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Every target and where it stands.
    pub(crate) states: States,
    /// A short name for all of it: another one means that something has changed.
    pub(crate) print: Arc<str>,
}

#[derive(Debug)]
struct Reading {
    began: Instant,
    /// The reason is kept as text: everybody who has waited for this reading gets it.
    seen: Result<Arc<Seen>, String>,
}

impl Watch {
    /// Reads `board`; a reading serves for as long as `fresh`.
    pub(crate) fn new(board: Board, fresh: Duration) -> Self {
        Watch {
            board,
            fresh,
            last: Mutex::default(),
            news: watch::Sender::default(),
            watched: Notify::new(),
            pasts: Mutex::default(),
            comparisons: Mutex::default(),
        }
    }

    /// Everything, as it is now or was a moment ago.
    pub(crate) async fn seen(&self) -> Result<Arc<Seen>> {
        let now = Instant::now();
        self.since(now.checked_sub(self.fresh).unwrap_or(now)).await
    }

    /// One rollout. It is found also when it is old or its target is gone.
    pub(crate) async fn rollout(
        &self,
        key: &ServiceKey,
        id: &RolloutId,
    ) -> Result<(Option<Rollout>, Arc<Seen>)> {
        let seen = self.seen().await?;
        let known = seen.rollout(key, id).cloned();
        let rollout = match known {
            Some(rollout) => Some(rollout),
            None => self.board.rollout(key, id).await?,
        };
        Ok((rollout, seen))
    }

    /// At most `limit` rollouts of `key` that are older than `before`, newest first, and whether there are more.
    pub(crate) async fn older(
        &self,
        key: &ServiceKey,
        before: Option<&RolloutId>,
        limit: usize,
    ) -> Result<(Vec<Rollout>, bool)> {
        self.board.older(key, before, limit).await
    }

    /// The past of a target in `seen`. It is read once, however many ask, until something changes.
    pub(crate) async fn past(&self, state: &State, seen: &Seen) -> Result<Arc<Past>> {
        let mut pasts = self.pasts.lock().await;
        if let Some(past) = pasts.get(&state.target.name)
            && past.print == seen.print
        {
            return Ok(past.clone());
        }
        let rollouts = self
            .board
            .history(&state.target.key(), delivery::MOST)
            .await?;
        let print = seen.print.clone();
        let past = Arc::new(Past { print, rollouts });
        // Targets come and go: only those that are there are kept.
        pasts.retain(|name, _| seen.target(name).is_some());
        pasts.insert(state.target.name.clone(), past.clone());
        Ok(past)
    }

    /// What has become of the request `id` for `key`.
    pub(crate) async fn answer(&self, key: &ServiceKey, id: &str) -> Result<Answer> {
        let (answered, rollout) = self.board.answer(key, id).await?;
        let id = id.to_owned();
        Ok(Answer {
            id,
            answered,
            rollout,
        })
    }

    /// How often the ledger was asked.
    pub(crate) fn requests(&self) -> u64 {
        self.board.requests().count()
    }

    /// For how long a reading serves.
    pub(crate) fn fresh(&self) -> Duration {
        self.fresh
    }

    /// The print of the newest reading; none before the first.
    pub(crate) fn print(&self) -> Option<Arc<str>> {
        self.news.borrow().print.clone()
    }

    /// The news from now on. Somebody who listens keeps the ledger being read.
    pub(crate) fn listen(&self) -> watch::Receiver<News> {
        let listener = self.news.subscribe();
        self.watched.notify_one();
        listener
    }

    /// How many listen.
    pub(crate) fn listeners(&self) -> usize {
        self.news.receiver_count()
    }

    /// Reads for as long as somebody listens; waits while nobody does.
    pub(crate) async fn poll(&self) {
        loop {
            if self.listeners() == 0 {
                self.watched.notified().await;
            }
            let open = match self.since(Instant::now()).await {
                Ok(seen) => seen.is_moving(),
                Err(_) => false,
            };
            sleep(if open { PAUSE } else { CALM_PAUSE }).await;
        }
    }

    /// Tells all who listen to go.
    pub(crate) fn close(&self) {
        self.news.send_modify(|news| news.closing = true);
    }

    /// A reading that began at `earliest` or later. Who comes while another reads waits for that one.
    async fn since(&self, earliest: Instant) -> Result<Arc<Seen>> {
        let mut last = self.last.lock().await;
        let reading = match last.take() {
            Some(reading) if reading.began >= earliest => reading,
            _ => {
                let began = Instant::now();
                let seen = read(&self.board).await;
                Reading { began, seen }
            }
        };
        self.tell(&reading);
        let answer = reading.seen.clone().map_err(|reason| anyhow!(reason));
        *last = Some(reading);
        answer
    }

    fn tell(&self, reading: &Reading) {
        let print = match &reading.seen {
            Ok(seen) => seen.print.clone(),
            Err(_) => UNREADABLE.into(),
        };
        self.news.send_if_modified(|news| {
            let changed = news.print.as_ref() != Some(&print);
            if changed {
                news.print = Some(print);
            }
            changed
        });
    }
}

impl Seen {
    /// The target called `name` and where it stands.
    pub(crate) fn target(&self, name: &str) -> Option<&State> {
        let mut states = self.states.targets.iter();
        states.find(|state| state.target.name == name)
    }

    /// What ran before `rollout`, as far as was seen.
    fn live_before(&self, rollout: &Rollout) -> Option<&Rollout> {
        let mut states = self.states.targets.iter();
        let state = states.find(|state| state.target.key() == rollout.service)?;
        // Of a rollout older than the history nothing is known.
        let known = state.history.iter().any(|it| it.id == rollout.id);
        known.then(|| state.live_before(rollout)).flatten()
    }

    fn rollout(&self, key: &ServiceKey, id: &RolloutId) -> Option<&Rollout> {
        let of_key = |state: &&State| state.target.key() == *key;
        let state = self.states.targets.iter().find(of_key)?;
        let mut known = state.history.iter().chain(&state.in_flight);
        known.find(|rollout| rollout.id == *id)
    }

    fn is_moving(&self) -> bool {
        let mut states = self.states.targets.iter();
        states.any(|state| state.in_flight.is_some())
    }
}

impl Past {
    /// The figures as they are `now`.
    pub(crate) fn delivery(&self, now: DateTime<Utc>) -> Delivery {
        let more = i32::try_from(self.rollouts.len()).is_ok_and(|count| count >= delivery::MOST);
        Delivery::of(&self.rollouts, more, now)
    }
}

async fn read(board: &Board) -> Result<Arc<Seen>, String> {
    let states = board.states().await.map_err(|error| format!("{error:#}"))?;
    let print = print(&states).map_err(|error| format!("{error:#}"))?;
    Ok(Arc::new(Seen { states, print }))
}

/// Two tasks of one release give the same states the same print.
fn print(states: &States) -> Result<Arc<str>> {
    let mut hasher = DefaultHasher::new();
    hasher.write(&serde_json::to_vec(states)?);
    for state in &states.targets {
        hasher.write(&serde_json::to_vec(&state.history)?);
    }
    Ok(format!("{:016x}", hasher.finish()).into())
}
