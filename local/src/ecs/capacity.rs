//! Capacity providers: which of FARGATE and FARGATE_SPOT a task runs on. Nothing is ever interrupted here.
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html>

use serde_json::{Value, json};

use super::ApiError;
use super::name::{text, texts};
use super::service::Service;
use super::state::State;
use super::task::Task;

/// PutClusterCapacityProviders needs both lists, and forgets what it is not told again.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PutClusterCapacityProviders.html>
pub(super) fn check_cluster(state: &State, cluster: &str, body: &Value) -> Result<(), ApiError> {
    for key in ["capacityProviders", "defaultCapacityProviderStrategy"] {
        if !body[key].is_array() {
            return Err(ApiError::parameter(format!("{key} can not be null.")));
        }
    }
    let providers = texts(body, "capacityProviders");
    if let Some(unknown) = providers
        .iter()
        .find(|name| !["FARGATE", "FARGATE_SPOT"].contains(name))
    {
        return Err(ApiError::parameter(format!(
            "The specified capacity provider '{unknown}' was not found. Specify a valid name or ARN and try again."
        )));
    }
    let used = |task: &Task| {
        let provider = task.capacity_provider.as_deref();
        task.cluster == cluster
            && !task.is_stopped()
            && provider.is_some_and(|it| !providers.contains(&it))
    };
    if state.tasks.iter().any(used) {
        return Err(ApiError::new(
            "ResourceInUseException",
            "The specified capacity provider is in use and cannot be removed.",
        ));
    }
    check_strategy(&body["defaultCapacityProviderStrategy"], &providers)
}

/// The strategy of a service names providers of its cluster only, and excludes a launch type.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>
pub(super) fn check_service(state: &State, cluster: &str, body: &Value) -> Result<(), ApiError> {
    let strategy = &body["capacityProviderStrategy"];
    if !is_strategy(strategy) {
        return Ok(());
    }
    if text(body, "launchType").is_some() {
        return Err(ApiError::parameter(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ));
    }
    check_strategy(
        strategy,
        &texts(&state.clusters[cluster], "capacityProviders"),
    )
}

/// A strategy takes the place of the launch type, and an empty one gives it back; here that is Fargate's.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
pub(super) fn choose(body: &mut Value) {
    let strategy = body["capacityProviderStrategy"].take();
    let Some(fields) = body.as_object_mut() else {
        return;
    };
    fields.shift_remove("capacityProviderStrategy");
    if is_strategy(&strategy) {
        fields.shift_remove("launchType");
        fields.insert("capacityProviderStrategy".into(), strategy);
    } else if !strategy.is_null() {
        fields.insert("launchType".into(), json!("FARGATE"));
    }
}

pub(super) fn is_strategy(value: &Value) -> bool {
    value.as_array().is_some_and(|list| !list.is_empty())
}

/// The provider of a service's next task: the base comes first, then each gets its share by weight.
pub(super) fn next(service: &Service, tasks: &[&Task]) -> Option<String> {
    let strategy = service.body["capacityProviderStrategy"].as_array()?;
    let number = |item: &Value, key: &str| item[key].as_u64().unwrap_or(0);
    let count = |item: &Value| {
        let name = text(item, "capacityProvider");
        let mine = |task: &&&Task| task.is_active() && task.capacity_provider.as_deref() == name;
        tasks.iter().filter(mine).count() as u64
    };
    let short = strategy
        .iter()
        .find(|item| count(item) < number(item, "base"));
    let weighed = || {
        let load = |item: &&Value| {
            let beyond = count(item).saturating_sub(number(item, "base")) + 1;
            beyond * 1_000_000 / number(item, "weight")
        };
        let all = strategy.iter().filter(|item| number(item, "weight") > 0);
        all.min_by_key(load)
    };
    let chosen = short.or_else(weighed)?;
    text(chosen, "capacityProvider").map(str::to_owned)
}

fn check_strategy(strategy: &Value, providers: &[&str]) -> Result<(), ApiError> {
    let items = strategy.as_array().into_iter().flatten();
    let mut named = items.map(|item| text(item, "capacityProvider").unwrap_or_default());
    if named.all(|name| providers.contains(&name)) {
        return Ok(());
    }
    Err(ApiError::parameter(
        "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again.",
    ))
}
