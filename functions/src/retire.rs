//! What no longer runs is no longer shown as active at GitHub.

use anyhow::Result;
use ledger::Rollout;
use serde_json::json;

use crate::github::Repository;

/// Behind so many failed ones, nobody looks for what ran before.
const LOOKED_AT: usize = 5;

/// Makes the target's deployment that was live before `deployment` inactive.
///
/// GitHub does this by itself only where the environment is not production, and then to every deployment of the
/// environment, although several targets may share it. So it is told not to, and this does it instead.
/// Source: <https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status>, `auto_inactive`
pub(crate) async fn retire(
    repository: &Repository<'_>,
    rollout: &Rollout,
    deployment: u64,
) -> Result<()> {
    let environment = &rollout.environment;
    let found = repository.deployments(environment, &rollout.target).await?;
    // A record that comes again must not retire what has come after it: numbers grow.
    let earlier = found.iter().filter(|it| it.id < deployment);
    for earlier in earlier.take(LOOKED_AT) {
        let statuses = repository.deployment_statuses(earlier.id).await?;
        if statuses.first().is_some_and(|it| it.state == "success") {
            let body = json!({
                "state": "inactive",
                "description": format!("{} is live", rollout.release.label()),
                "environment": environment,
                "auto_inactive": false,
            });
            return repository.add_deployment_status(earlier.id, &body).await;
        }
    }
    Ok(())
}
