//! What must be true of every push.

use super::Story;
use crate::developer::Push;

impl Story<'_> {
    /// It is live, ECS runs nothing else, the users see it, and GitHub says so.
    pub(super) async fn succeeds(&self, push: &Push) {
        let line = format!("{} is rolled out: verdict succeeded", push.tag);
        self.lines
            .becomes(&line, "succeeded".to_owned(), async || {
                self.verdict_on(push).await
            })
            .await;
        self.lines
            .becomes("one push, one rollout", 1, async || {
                Ok(self.rollouts_of(push).await?.len())
            })
            .await;
        self.lines
            .becomes(
                "every running task has the digest that was pushed",
                vec![push.digest.clone()],
                async || Ok(self.running()),
            )
            .await;
        self.lines
            .becomes(
                "the board answers with the commit",
                push.commit.clone(),
                async || self.serving().await,
            )
            .await;
        self.told(push, "in_progress", "success", "success").await;
    }

    /// GitHub shows one deployment with these states and the commit's status went from pending to `commit`.
    pub(super) async fn told(&self, push: &Push, first: &str, last: &str, commit: &str) {
        let states = vec![vec![first.to_owned(), last.to_owned()]];
        self.lines
            .becomes(
                &format!("GitHub's deployment went {first} → {last}"),
                states,
                async || Ok(self.deployment_states(push)),
            )
            .await;
        let states = vec!["pending".to_owned(), commit.to_owned()];
        self.lines
            .becomes(
                &format!("the commit's status went pending → {commit}"),
                states,
                async || Ok(self.commit_states(push)),
            )
            .await;
    }
}
