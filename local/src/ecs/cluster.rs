use serde_json::{Value, json};

use super::name::{cluster_arn, includes, last_segment, page, text, texts};
use super::service::Status;
use super::state::State;
use super::task::TaskStatus;
use super::{ApiError, capacity, tags};

/// What the request may set, and what the API shows only when asked for it.
const SETTABLE: [&str; 5] = [
    "settings",
    "configuration",
    "capacityProviders",
    "defaultCapacityProviderStrategy",
    "serviceConnectDefaults",
];

pub(super) fn create(state: &mut State, body: &Value) -> Result<Value, ApiError> {
    let name = text(body, "clusterName").unwrap_or("default").to_owned();
    let arn = cluster_arn(&name);
    let exists = state.clusters.get(&name).is_some_and(is_active);
    if !exists {
        let cluster = json!({
            "clusterArn": arn,
            "clusterName": name,
            "status": "ACTIVE",
            "settings": [{"name": "containerInsights", "value": "disabled"}],
            "capacityProviders": [],
            "defaultCapacityProviderStrategy": [],
        });
        state.clusters.insert(name.clone(), cluster);
        tags::replace(state, &arn, &body["tags"]);
        set(state, &name, body);
    }
    Ok(json!({ "cluster": view(state, &name, &json!({"include": ["TAGS", "SETTINGS"]})) }))
}

pub(super) fn describe(state: &State, body: &Value) -> Result<Value, ApiError> {
    let mut asked = texts(body, "clusters");
    if asked.is_empty() {
        asked.push("default");
    }
    let (found, missing): (Vec<&str>, Vec<&str>) = asked
        .iter()
        .map(|cluster| last_segment(cluster))
        .partition(|name| state.clusters.contains_key(*name));
    let clusters: Vec<Value> = found.iter().map(|name| view(state, name, body)).collect();
    let failures: Vec<Value> = missing
        .iter()
        .map(|name| json!({"arn": cluster_arn(name), "reason": "MISSING"}))
        .collect();
    Ok(json!({ "clusters": clusters, "failures": failures }))
}

pub(super) fn put_capacity_providers(state: &mut State, body: &Value) -> Result<Value, ApiError> {
    let name = state.cluster(body)?;
    capacity::check_cluster(state, &name, body)?;
    update(state, body)
}

/// The clusters that are active.
pub(super) fn list(state: &State, body: &Value) -> Result<Value, ApiError> {
    let active = state.clusters.values().filter(|cluster| is_active(cluster));
    let arns = active.map(|cluster| cluster["clusterArn"].clone());
    Ok(page(body, "clusterArns", arns.collect()))
}

/// UpdateCluster and UpdateClusterSettings: each sets a part.
pub(super) fn update(state: &mut State, body: &Value) -> Result<Value, ApiError> {
    let name = state.cluster(body)?;
    set(state, &name, body);
    let everything = json!({"include": ["TAGS", "SETTINGS", "CONFIGURATIONS"]});
    Ok(json!({ "cluster": view(state, &name, &everything) }))
}

pub(super) fn delete(state: &mut State, body: &Value) -> Result<Value, ApiError> {
    let name = state.cluster(body)?;
    let busy = state
        .services
        .values()
        .any(|service| service.cluster == name && service.status != Status::Inactive);
    if busy {
        return Err(ApiError::new(
            "ClusterContainsServicesException",
            "The Cluster cannot be deleted while Services are active.",
        ));
    }
    if let Some(cluster) = state.clusters.get_mut(&name) {
        cluster["status"] = json!("INACTIVE");
    }
    Ok(json!({ "cluster": view(state, &name, body) }))
}

fn set(state: &mut State, name: &str, body: &Value) {
    let Some(cluster) = state.clusters.get_mut(name) else {
        return;
    };
    for key in SETTABLE {
        if !body[key].is_null() {
            cluster[key] = body[key].clone();
        }
    }
}

fn view(state: &State, name: &str, body: &Value) -> Value {
    let mut cluster = state.clusters[name].clone();
    let arn = cluster_arn(name);
    if !includes(body, "SETTINGS") {
        cluster["settings"] = json!([]);
    }
    if !includes(body, "CONFIGURATIONS")
        && let Some(fields) = cluster.as_object_mut()
    {
        fields.shift_remove("configuration");
    }
    cluster["tags"] = match includes(body, "TAGS") {
        true => tags::of(state, &arn),
        false => json!([]),
    };
    let services = state
        .services
        .values()
        .filter(|service| service.cluster == name && service.status == Status::Active);
    let tasks = |status: fn(TaskStatus) -> bool| {
        let mine = state.tasks.iter().filter(|task| task.cluster == name);
        mine.filter(|task| status(task.last_status)).count()
    };
    cluster["activeServicesCount"] = json!(services.count());
    cluster["runningTasksCount"] = json!(tasks(|status| status == TaskStatus::Running));
    cluster["pendingTasksCount"] = json!(tasks(TaskStatus::is_pending));
    cluster["registeredContainerInstancesCount"] = json!(0);
    cluster["statistics"] = json!([]);
    cluster
}

fn is_active(cluster: &Value) -> bool {
    cluster["status"] == "ACTIVE"
}
