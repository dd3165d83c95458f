//! The whole service in process, over no ledger and over a real one.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::{Client, Config};
use ledger::table::{Claim, Raced};
use ledger::transition::Next;
use ledger::{Ledger, Rollout, Target, Verdict};
use local::ministack::Ministack;
use poem::http::StatusCode;
use poem::test::TestClient;
use serde_json::{Value, json};

use super::*;
use crate::board::fixtures::{at, open, target};

const NOBODY: &str = "http://127.0.0.1:1";

fn ledger(endpoint: &str, table: &str) -> Ledger {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .operation_timeout(Duration::from_secs(5))
                .build(),
        );
    Ledger::new(Client::from_conf(config.build()), table)
}

fn client(ledger: Ledger) -> TestClient<impl Endpoint<Output = Response>> {
    let settings = Settings::read(|name| match name {
        "COUPLET_LEDGER_TABLE" => Some("ledger".to_owned()),
        "COUPLET_COMMIT" => Some("abc".to_owned()),
        _ => None,
    });
    let settings = settings.expect("settings");
    let board = Board::new(ledger, settings.rows);
    TestClient::new(app(Service::new(&settings, board)))
}

async fn body(response: poem::test::TestResponse) -> String {
    response.0.into_body().into_string().await.expect("body")
}

#[tokio::test]
async fn an_unreadable_ledger_is_a_503_whose_reason_stays_in_the_log() {
    let client = client(ledger(NOBODY, "ledger"));
    for path in ["/", "/targets/web", "/rollouts/main/web/1"] {
        let page = client.get(path).send().await;
        page.assert_status(StatusCode::SERVICE_UNAVAILABLE);
        let page = body(page).await;
        assert!(
            page.contains("The ledger cannot be read at the moment."),
            "{page}"
        );
        assert!(page.contains("http-equiv=\"refresh\""), "{page}");
        assert!(!page.contains("error"), "{page}");
    }
    for path in [
        "/api/targets",
        "/api/targets/web/rollouts",
        "/api/rollouts/main/web/1",
    ] {
        let problem = client.get(path).header("x-request-id", "r1").send().await;
        problem.assert_status(StatusCode::SERVICE_UNAVAILABLE);
        problem.assert_content_type("application/problem+json");
        let expected = json!({
            "title": "Service Unavailable",
            "status": 503,
            "detail": "The ledger cannot be read at the moment.",
            "request_id": "r1",
        });
        assert_eq!(body(problem).await, expected.to_string());
    }
}

#[tokio::test]
async fn health_and_version_need_no_ledger() {
    let client = client(ledger(NOBODY, "ledger"));
    let health = client.get("/healthz").send().await;
    health.assert_status_is_ok();
    health.assert_text("ok").await;
    let ready = client.get("/readyz").send().await;
    ready.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    let version = client.get("/version").send().await;
    let expected = json!({"commit": "abc", "digest": null, "version": env!("CARGO_PKG_VERSION")});
    version.assert_json(expected).await;
}

#[tokio::test]
async fn a_ledger_that_does_not_answer_is_not_waited_for() {
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("listen");
    let address = silent.local_addr().expect("address");
    let client = client(ledger(&format!("http://{address}"), "ledger"));
    let start = Instant::now();
    let ready = client.get("/readyz").send().await;
    ready.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    let took = start.elapsed();
    assert!((2.0..4.0).contains(&took.as_secs_f64()), "{took:?}");
}

#[tokio::test]
async fn every_answer_is_hardened() {
    let client = client(ledger(NOBODY, "ledger"));
    for path in [
        "/",
        "/style.css",
        "/nothing",
        "/api/targets",
        "/healthz",
        "/readyz",
    ] {
        let response = client.get(path).send().await;
        let policy = response
            .0
            .header("content-security-policy")
            .unwrap_or_default();
        assert!(
            policy.starts_with("default-src 'none';"),
            "{path}: {policy}"
        );
        response.assert_header("x-content-type-options", "nosniff");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        response.assert_header("referrer-policy", "no-referrer");
        response.assert_header("x-frame-options", "DENY");
        response.assert_header("cross-origin-opener-policy", "same-origin");
        response.assert_header("cross-origin-resource-policy", "same-origin");
        response.assert_header_exist("permissions-policy");
        response.assert_header_exist("x-request-id");
        response.assert_header_exist("cache-control");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_404_in_the_form_of_its_path() {
    let client = client(ledger(NOBODY, "ledger"));
    let long = format!("/rollouts/main/web/{}", "x".repeat(2000));
    for path in ["/nothing", "/rollouts/main/web", &long] {
        let response = client.get(path).send().await;
        response.assert_status(StatusCode::NOT_FOUND);
        response.assert_content_type("text/html; charset=utf-8");
    }
    for path in ["/api", "/api/nothing", &format!("/api{long}")] {
        let response = client.get(path).send().await;
        response.assert_status(StatusCode::NOT_FOUND);
        response.assert_content_type("application/problem+json");
    }
    let response = client.post("/api/targets").send().await;
    response.assert_status(StatusCode::METHOD_NOT_ALLOWED);
    response.assert_content_type("application/problem+json");
}

/// A target as Terraform writes it.
async fn write(ministack: &Ministack, table: &str, target: &Target) {
    let item = json!({
        "pk": {"S": "targets"},
        "sk": {"S": format!("{}#{}", target.repository, target.name)},
        "name": {"S": target.name},
        "environment": {"S": target.environment},
        "repository": {"S": target.repository},
        "cluster": {"S": target.cluster},
        "service": {"S": target.service},
        "container": {"S": target.container},
        "template": {"S": target.template},
        "family": {"S": target.family},
        "tag_policy": {"M": {"kind": {"S": "glob"}, "pattern": {"S": "main-*"}}},
        "github_repository": {"S": target.github_repository},
        "deadline_seconds": {"N": "900"},
        "first_count": {"N": "1"},
    });
    let request = json!({"TableName": table, "Item": item});
    let written = ministack
        .aws()
        .json("DynamoDB_20120810.PutItem", request)
        .await;
    written.expect("write a target");
}

async fn claim(ledger: &Ledger, rollout: &Rollout) {
    let head = ledger.head(&rollout.service).await.expect("head");
    let claim = Claim {
        by: rollout.release.digest.as_str(),
        rollout,
        head: &head,
        supersedes: None,
    };
    let raced = ledger.claim(&claim).await;
    assert_eq!(raced.expect("claim"), Raced::No);
}

#[tokio::test]
async fn what_is_in_the_ledger_is_on_the_board_and_in_the_api() {
    let ministack = Ministack::shared_for_tests().await;
    let table = "service-board";
    ministack.create_ledger_table(table).await.expect("table");
    let ledger = ledger(ministack.url(), table);
    let web = target("web", "production");
    write(ministack, table, &web).await;
    let client = client(ledger.clone());

    client
        .get("/readyz")
        .send()
        .await
        .assert_text("ready")
        .await;
    let empty = body(client.get("/").send().await).await;
    assert!(
        empty.contains("No release yet: push an image to <code>shop/web</code>"),
        "{empty}"
    );

    let (first, second) = (open(&web, 100), open(&web, 400));
    claim(&ledger, &first).await;
    let succeeded = Next::End {
        verdict: Verdict::Succeeded,
        reason: None,
    };
    let raced = ledger.apply(&first, &succeeded, at(172)).await;
    assert_eq!(raced.expect("verdict"), Raced::No);
    claim(&ledger, &second).await;

    let path = format!("/rollouts/main/web/{}", second.id);
    for (page, words) in [
        (
            "/",
            ["main-100", "1 rolling out", ">succeeded<", path.as_str()],
        ),
        (
            "/targets/web",
            ["main-100", ">deploying<", ">succeeded<", path.as_str()],
        ),
        (
            &path,
            [
                "main-400",
                "of 15 min",
                "ecs-svc/0000000000000000400",
                "verdict",
            ],
        ),
    ] {
        let response = client.get(page).send().await;
        response.assert_status_is_ok();
        let text = body(response).await;
        for word in words {
            assert!(text.contains(word), "{word} is missing in {page}: {text}");
        }
    }

    let targets: Value = json_of(&client, "/api/targets").await;
    let web = &targets["targets"][0];
    assert_eq!(web["name"], "web");
    assert_eq!(web["live"]["release"]["tag"], "main-100");
    assert_eq!(web["live"]["rollout"], first.id.as_str());
    assert_eq!(web["live"]["since"], json!(at(172)));
    assert_eq!(web["in_flight"], json!(second));

    let rollouts = json_of(&client, "/api/targets/web/rollouts").await;
    let tags = [0, 1].map(|row| rollouts["rollouts"][row]["release"]["tag"].clone());
    assert_eq!(tags, ["main-400", "main-100"]);
    assert_eq!(
        json_of(&client, &format!("/api{path}")).await,
        json!(second)
    );

    for missing in [
        "/targets/other",
        "/rollouts/main/web/1",
        "/rollouts/other/web/1",
    ] {
        for path in [missing.to_owned(), format!("/api{missing}")] {
            let response = client.get(path).send().await;
            response.assert_status(StatusCode::NOT_FOUND);
        }
    }
}

async fn json_of(client: &TestClient<impl Endpoint>, path: &str) -> Value {
    let response = client.get(path).send().await;
    response.assert_status_is_ok();
    serde_json::from_str(&body(response).await).expect("JSON")
}
