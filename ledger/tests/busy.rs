//! A table that is too busy to read all that it is asked for: a real one cannot be made so.

use ledger::{Ledger, ServiceKey};
use local::aws::environment;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers one call after the other, and says what was asked.
async fn table(answers: Vec<Value>) -> (Ledger, tokio::task::JoinHandle<Vec<Value>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let asked = tokio::spawn(async move {
        let mut asked = Vec::new();
        let (mut stream, _) = listener.accept().await.expect("a connection");
        for answer in answers {
            let mut request = vec![0; 8192];
            let read = stream.read(&mut request).await.expect("a request");
            let text = String::from_utf8_lossy(&request[..read]).into_owned();
            let (_, body) = text.split_once("\r\n\r\n").expect("a body");
            asked.push(serde_json::from_str(body).expect("JSON"));
            let body = answer.to_string();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            let answer = head + &body;
            stream.write_all(answer.as_bytes()).await.expect("written");
        }
        asked
    });
    let config = wire::settings::lambda(environment(&address)).expect("settings");
    let client = aws_sdk_dynamodb::Client::new(&config);
    (Ledger::new(client, "ledger"), asked)
}

fn key(sk: &str) -> Value {
    json!({ "pk": { "S": "target#main/web" }, "sk": { "S": sk } })
}

fn left(sk: &str) -> Value {
    json!({ "ledger": { "Keys": [key(sk)], "ConsistentRead": true } })
}

#[tokio::test]
async fn what_it_was_too_busy_for_is_asked_for_again() {
    let mut head = key("head");
    head["version"] = json!({ "N": "7" });
    let (ledger, asked) = table(vec![
        json!({ "Responses": { "ledger": [] }, "UnprocessedKeys": left("head") }),
        json!({ "Responses": { "ledger": [head] }, "UnprocessedKeys": {} }),
    ])
    .await;
    let web = ServiceKey::new("main", "web");
    let standing = ledger.standing_of(&web, "sha256:0").await;
    assert_eq!(standing.expect("a standing").head.version, 7);
    let asked = asked.await.expect("asked");
    let keys = |number: usize| &asked[number]["RequestItems"]["ledger"]["Keys"];
    assert_eq!(*keys(0), json!([key("head"), key("claim#sha256:0")]));
    assert_eq!(*keys(1), json!([key("head")]));
}

#[tokio::test]
async fn one_that_stays_busy_is_an_error_and_no_empty_head() {
    let busy = json!({ "Responses": {}, "UnprocessedKeys": left("head") });
    let (ledger, _asked) = table(vec![busy; 4]).await;
    let web = ServiceKey::new("main", "web");
    let error = ledger
        .standing_of(&web, "sha256:0")
        .await
        .expect_err("busy");
    let expected =
        "cannot read head, claim#sha256:0 of main/web from the ledger: the table is too busy";
    assert_eq!(error.to_string(), expected);
}
