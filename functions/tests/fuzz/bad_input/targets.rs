//! Items of the ledger that are no targets.

use anyhow::bail;
use ledger::{Ledger, Target};
use local::aws::environment;
use poem::listener::{Acceptor, Listener, TcpListener};
use serde_json::{Value, json};

use super::assert_messages;
use crate::fuzz::given::{with, without};

#[tokio::test]
async fn targets() {
    let text = |text: &str| json!({ "S": text });
    let target = || {
        json!({
            "pk": text("targets"),
            "sk": text("team/web#web"),
            "name": text("web"),
            "environment": text("production"),
            "repository": text("team/web"),
            "cluster": text("main"),
            "service": text("web"),
            "container": text("web"),
            "template": text("web-template"),
            "family": text("web"),
            "github_repository": text("owner/web"),
            "deadline_seconds": { "N": "900" },
            "first_count": { "N": "1" },
            "tag_policy": { "M": { "kind": text("glob"), "pattern": text("main-*") } },
        })
    };
    read(target()).await.expect("a good target");
    let fields = [
        "name",
        "environment",
        "repository",
        "cluster",
        "service",
        "container",
        "template",
        "family",
        "github_repository",
        "tag_policy",
    ];
    for field in fields {
        let error = read(without(target(), &format!("/{field}")))
            .await
            .expect_err(field);
        let expected =
            format!("the ledger's item targets team/web#web is malformed: missing field `{field}`");
        assert_eq!(format!("{error:#}"), expected);
    }
    let rows = [
        (
            "a name that is a number",
            with(target(), "/name", json!({ "N": "7" })),
            "the ledger's item targets team/web#web is malformed: Expected string",
        ),
        (
            "a service that is null",
            with(target(), "/service", json!({ "NULL": true })),
            "the ledger's item targets team/web#web is malformed: Expected string",
        ),
        (
            "a policy that is text",
            with(target(), "/tag_policy", text("main-*")),
            "the ledger's item targets team/web#web is malformed: Expected map",
        ),
        (
            "a policy of another kind",
            with(target(), "/tag_policy/M/kind", text("date")),
            "the ledger's item targets team/web#web is malformed: unknown variant `date`, expected one of `exact`, `glob`, `regex`, `semver`",
        ),
        (
            "a policy without a kind",
            without(target(), "/tag_policy/M/kind"),
            "the ledger's item targets team/web#web is malformed: missing field `kind`",
        ),
        (
            "a policy without a pattern",
            without(target(), "/tag_policy/M/pattern"),
            "the ledger's item targets team/web#web is malformed: missing field `pattern`",
        ),
        (
            "a deadline in words",
            with(target(), "/deadline_seconds", text("15m")),
            "the ledger's item targets team/web#web is malformed: Expected num",
        ),
        (
            "a deadline in the past",
            with(target(), "/deadline_seconds", json!({ "N": "-1" })),
            "the ledger's item targets team/web#web is malformed: Failed to parse '-1' as an integer: invalid digit found in string",
        ),
        (
            "a deadline with a fraction",
            with(target(), "/deadline_seconds", json!({ "N": "1.5" })),
            "the ledger's item targets team/web#web is malformed: Failed to parse '1.5' as an integer: invalid digit found in string",
        ),
        (
            "a deadline after all",
            with(target(), "/deadline_seconds", json!({ "N": "4294967296" })),
            "the ledger's item targets team/web#web is malformed: Failed to parse '4294967296' as an integer: number too large to fit in target type",
        ),
        (
            "no number of tasks",
            with(target(), "/first_count", json!({ "N": "" })),
            "the ledger's item targets team/web#web is malformed: Failed to parse '' as an integer: cannot parse integer from empty string",
        ),
    ];
    let mut read_rows = Vec::new();
    for (name, item, message) in rows {
        read_rows.push((name, read(item).await, message));
    }
    assert_messages(read_rows);
}

/// The targets as the ledger reads them from a table that has this one item.
async fn read(item: Value) -> anyhow::Result<Vec<Target>> {
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await?;
    let address = *acceptor.local_addr()[0]
        .as_socket_addr()
        .expect("an address");
    let answer = json!({ "Items": [item], "Count": 1, "ScannedCount": 1 }).to_string();
    let server = poem::Server::new_with_acceptor(acceptor)
        .run(poem::endpoint::make_sync(move |_| answer.clone()));
    let server = tokio::spawn(server);
    let config = wire::settings::lambda(environment(&format!("http://{address}")))?;
    let ledger = Ledger::new(aws_sdk_dynamodb::Client::new(&config), "ledger");
    let targets = ledger.targets().await;
    server.abort();
    let mut targets = targets?;
    match targets.malformed.pop() {
        Some(malformed) => bail!(malformed),
        None => Ok(targets.readable),
    }
}
