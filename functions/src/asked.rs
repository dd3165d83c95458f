//! What was asked about an image: once, however many targets follow it.

use anyhow::Result;
use ledger::Digest;
use tokio::sync::OnceCell;

use crate::decide::{Pushed, TaggedImage};
use crate::ecr::Ecr;

/// The answers until now. They are for one image, and for as long as its event is handled.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    tagged: OnceCell<Option<TaggedImage>>,
    architectures: OnceCell<Vec<String>>,
}

impl Asked {
    /// The image that has the pushed tag now.
    pub(crate) async fn tagged(&self, ecr: &Ecr, pushed: &Pushed) -> Result<Option<TaggedImage>> {
        let asked = || ecr.tagged(&pushed.repository, &pushed.tag);
        self.tagged.get_or_try_init(asked).await.cloned()
    }

    /// The processors that the image was built for.
    pub(crate) async fn architectures(
        &self,
        ecr: &Ecr,
        repository: &str,
        digest: &Digest,
    ) -> Result<Vec<String>> {
        let asked = || ecr.architectures(repository, digest);
        self.architectures.get_or_try_init(asked).await.cloned()
    }
}
