//! The Lambda function `report`: see [`functions::report`].

use functions::{report, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    run::log();
    let config = run::aws()?;
    let clients = report::Clients::from_environment(&config)?;
    run::serve(async |event| report::handle(&clients, event).await).await
}
