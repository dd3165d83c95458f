//! What is known of an event, and what was asked about its image: once, however many targets follow it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use ledger::Digest;
use tokio::sync::OnceCell;

use crate::decide::{Pushed, TaggedImage};
use crate::ecr::Ecr;

/// The answers until now, for as long as one event is handled.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Whether somebody may have tried before what the event asks for, and died.
    pub(crate) may_have_been_tried: bool,
    tagged: OnceCell<Option<TaggedImage>>,
    contents: Arc<Mutex<HashMap<Digest, Arc<OnceCell<String>>>>>,
}

impl Asked {
    /// Nothing yet.
    pub(crate) fn new(may_have_been_tried: bool) -> Asked {
        Asked {
            may_have_been_tried,
            tagged: OnceCell::new(),
            contents: Arc::default(),
        }
    }

    /// The same after somebody else came first: only what a digest names cannot have changed.
    pub(crate) fn again(&self) -> Asked {
        Asked {
            contents: Arc::clone(&self.contents),
            ..Asked::new(true)
        }
    }

    /// The image that has the pushed tag now.
    pub(crate) async fn tagged(&self, ecr: &Ecr, pushed: &Pushed) -> Result<Option<TaggedImage>> {
        let asked = || ecr.tagged(&pushed.repository, &pushed.tag);
        self.tagged.get_or_try_init(asked).await.cloned()
    }

    /// What a digest names: a manifest or a layer, which `ask` gets. It is always the same.
    pub(crate) async fn content(
        &self,
        digest: &Digest,
        ask: impl Future<Output = Result<String>>,
    ) -> Result<String> {
        let known = {
            let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
            contents.entry(digest.clone()).or_default().clone()
        };
        known.get_or_try_init(|| ask).await.cloned()
    }
}
