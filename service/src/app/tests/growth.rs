//! What a page costs when the ledger has grown for years.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{Builder, ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use futures_util::future::try_join_all;
use ledger::{Digest, RolloutId};
use local::aws::Aws;
use local::ministack::Ministack;

use super::*;

const TABLE: &str = "service-growth";
/// More than any page looks back.
const SOME: i64 = 300;
const MANY: i64 = 100_000;
/// DynamoDB stops at the limit that a query names. ministack looks at the whole partition first, which takes seconds here.
const PATIENCE: Duration = Duration::from_secs(120);

/// Counts the bytes of the ledger's answers.
#[derive(Clone, Debug, Default)]
struct Answered(Arc<AtomicU64>);

impl Intercept for Answered {
    fn name(&self) -> &'static str {
        "answered"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes();
        let length = body.ok_or("an answer that is not read yet")?.len();
        self.0.fetch_add(length as u64, Ordering::Relaxed);
        Ok(())
    }
}

#[tokio::test]
async fn a_hundred_thousand_rollouts_cost_what_three_hundred_do() {
    let ministack = Ministack::alone_for_tests(TABLE).await;
    ministack.create_ledger_table(TABLE).await.expect("table");
    let web = target("web", "production");
    stage::write(&ministack, TABLE, &web).await;
    let answered = Answered::default();
    let config = Builder::from(&stage::config(ministack.url(), PATIENCE));
    let board = Board::new(config.interceptor(answered.clone()), TABLE, 20);

    // One rollout that went the usual way is the pattern of all others.
    let first = open(&web, 0);
    stage::claim(board.ledger(), &first).await;
    let end = Next::End {
        verdict: Verdict::Succeeded,
        reason: None,
    };
    let raced = board.ledger().apply(&first, &end, at(72)).await;
    assert_eq!(raced.expect("verdict"), Raced::No);
    let pattern = item(&ministack.aws(), &first.id).await;

    let costs = async || {
        // What was read once serves every page here: each costs what it reads beside that.
        let watch = Watch::new(board.clone(), PATIENCE);
        let client = client_of(watch);
        let old = format!("/rollouts/main/web/{}", first.id);
        let mut costs = Vec::new();
        for path in [
            "/",
            "/targets/web",
            "/api/v1/targets/web/rollouts?limit=100",
            &old,
        ] {
            let before = (board.requests().count(), answered.0.load(Ordering::Relaxed));
            client.get(path).send().await.assert_status_is_ok();
            costs.push((
                board.requests().count() - before.0,
                answered.0.load(Ordering::Relaxed) - before.1,
            ));
        }
        costs
    };
    bring(&ministack.aws(), &pattern, 1..SOME).await;
    let some = costs().await;
    let began = Instant::now();
    bring(&ministack.aws(), &pattern, SOME..MANY).await;
    let brought = began.elapsed();
    let many = costs().await;
    println!(
        "{MANY} rollouts, written in {brought:?}: {many:?} requests and bytes; {SOME}: {some:?}"
    );

    let requests: Vec<_> = many.iter().map(|(requests, _)| *requests).collect();
    // Targets, head, history, and the live one, which is old here; the figures; a page of the past; one rollout.
    assert_eq!(requests, [4, 1, 1, 1]);
    assert_eq!(many, some);
}

/// A rollout as it stands in the table.
async fn item(aws: &Aws, id: &RolloutId) -> Value {
    let key = json!({
        "pk": { "S": "target#main/web" }, "sk": { "S": format!("rollout#{id}") },
    });
    let request = json!({ "TableName": TABLE, "Key": key });
    let found = aws.json("DynamoDB_20120810.GetItem", request).await;
    found.expect("read a rollout")["Item"].take()
}

/// Rollouts that were claimed a minute after each other and are `pattern` otherwise.
async fn bring(aws: &Aws, pattern: &Value, minutes: std::ops::Range<i64>) {
    let minutes: Vec<_> = minutes.collect();
    let puts = |minutes: &[i64]| {
        let puts = minutes.iter().map(|minute| {
            let digest = Digest::parse(&format!("sha256:{minute:064x}")).expect("digest");
            let id = RolloutId::new(at(minute * 60), &digest);
            let mut item = pattern.clone();
            item["id"] = json!({ "S": id });
            item["sk"] = json!({ "S": format!("rollout#{id}") });
            json!({ "PutRequest": { "Item": item } })
        });
        json!({ "RequestItems": { TABLE: puts.collect::<Vec<_>>() } })
    };
    // As many as one request may hold, and as many at a time as keep ministack busy.
    let batches: Vec<_> = minutes.chunks(25).collect();
    for batches in batches.chunks(8) {
        let writes = batches
            .iter()
            .map(|batch| aws.json("DynamoDB_20120810.BatchWriteItem", puts(batch)));
        for written in try_join_all(writes).await.expect("write rollouts") {
            assert_eq!(written["UnprocessedItems"], json!({}));
        }
    }
}
