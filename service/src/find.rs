//! What the address of a page or of the API names.

use ledger::{Rollout, RolloutId, ServiceKey};

use crate::board::{Board, State};
use crate::failure::Failure;

/// DynamoDB refuses longer keys, and ECS longer names: such an address is no fault of the ledger.
const LONGEST: usize = 255;

/// The target called `name` and where it stands.
pub(crate) async fn target(board: &Board, name: &str) -> Result<State, Failure> {
    let state = board.named(name).await?;
    state.ok_or_else(|| Failure::Missing(format!("target called `{name}`")))
}

/// The rollout at `<cluster>/<service>/<id>`.
pub(crate) async fn rollout(board: &Board, path: &[String; 3]) -> Result<Rollout, Failure> {
    let [cluster, service, id] = path;
    let missing = || Failure::Missing(format!("rollout `{id}` of {cluster}/{service}"));
    if path.iter().any(|part| part.len() > LONGEST) {
        return Err(missing());
    }
    let key = ServiceKey::parse(&format!("{cluster}/{service}")).map_err(|_| missing())?;
    let id = RolloutId::parse(id).map_err(|_| missing())?;
    board.rollout(&key, &id).await?.ok_or_else(missing)
}
