//! What the address of a page or of the API names.

use std::sync::Arc;

use ledger::{Rollout, RolloutId, ServiceKey};

use crate::act::Answer;
use crate::board::State;
use crate::failure::Failure;
use crate::watch::{Seen, Watch};

/// DynamoDB refuses longer keys, and ECS longer names: such an address is no fault of the ledger.
const LONGEST: usize = 255;

/// The target called `name` and where it stands.
pub(crate) fn target<'a>(seen: &'a Seen, name: &str) -> Result<&'a State, Failure> {
    let missing = || Failure::Missing(format!("target called `{name}`"));
    seen.target(name).ok_or_else(missing)
}

/// What has become of the request `id` for the target in `state`.
pub(crate) async fn answer(watch: &Watch, state: &State, id: &str) -> Result<Answer, Failure> {
    if id.is_empty() || id.len() > LONGEST {
        return Err(Failure::Missing(format!("request `{id}`")));
    }
    Ok(watch.answer(&state.target.key(), id).await?)
}

/// The rollout at `<cluster>/<service>/<id>`, and what else was seen.
pub(crate) async fn rollout(
    watch: &Watch,
    path: &[String; 3],
) -> Result<(Rollout, Arc<Seen>), Failure> {
    let [cluster, service, id] = path;
    let missing = || Failure::Missing(format!("rollout `{id}` of {cluster}/{service}"));
    if path.iter().any(|part| part.len() > LONGEST) {
        return Err(missing());
    }
    let key = ServiceKey::parse(&format!("{cluster}/{service}")).map_err(|_| missing())?;
    let id = RolloutId::parse(id).map_err(|_| missing())?;
    let (rollout, seen) = watch.rollout(&key, &id).await?;
    Ok((rollout.ok_or_else(missing)?, seen))
}
