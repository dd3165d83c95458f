//! What a page costs when the ledger has grown for years.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{Builder, ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use flate2::Compression;
use flate2::write::GzEncoder;
use ledger::{Digest, RolloutId};
use local::ministack::Ministack;

use super::*;

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
    let ministack = Ministack::alone_for_tests("growth").await;
    let (first, items) = begin(&ministack).await;
    let began = Instant::now();
    for (table, count) in [("some", SOME), ("many", MANY)] {
        import(&ministack, table, &items, &first, count).await;
    }
    let imported = began.elapsed();
    let some = costs(&ministack, "some", &first).await;
    let many = costs(&ministack, "many", &first).await;
    println!(
        "{MANY} rollouts, there in {imported:?}: {many:?} requests and bytes; {SOME}: {some:?}"
    );
    let requests: Vec<_> = many.iter().map(|(requests, _)| *requests).collect();
    // Targets, head, history, and the live one, which is old here; the figures; a page of the past; one rollout, and
    // what was in its task definition.
    assert_eq!(requests, [4, 1, 1, 2]);
    assert_eq!(many, some);
}

/// What is in a ledger after the first rollout, and that rollout's id.
async fn begin(ministack: &Ministack) -> (RolloutId, Vec<Value>) {
    let table = "first";
    ministack.create_ledger_table(table).await.expect("table");
    let web = target("web", "production");
    stage::write(ministack, table, &web).await;
    let ledger = stage::board(ministack.url(), table).ledger().clone();
    let first = open(&web, 0);
    stage::claim(&ledger, &first).await;
    let end = Next::End {
        verdict: Verdict::Succeeded,
        reason: None,
    };
    let raced = ledger.apply(&first, &end, at(72)).await;
    assert_eq!(raced.expect("verdict"), Raced::No);
    let scan = json!({ "TableName": table });
    let aws = ministack.aws();
    let found = aws.json("DynamoDB_20120810.Scan", scan).await;
    let items = found.expect("items")["Items"].as_array().cloned();
    (first.id, items.expect("items"))
}

/// Makes a table of `items`, with copies of the rollout `first` that were claimed a minute after each other. One import
/// takes half the time of four thousand batches.
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.HowItWorks.html>
async fn import(
    ministack: &Ministack,
    table: &str,
    items: &[Value],
    first: &RolloutId,
    count: i64,
) {
    let line = |item: &Value| format!("{}\n", json!({ "Item": item }));
    let mut lines: String = items.iter().map(line).collect();
    let is_first = |item: &&Value| item["id"]["S"] == first.as_str();
    let pattern = line(items.iter().find(is_first).expect("the first"));
    for minute in 1..count {
        let digest = Digest::parse(&format!("sha256:{minute:064x}")).expect("digest");
        let id = RolloutId::new(at(minute * 60), &digest);
        lines.push_str(&pattern.replace(first.as_str(), id.as_str()));
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(lines.as_bytes()).expect("packed");
    let packed = packed.finish().expect("packed");
    let bucket = format!("{}/{table}", ministack.url());
    for (url, body) in [(bucket.clone(), Vec::new()), (bucket + "/items", packed)] {
        let put = reqwest::Client::new().put(url).body(body).send().await;
        assert!(put.expect("S3").status().is_success());
    }

    let key = |name, kind| json!({ "AttributeName": name, "KeyType": kind });
    let text = |name| json!({ "AttributeName": name, "AttributeType": "S" });
    let request = json!({
        "S3BucketSource": { "S3Bucket": table },
        "InputFormat": "DYNAMODB_JSON",
        "InputCompressionType": "GZIP",
        "TableCreationParameters": {
            "TableName": table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [text("pk"), text("sk")],
            "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        },
    });
    let aws = ministack.aws();
    let imported = aws.json("DynamoDB_20120810.ImportTable", request).await;
    let mut import = imported.expect("import")["ImportTableDescription"].take();
    while import["ImportStatus"] == "IN_PROGRESS" {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let describe = json!({ "ImportArn": import["ImportArn"] });
        let described = aws.json("DynamoDB_20120810.DescribeImport", describe).await;
        import = described.expect("import")["ImportTableDescription"].take();
    }
    assert_eq!(import["ImportStatus"], "COMPLETED", "{import:#}");
    let there = items.len() as i64 + count - 1;
    assert_eq!(import["ImportedItemCount"], there, "{import:#}");
}

/// The requests and the bytes of each kind of page. What was read once serves all of them: each costs what it reads beside
/// that.
async fn costs(ministack: &Ministack, table: &str, first: &RolloutId) -> Vec<(u64, u64)> {
    let answered = Answered::default();
    let config = Builder::from(&stage::config(ministack.url(), PATIENCE));
    let board = Board::new(config.interceptor(answered.clone()), table, 20);
    let requests = board.requests().clone();
    let client = client_of(Watch::new(board, PATIENCE));
    let mut costs = Vec::new();
    for path in [
        "/",
        "/targets/web",
        "/api/v1/targets/web/rollouts?limit=100",
        &format!("/rollouts/main/web/{first}"),
    ] {
        let before = (requests.count(), answered.0.load(Ordering::Relaxed));
        client.get(path).send().await.assert_status_is_ok();
        costs.push((
            requests.count() - before.0,
            answered.0.load(Ordering::Relaxed) - before.1,
        ));
    }
    costs
}
