//! Deployment alarms: an alarm of a service that goes off while a deployment runs fails the deployment.
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html>
//!
//! The bake time is zero here: on AWS a deployment is watched for some minutes more after its tasks are healthy.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::controller::Shared;
use super::deployment::RolloutState;
use super::name::texts;
use super::service::{Service, Status};
use super::state::State;
use crate::aws::Aws;

/// How long CloudWatch may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The alarms that a service is set to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Alarms {
    pub(super) names: Vec<String>,
    pub(super) rollback: bool,
}

/// What has become of the alarms in one deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Watch {
    /// Nobody has looked yet.
    #[default]
    Unseen,
    /// All was quiet when the deployment began.
    Watching,
    /// An alarm was on when the deployment began. Then none is looked at until it ends, so that a deployment can put
    /// right what raised it. Source: <https://github.com/aws/copilot-cli/pull/4512>
    Ignored,
    /// These went off.
    Triggered(Vec<String>),
}

impl Alarms {
    pub(super) fn of(service: &Service) -> Option<Alarms> {
        let alarms = &service.body["deploymentConfiguration"]["alarms"];
        let names: Vec<String> = texts(alarms, "alarmNames")
            .into_iter()
            .map(str::to_owned)
            .collect();
        let is_on = alarms["enable"] == true && !names.is_empty();
        is_on.then(|| Alarms {
            names,
            rollback: alarms["rollback"] == true,
        })
    }
}

impl Watch {
    /// What one look makes of it.
    fn seen(&self, alarming: Vec<String>) -> Watch {
        match (self, alarming.is_empty()) {
            (Watch::Unseen, true) => Watch::Watching,
            (Watch::Unseen, false) => Watch::Ignored,
            (Watch::Watching, false) => Watch::Triggered(alarming),
            (other, _) => other.clone(),
        }
    }

    /// The alarms of a service deployment as the API shows them.
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeploymentAlarms.html>
    pub(super) fn view(&self, configuration: &Value, is_under_way: bool) -> Value {
        let alarms = &configuration["alarms"];
        let status = match self {
            _ if alarms["enable"] != true => "DISABLED",
            Watch::Ignored => "DISABLED",
            Watch::Triggered(_) => "TRIGGERED",
            Watch::Unseen | Watch::Watching if is_under_way => "MONITORING",
            Watch::Unseen | Watch::Watching => "MONITORING_COMPLETE",
        };
        let mut view = json!({"status": status, "alarmNames": texts(alarms, "alarmNames")});
        if let Watch::Triggered(names) = self {
            view["triggeredAlarmNames"] = json!(names);
        }
        view
    }
}

/// Looks at the alarms of running deployments, for ever.
pub(super) async fn watch(shared: Arc<Shared>) {
    let aws = Aws::new(&shared.settings.registry);
    let mut clock = tokio::time::interval(shared.settings.pace.alarm_interval);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        let wanted = wanted(&shared.state());
        for (service, record, names) in wanted {
            // Alarms that cannot be asked for are missed, and nothing else happens (source above).
            let look = tokio::time::timeout(PATIENCE, alarming(&aws, &names)).await;
            let alarming = look.map_or(Vec::new(), Result::unwrap_or_default);
            see(&mut shared.state(), &service, &record, alarming);
        }
    }
}

/// The services, the service deployments and the alarms that are to be looked at.
fn wanted(state: &State) -> Vec<(String, String, Vec<String>)> {
    let services = state.services.values();
    services
        .filter_map(|service| {
            let alarms = Alarms::of(service)?;
            let record = watched(service)?.to_owned();
            Some((service.arn.clone(), record, alarms.names))
        })
        .collect()
}

/// The service deployment under way whose alarms count.
fn watched(service: &Service) -> Option<&str> {
    let primary = service.deployments.first()?;
    let counts = service.status == Status::Active
        && primary.announced
        && primary.rollout == RolloutState::InProgress
        && primary.rolls_back.is_none();
    let open = matches!(service.watch(), Watch::Unseen | Watch::Watching);
    (counts && open).then_some(&primary.record)
}

fn see(state: &mut State, service: &str, record: &str, alarming: Vec<String>) {
    let Some(service) = state.services.get_mut(service) else {
        return;
    };
    // Another deployment may have begun meanwhile.
    if watched(service) == Some(record) {
        let record = service.record(record);
        record.alarms = record.alarms.seen(alarming);
    }
}

async fn alarming(aws: &Aws, names: &[String]) -> anyhow::Result<Vec<String>> {
    let question = json!({
        "AlarmNames": names, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "StateValue": "ALARM",
    });
    let target = "GraniteServiceVersion20100801.DescribeAlarms";
    let answer = aws.json(target, question).await.context("ask for alarms")?;
    let kinds = ["MetricAlarms", "CompositeAlarms"];
    let alarms = kinds.iter().flat_map(|kind| answer[*kind].as_array());
    let names = alarms.flatten().filter_map(|it| it["AlarmName"].as_str());
    Ok(names.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_counts_only_if_it_was_quiet_at_first() {
        let on = || vec!["slow".to_owned()];
        let quiet = Watch::Unseen.seen(Vec::new());
        assert_eq!(quiet, Watch::Watching);
        assert_eq!(quiet.seen(on()), Watch::Triggered(on()));
        assert_eq!(Watch::Unseen.seen(on()).seen(on()), Watch::Ignored);
    }
}
