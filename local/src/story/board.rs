//! The chapter in which somebody opens the board.

use anyhow::Result;

use super::Story;
use crate::aws::http;

impl Story<'_> {
    pub(super) async fn board(&self) -> Result<()> {
        self.lines.chapter("The board, as people open it");
        let newest = self.ledger.history(&self.service, 1).await?.remove(0);
        let label = newest.release.label();
        let target = self.service.service();
        let rollout = format!("rollouts/{}/{}", self.service, newest.id);
        for (what, path) in [
            ("the first page", String::new()),
            ("the target's page", format!("targets/{target}")),
            ("the rollout's page", rollout),
            ("the API", format!("api/v1/targets/{target}/rollouts")),
        ] {
            let page = self.page(&path).await;
            let right = page.as_ref().is_ok_and(|page| page.contains(label));
            let seen = page.map(|page| page.len());
            self.lines
                .check(&format!("{what} shows {label}"), right, &seen);
        }
        Ok(())
    }

    async fn page(&self, path: &str) -> Result<String> {
        let address = format!("{}/{path}", self.system.site.board);
        let answer = http().get(address).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }
}
