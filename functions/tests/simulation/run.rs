//! One invocation, which may die.

use std::pin::Pin;

use anyhow::Result;
use chrono::{TimeDelta, Utc};
use functions::{report, rollout, verdict};
use ledger::Ledger;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::outside::{Outside, Recorder, schedule, sdk_config};

/// Who is given an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Rollout,
    Verdict,
    Report,
}

/// Where functions run: one invocation at a time, whose calls are counted.
#[derive(Clone)]
pub(crate) struct Instance {
    pub(crate) recorder: Recorder,
    rollout: rollout::Clients,
    verdict: verdict::Clients,
    report: report::Clients,
}

impl Instance {
    /// The one whose calls `outside` tells of.
    pub(crate) fn of(outside: &Outside) -> Instance {
        Instance {
            recorder: outside.recorder.clone(),
            rollout: outside.rollout.clone(),
            verdict: outside.verdict.clone(),
            report: outside.report.clone(),
        }
    }

    /// Another one.
    pub(crate) async fn beside(outside: &Outside) -> Instance {
        let recorder = Recorder::start().await;
        recorder.pass_to(&outside.aws.url);
        let config = sdk_config(&recorder.url);
        let ledger = Ledger::new(aws_sdk_dynamodb::Client::new(&config), &outside.table);
        Instance {
            recorder,
            rollout: rollout::Clients::new(&config, ledger.clone(), Vec::new()),
            verdict: verdict::Clients::new(&config, ledger),
            report: outside.report.clone(),
        }
    }
}

impl Function {
    /// Whom the rules of EventBridge give an event to.
    pub(crate) fn of(event: &Value) -> Function {
        match event["source"].as_str() {
            Some("aws.ecs") => Function::Verdict,
            _ => Function::Rollout,
        }
    }

    /// Its answer, unless it dies: then nothing of it runs any more.
    pub(crate) async fn run(
        self,
        instance: &Instance,
        event: Value,
        died: oneshot::Receiver<()>,
    ) -> Option<Result<Value>> {
        // Boxed, as in production: the futures of the SDK are too large for a test's stack.
        let handled: Pin<Box<dyn Future<Output = Result<Value>> + Send>> = match self {
            Function::Rollout => Box::pin(rollout::handle(&instance.rollout, event)),
            Function::Verdict => Box::pin(verdict::handle(&instance.verdict, event)),
            Function::Report => Box::pin(report::handle(&instance.report, event)),
        };
        tokio::select! {
            biased;
            Ok(()) = died => None,
            answer = handled => Some(answer),
        }
    }

    /// Its answer when nothing befalls it.
    pub(crate) async fn run_well(self, outside: &Outside, event: Value) -> Result<Value> {
        let (_lives, died) = oneshot::channel();
        let answer = self.run(&Instance::of(outside), event, died).await;
        answer.unwrap()
    }
}

/// The schedule's event as it comes when everything before it is a minute and a half ago.
pub(crate) fn sweep() -> Value {
    let mut event = schedule();
    let time = Utc::now() + TimeDelta::seconds(90);
    event["time"] = json!(time.to_rfc3339());
    event
}
