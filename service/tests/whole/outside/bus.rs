//! What is asked on the bus.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use super::{Outside, PATIENCE};

/// A queue that gets every request for `target`.
pub(crate) struct Bus<'a> {
    outside: &'a Outside,
    queue: String,
}

impl Outside {
    /// Listens from now on to what is asked of `target`; other tests ask on the same bus.
    pub(crate) async fn bus(&self, target: &str) -> Result<Bus<'_>> {
        let (aws, name) = (self.ministack.aws(), &self.table);
        let queue = aws.json("AmazonSQS.CreateQueue", json!({ "QueueName": name }));
        let queue = queue.await?["QueueUrl"].take();
        let pattern = json!({
            "source": ["couplet"],
            "detail-type": ["Rollout Requested"],
            "detail": { "target": [target] },
        });
        let rule = json!({ "Name": name, "EventPattern": pattern.to_string() });
        aws.json("AWSEvents.PutRule", rule).await?;
        let arn = format!("arn:aws:sqs:us-east-1:000000000000:{name}");
        let targets = json!({ "Rule": name, "Targets": [{ "Id": "queue", "Arn": arn }] });
        aws.json("AWSEvents.PutTargets", targets).await?;
        Ok(Bus {
            outside: self,
            queue: queue
                .as_str()
                .context("the queue has no address")?
                .to_owned(),
        })
    }
}

impl Bus<'_> {
    /// The next request.
    pub(crate) async fn next(&self) -> Result<Value> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(event) = self.receive().await? {
                return Ok(event);
            }
            ensure!(Instant::now() < end, "nobody asks for anything");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// A request that is there already.
    pub(crate) async fn receive(&self) -> Result<Option<Value>> {
        let aws = self.outside.ministack.aws();
        let receive = json!({ "QueueUrl": self.queue, "MaxNumberOfMessages": 1 });
        let received = aws.json("AmazonSQS.ReceiveMessage", receive).await?;
        let message = &received["Messages"][0];
        let (Some(body), Some(receipt)) =
            (message["Body"].as_str(), message["ReceiptHandle"].as_str())
        else {
            return Ok(None);
        };
        let delete = json!({ "QueueUrl": self.queue, "ReceiptHandle": receipt });
        aws.json("AmazonSQS.DeleteMessage", delete).await?;
        Ok(Some(serde_json::from_str(body)?))
    }
}
