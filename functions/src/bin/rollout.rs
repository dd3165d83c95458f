//! The Lambda function `rollout`: see [`functions::rollout`].

use std::env;

use functions::{rollout, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    run::log();
    let config = run::aws()?;
    let ledger = run::ledger(&config)?;
    let tables = env::var("COUPLET_OTHER_LEDGER_TABLES").unwrap_or_default();
    let others = run::other_ledgers(&ledger, &tables);
    let clients = rollout::Clients::new(&config, ledger, others);
    run::serve(async |event| rollout::handle(&clients, event).await).await
}
