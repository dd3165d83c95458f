//! A rollout as one trace in X-Ray, from the push to what GitHub was told: written once it has its verdict, from the
//! times in the ledger. So it says the same as the board, and no function waits for another's span.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use ledger::{Rollout, Told, Verdict};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio::net::UdpSocket;

/// What X-Ray's daemon expects before a document.
/// Source: <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-daemon>
const HEADER: &str = "{\"format\": \"json\", \"version\": 1}\n";

/// The way to X-Ray's daemon, which Lambda runs beside a function that is traced.
#[derive(Clone, Copy, Debug)]
pub struct Tracer(SocketAddr);

impl Tracer {
    /// The daemon at `AWS_XRAY_DAEMON_ADDRESS`; `None` if the function is not traced.
    /// Source: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
    pub fn from_environment() -> Result<Option<Tracer>> {
        let name = "AWS_XRAY_DAEMON_ADDRESS";
        let Ok(address) = std::env::var(name) else {
            return Ok(None);
        };
        let address = address
            .parse()
            .with_context(|| format!("{name}: `{address}` is not an address and a port"))?;
        Ok(Some(Tracer(address)))
    }

    /// The daemon at `address`.
    pub fn to(address: SocketAddr) -> Tracer {
        Tracer(address)
    }

    /// Sends the trace of a rollout that has its verdict. Sent twice it is the same trace.
    pub async fn send(&self, rollout: &Rollout, told: &Told, page: &str) -> Result<()> {
        let document = format!("{HEADER}{}", segment(rollout, told, page));
        let any = SocketAddr::from(([0, 0, 0, 0], 0));
        let socket = UdpSocket::bind(any).await?;
        socket
            .send_to(document.as_bytes(), self.0)
            .await
            .with_context(|| format!("cannot send the trace of rollout {}", rollout.id))?;
        Ok(())
    }
}

/// The id of a rollout's trace: the second of its claim, and 96 bits that follow from what it is.
/// Source: <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids>
pub fn id(rollout: &Rollout) -> String {
    let second = rollout.claimed_at.timestamp();
    format!("1-{second:08x}-{}", hex(rollout, "trace", 12))
}

/// The rollout as a segment: who had it when. A fault is what ended badly, an error what ended otherwise.
/// Source: <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html>
fn segment(rollout: &Rollout, told: &Told, page: &str) -> Value {
    let heard = rollout.heard_at.unwrap_or(rollout.claimed_at);
    let ended = rollout.ended_at.unwrap_or(told.at);
    let mut steps = Vec::new();
    let mut step = |name: &str, from: DateTime<Utc>, to: DateTime<Utc>| {
        steps.push(json!({
            "id": hex(rollout, name, 8),
            "name": name,
            "start_time": seconds(from),
            "end_time": seconds(to.max(from)),
        }));
    };
    match rollout.deployed_at {
        Some(deployed) => {
            step("rollout", heard, deployed);
            step("ECS", deployed, ended);
        }
        None => step("rollout", heard, ended),
    }
    step("report", ended, told.at);
    let mut segment = json!({
        "trace_id": id(rollout),
        "id": hex(rollout, "segment", 8),
        "name": "couplet",
        "start_time": seconds(heard),
        "end_time": seconds(told.at.max(heard)),
        "annotations": annotations(rollout),
        "metadata": { "couplet": {
            "board": page,
            "digest": rollout.release.digest,
            "reason": rollout.reason,
            "cause": rollout.cause,
        } },
        "subsegments": steps,
    });
    match rollout.verdict {
        Some(Verdict::Failed | Verdict::RolledBack | Verdict::TimedOut) => {
            segment["fault"] = json!(true);
        }
        Some(Verdict::Superseded | Verdict::Stopped) => segment["error"] = json!(true),
        Some(Verdict::Succeeded) | None => {}
    }
    segment
}

/// What traces are found by: `annotation.rollout_id = "…"`.
fn annotations(rollout: &Rollout) -> Map<String, Value> {
    let commit = rollout.release.commit.as_ref();
    let found_by = [
        ("rollout_id", Some(rollout.id.as_str())),
        ("target", Some(rollout.target.as_str())),
        ("environment", Some(rollout.environment.as_str())),
        ("verdict", rollout.verdict.map(Verdict::as_str)),
        ("commit", commit.map(|commit| commit.as_str())),
    ];
    let known = found_by
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), json!(value?))));
    known.collect()
}

/// So many bytes, in hexadecimal, that are the same whenever they are asked for.
fn hex(rollout: &Rollout, part: &str, bytes: usize) -> String {
    let named = format!("{}/{}/{part}", rollout.service, rollout.id);
    let hash = Sha256::digest(named);
    hash.iter()
        .take(bytes)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn seconds(at: DateTime<Utc>) -> f64 {
    at.timestamp_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{at, rollout};

    fn ended() -> (Rollout, Told) {
        let mut rollout = rollout('a');
        rollout.heard_at = Some(at(0));
        rollout.claimed_at = at(1);
        rollout.deployed_at = Some(at(2));
        rollout.ended_at = Some(at(40));
        rollout.verdict = Some(Verdict::RolledBack);
        let told = Told {
            deployment: 7,
            state: "failure".to_owned(),
            at: at(41),
            trace: Some(id(&rollout)),
        };
        (rollout, told)
    }

    #[tokio::test]
    async fn the_daemon_gets_one_document_behind_its_header() {
        let daemon = UdpSocket::bind("127.0.0.1:0").await.expect("socket");
        let (rollout, told) = ended();
        let tracer = Tracer::to(daemon.local_addr().expect("address"));
        let page = "https://board.example/rollouts/production/web/1";
        tracer.send(&rollout, &told, page).await.expect("sent");
        let mut buffer = [0; 65536];
        let (length, _) = daemon.recv_from(&mut buffer).await.expect("received");
        let text = std::str::from_utf8(&buffer[..length]).expect("text");
        let (header, document) = text.split_once('\n').expect("two lines");
        assert_eq!(header, r#"{"format": "json", "version": 1}"#);
        let document: Value = serde_json::from_str(document).expect("JSON");
        assert_eq!(document["trace_id"], id(&rollout));
        assert_eq!(document["annotations"]["rollout_id"], json!(rollout.id));
        assert_eq!(document["annotations"]["verdict"], "rolled_back");
        assert_eq!(document["metadata"]["couplet"]["board"], page);
        assert_eq!(document["fault"], true);
    }

    #[test]
    fn ids_have_the_form_that_x_ray_wants_and_no_two_rollouts_share_them() {
        let (mut rollout, told) = ended();
        let first = id(&rollout);
        let parts: Vec<&str> = first.split('-').collect();
        assert_eq!((parts.len(), parts[0]), (3, "1"));
        assert_eq!((parts[1].len(), parts[2].len()), (8, 24));
        assert_eq!(
            i64::from_str_radix(parts[1], 16),
            Ok(rollout.claimed_at.timestamp())
        );
        assert_eq!(
            segment(&rollout, &told, "")["id"].as_str().map(str::len),
            Some(16)
        );
        rollout.service = ledger::ServiceKey::parse("production/api").expect("key");
        assert_ne!(id(&rollout), first);
    }

    #[test]
    fn the_steps_meet_and_none_ends_before_it_begins() {
        let (mut rollout, mut told) = ended();
        let names = |rollout: &Rollout, told: &Told| -> Vec<String> {
            let segment = segment(rollout, told, "");
            let steps = segment["subsegments"].as_array().expect("steps").clone();
            for pair in steps.windows(2) {
                assert_eq!(pair[0]["end_time"], pair[1]["start_time"]);
            }
            for step in &steps {
                assert!(
                    step["start_time"].as_f64() <= step["end_time"].as_f64(),
                    "{step}"
                );
            }
            let name = |step: &Value| step["name"].as_str().unwrap_or_default().to_owned();
            steps.iter().map(name).collect()
        };
        assert_eq!(names(&rollout, &told), ["rollout", "ECS", "report"]);
        // Two functions on two machines: the later clock may be the slower one.
        told.at = at(39);
        assert_eq!(names(&rollout, &told), ["rollout", "ECS", "report"]);
        rollout.deployed_at = None;
        assert_eq!(names(&rollout, &told), ["rollout", "report"]);
    }
}
