//! The envelope that EventBridge puts around every event.
//! Source: <https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html>

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The account that everything on the laptop belongs to.
pub const ACCOUNT: &str = "000000000000";
/// The region that everything on the laptop stands in.
pub const REGION: &str = "us-east-1";

/// Where events are handed in; cloned freely. Events leave in the order in which they came.
#[derive(Clone, Debug)]
pub struct Events(UnboundedSender<Value>);

/// The other end of [`Events`]: whole envelopes.
pub type Receiver = UnboundedReceiver<Value>;

impl Events {
    /// A new, empty line of events.
    pub fn channel() -> (Events, Receiver) {
        let (sender, receiver) = unbounded_channel();
        (Events(sender), receiver)
    }

    /// Puts `detail` into an envelope and queues it. Nothing happens if nobody listens any more.
    pub fn send(&self, source: &str, detail_type: &str, resources: &[&str], detail: Value) {
        self.queue(envelope(source, detail_type, resources, detail));
    }

    /// Queues a whole envelope. Nothing happens if nobody listens any more.
    pub fn queue(&self, envelope: Value) {
        let _ = self.0.send(envelope);
    }
}

/// One whole event. The time has a resolution of one second, as in every sample of ECR and ECS.
pub fn envelope(source: &str, detail_type: &str, resources: &[&str], detail: Value) -> Value {
    json!({
        "version": "0",
        "id": event_id(),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
        "region": REGION,
        "resources": resources,
        "detail": detail,
    })
}

fn event_id() -> String {
    let bits = fastrand::u128(..);
    let hex = format!("{bits:032x}");
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}
