//! The ledger, past the recorder.

use ::ledger::{Ledger, Rollout, Target};
use chrono::{DateTime, TimeDelta, Utc};
use local::ministack::Ministack;
use serde_json::{Value, json};

use super::{Outside, key};

impl Outside {
    /// The open rollout.
    pub(crate) async fn in_flight(&self) -> Rollout {
        let open = self.ledger.in_flight(&key()).await.unwrap();
        open.expect("an open rollout")
    }

    /// All rollouts, newest first: the release and how it ended.
    pub(crate) async fn history(&self) -> Vec<String> {
        let rollouts = self.ledger.history(&key(), 100).await.unwrap();
        let told = |it: &Rollout| match it.verdict {
            Some(verdict) => format!("{} {verdict}", it.release.label()),
            None => format!("{} {:?}", it.release.label(), it.stage),
        };
        rollouts.iter().map(told).collect()
    }

    /// Another target of the same repository, which is called as its service is.
    pub(crate) async fn add_target(&self, name: &str) -> Target {
        self.copy_target(&self.table, &["name", "service", "sk"], name)
            .await;
        let targets = self.ledger.targets().await.unwrap().readable;
        let added = targets.into_iter().find(|target| target.name == name);
        added.unwrap()
    }

    /// Another installation, with a ledger and one target of its own, whose images are in a repository of their own.
    pub(crate) async fn other_installation(&self, name: &str) -> (Ledger, Target) {
        let ministack = Ministack::shared_for_tests().await;
        let table = format!("{}-{name}", self.table);
        ministack.create_ledger_table(&table).await.unwrap();
        let fields = ["name", "service", "sk", "repository"];
        self.copy_target(&table, &fields, name).await;
        let ledger = local::site::ledger(&self.aws.url, &table);
        let target = ledger.targets().await.unwrap().readable.remove(0);
        (ledger, target)
    }

    /// Writes our target into a table with another value of some fields.
    async fn copy_target(&self, table: &str, fields: &[&str], value: &str) {
        let query = json!({
            "TableName": self.table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": { ":pk": { "S": "targets" } },
        });
        let found = self.call("DynamoDB_20120810.Query", query).await;
        let mut item = found["Items"][0].clone();
        for field in fields {
            item[field] = json!({ "S": value });
        }
        let put = json!({ "TableName": table, "Item": item });
        self.call("DynamoDB_20120810.PutItem", put).await;
    }

    /// Sets a time of the open rollout back by a minute and a little.
    pub(crate) async fn set_back(&self, name: &str) {
        let rollout = self.in_flight().await;
        let time: DateTime<Utc> = serde_json::from_value(json!(rollout)[name].take()).unwrap();
        let update = json!({
            "TableName": self.table,
            "Key": {
                "pk": { "S": format!("target#{}", key()) },
                "sk": { "S": format!("rollout#{}", rollout.id) },
            },
            "UpdateExpression": "SET #name = :time",
            "ExpressionAttributeNames": { "#name": name },
            "ExpressionAttributeValues": { ":time": { "S": time - TimeDelta::seconds(61) } },
        });
        self.call("DynamoDB_20120810.UpdateItem", update).await;
    }

    /// A minute passes for whoever carries out the open rollout.
    pub(crate) async fn a_minute_passes(&self) {
        let Some(open) = self.ledger.in_flight(&key()).await.unwrap() else {
            return;
        };
        self.set_back("claimed_at").await;
        if open.deployed_at.is_some() {
            self.set_back("deployed_at").await;
        }
    }

    /// What the ledger's stream says since this was last asked, as Terraform's filter lets it through.
    pub(crate) async fn records(&mut self) -> Vec<Value> {
        let table = json!({ "TableName": self.table });
        let table = self.call("DynamoDB_20120810.DescribeTable", table).await;
        let stream = json!({ "StreamArn": table["Table"]["LatestStreamArn"] });
        let target = "DynamoDBStreams_20120810.DescribeStream";
        let described = self.call(target, stream.clone()).await;
        let mut iterator = stream;
        iterator["ShardId"] = described["StreamDescription"]["Shards"][0]["ShardId"].clone();
        iterator["ShardIteratorType"] = json!("TRIM_HORIZON");
        let target = "DynamoDBStreams_20120810.GetShardIterator";
        let iterator = self.call(target, iterator).await;
        let target = "DynamoDBStreams_20120810.GetRecords";
        let answer = self.call(target, iterator).await;
        let all = answer["Records"].as_array().unwrap();
        let new = all[self.read..].iter().filter(|record| {
            let key = record["dynamodb"]["Keys"]["sk"]["S"].as_str();
            let had_ended = record["dynamodb"]["OldImage"]["stage"]["S"] == "ended";
            key.is_some_and(|key| key.starts_with("rollout#")) && !had_ended
        });
        let new = new.cloned().collect();
        self.read = all.len();
        new
    }
}
