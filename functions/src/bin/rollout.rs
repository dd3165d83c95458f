//! The Lambda function `rollout`: see [`functions::rollout`].

use functions::{rollout, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    run::log();
    let config = run::aws().await;
    let clients =
        rollout::Clients::new(&config, run::ledger(&config)?, run::other_ledgers(&config))?;
    run::serve(async |event| rollout::handle(&clients, event).await).await
}
