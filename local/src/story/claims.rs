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
        self.told(push, "success", "success").await;
    }

    /// GitHub shows one deployment that came to this end step by step, and the commit's status went from pending to
    /// `commit`.
    pub(super) async fn told(&self, push: &Push, last: &str, commit: &str) {
        let steps = ["queued", "in_progress", last].map(str::to_owned).to_vec();
        self.lines
            .becomes(
                &format!("GitHub's deployment went {}", steps.join(" → ")),
                vec![steps],
                async || Ok(self.deployment_steps(push)),
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
