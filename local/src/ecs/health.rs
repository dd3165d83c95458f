use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::pace::Pace;
use super::task::Health;
use crate::event::REGION;

/// The checks that load balancers make of their targets.
pub(super) struct Checks {
    /// Where the query API of Elastic Load Balancing is.
    api: String,
    client: reqwest::Client,
    /// ARN of a target group → the path of its health check.
    paths: Mutex<BTreeMap<String, String>>,
}

impl Checks {
    pub(super) fn new(api: &str, client: reqwest::Client) -> Checks {
        Checks {
            api: api.trim_end_matches('/').to_owned(),
            client,
            paths: Mutex::default(),
        }
    }

    /// The path that a target group asks for, which its owner says; `/healthz` where the owner cannot be asked.
    pub(super) async fn path(&self, target_group: &str) -> String {
        let mut paths = self.paths.lock().await;
        if let Some(path) = paths.get(target_group) {
            return path.clone();
        }
        match self.ask(target_group).await {
            Some(path) => {
                paths.insert(target_group.to_owned(), path.clone());
                path
            }
            None => "/healthz".to_owned(),
        }
    }

    /// Whether a target answers its check with 2xx.
    pub(super) async fn passes(&self, address: SocketAddr, path: &str, limit: Duration) -> bool {
        let request = self.client.get(format!("http://{address}{path}"));
        let response = request.timeout(limit).send().await;
        response.is_ok_and(|response| response.status().is_success())
    }

    /// DescribeTargetGroups. The emulator checks no signature, but reads from it which service is meant.
    async fn ask(&self, target_group: &str) -> Option<String> {
        let scope = format!("test/20260101/{REGION}/elasticloadbalancing/aws4_request");
        let response = self
            .client
            .post(&self.api)
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"),
            )
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!(
                "Action=DescribeTargetGroups&Version=2015-12-01&TargetGroupArns.member.1={target_group}"
            ))
            .timeout(Duration::from_secs(5))
            .send()
            .await
            .ok()?;
        if !response.status().is_success() {
            return None;
        }
        Some(path_in(&response.text().await.ok()?))
    }
}

/// Elastic Load Balancing's own default is `/`.
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html>
fn path_in(xml: &str) -> String {
    let path = xml
        .split_once("<HealthCheckPath>")
        .and_then(|(_, rest)| rest.split_once("</HealthCheckPath>"))
        .map(|(path, _)| path.trim());
    path.filter(|path| path.starts_with('/'))
        .unwrap_or("/")
        .to_owned()
}

/// Counts good and bad checks of one task.
pub(super) struct Judge<'a> {
    pace: &'a Pace,
    born: Instant,
    good: u32,
    bad: u32,
    healthy: bool,
}

impl Judge<'_> {
    pub(super) fn new(pace: &Pace) -> Judge<'_> {
        Judge {
            pace,
            born: Instant::now(),
            good: 0,
            bad: 0,
            healthy: false,
        }
    }

    /// One more check; what the task is from now on, if that is news. Without a load balancer a task is healthy when it has lived for a while.
    pub(super) fn hear(&mut self, good: bool, balanced: bool) -> Option<Health> {
        if good {
            self.good += 1;
            self.bad = 0;
        } else {
            self.bad += 1;
            self.good = 0;
        }
        let old_enough = balanced || self.born.elapsed() >= self.pace.trial();
        let patient = !self.healthy && self.born.elapsed() < self.pace.grace_period;
        if !self.healthy && self.good >= self.pace.healthy_after && old_enough {
            self.healthy = true;
            Some(Health::Healthy)
        } else if self.bad >= self.pace.unhealthy_after && !patient {
            self.healthy = false;
            self.bad = 0;
            Some(Health::Unhealthy)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_target_group() {
        let xml = "<member><HealthCheckPath>/healthz</HealthCheckPath></member>";
        assert_eq!(path_in(xml), "/healthz");
        assert_eq!(path_in("<member/>"), "/");
    }

    #[test]
    fn a_new_task_may_fail_its_checks_for_a_while() {
        let mut pace = Pace::instant();
        let mut judge = Judge::new(&pace);
        for _ in 0..10 {
            assert_eq!(judge.hear(false, true), None);
        }
        assert_eq!(judge.hear(true, true), None);
        assert_eq!(judge.hear(true, true), Some(Health::Healthy));
        let bad = [judge.hear(false, true), judge.hear(false, true)];
        assert_eq!(bad, [None, None]);
        assert_eq!(judge.hear(false, true), Some(Health::Unhealthy));

        pace.grace_period = Duration::ZERO;
        let mut judge = Judge::new(&pace);
        let bad: Vec<_> = (0..3).map(|_| judge.hear(false, true)).collect();
        assert_eq!(bad, [None, None, Some(Health::Unhealthy)]);
    }
}
