use serde_json::Value;

use super::state::State;
use super::{ApiError, cluster, definition, history, service, tags, task};

/// Answers one operation. Nothing here waits and nothing here sends events: a request changes what is wanted, and the
/// scheduler makes it so.
pub(super) fn answer(state: &mut State, operation: &str, body: &Value) -> Result<Value, ApiError> {
    let reads = operation.starts_with("Describe") || operation.starts_with("List");
    state.changed |= !reads;
    match operation {
        "CreateCluster" => cluster::create(state, body),
        "DescribeClusters" => cluster::describe(state, body),
        "ListClusters" => cluster::list(state, body),
        "UpdateCluster" | "UpdateClusterSettings" => cluster::update(state, body),
        "PutClusterCapacityProviders" => cluster::put_capacity_providers(state, body),
        "DeleteCluster" => cluster::delete(state, body),

        "RegisterTaskDefinition" => definition::register(state, body),
        "DescribeTaskDefinition" => definition::describe(state, body),
        "DeregisterTaskDefinition" => definition::deregister(state, body),
        "DeleteTaskDefinitions" => definition::delete(state, body),
        "ListTaskDefinitions" => definition::list(state, body),

        "CreateService" => service::create(state, body),
        "DescribeServices" => service::describe(state, body),
        "UpdateService" => service::update(state, body),
        "DeleteService" => service::delete(state, body),
        "ListServices" => service::list(state, body),

        "ListServiceDeployments" => history::list(state, body),
        "DescribeServiceDeployments" => history::describe(state, body),
        "DescribeServiceRevisions" => history::revisions(state, body),
        "StopServiceDeployment" => history::stop(state, body),

        "ListTasks" => task::list(state, body),
        "DescribeTasks" => task::describe(state, body),

        "ListTagsForResource" => tags::list(state, body),
        "TagResource" => tags::tag(state, body),
        "UntagResource" => tags::untag(state, body),

        _ => Err(ApiError::new(
            "UnknownOperationException",
            format!("This Amazon ECS does not know the operation {operation}."),
        )),
    }
}
