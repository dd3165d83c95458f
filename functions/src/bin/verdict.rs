//! The Lambda function `verdict`: see [`functions::verdict`].

use functions::{run, verdict};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    run::log();
    let config = run::aws()?;
    let clients = verdict::Clients::new(&config, run::ledger(&config)?);
    run::serve(async |event| verdict::handle(&clients, event).await).await
}
