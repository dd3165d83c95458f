//! Many targets, some at a time.

use anyhow::Result;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt};
use ledger::Target;

/// So many targets are looked after at the same time. More would meet ECS's limits on calls, and one after the other a
/// hundred would take longer than a function may run.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>
const TOGETHER: usize = 8;

/// What is done for one target.
pub(crate) type Work<'a, T> = BoxFuture<'a, Result<T>>;

/// What became of every target that is served, in their order, and what went wrong with the others: the error of one keeps
/// none back.
pub(crate) async fn each<T>(targets: &[Target], work: Vec<Work<'_, T>>) -> (Vec<T>, Vec<String>) {
    let (mut outcomes, mut errors) = (Vec::new(), Vec::new());
    let mut served = stream::iter(work).buffered(TOGETHER);
    let mut names = targets.iter().map(|target| &target.name);
    while let (Some(served), Some(name)) = (served.next().await, names.next()) {
        match served {
            Ok(outcome) => outcomes.push(outcome),
            Err(error) => errors.push(format!("target {name}: {error:#}")),
        }
    }
    (outcomes, errors)
}
