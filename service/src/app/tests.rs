//! The whole service in process, over no ledger and over a real one.

mod acting;
mod growth;
mod weight;

use std::time::{Duration, Instant};

use ledger::Verdict;
use ledger::table::Raced;
use ledger::transition::Next;
use poem::http::StatusCode;
use poem::test::TestClient;
use serde_json::{Value, json};

use super::*;
use crate::board::Board;
use crate::board::fixtures::{at, open, target};
use crate::stage;

/// The service over `board`, which reads it anew for every request.
fn client(board: Board) -> TestClient<impl Endpoint<Output = Response>> {
    client_of(Watch::new(board, Duration::ZERO))
}

fn client_of(watch: Watch) -> TestClient<impl Endpoint<Output = Response>> {
    let settings = Settings::read(|name| match name {
        "COUPLET_LEDGER_TABLE" => Some("ledger".to_owned()),
        "COUPLET_COMMIT" => Some("abc".to_owned()),
        _ => None,
    });
    let settings = settings.expect("settings");
    TestClient::new(app(stage::service(
        &settings,
        stage::NOBODY,
        Arc::new(watch),
    )))
}

/// The service over a ledger that cannot be reached.
fn alone() -> TestClient<impl Endpoint<Output = Response>> {
    client(stage::board(stage::NOBODY, "ledger"))
}

async fn body(response: poem::test::TestResponse) -> String {
    response.0.into_body().into_string().await.expect("body")
}

#[tokio::test]
async fn an_unreadable_ledger_is_a_503_whose_reason_stays_in_the_log() {
    let client = alone();
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
        "/api/v1/targets",
        "/api/v1/targets/web/rollouts",
        "/api/v1/rollouts/main/web/1",
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
    let client = alone();
    let health = client.get("/healthz").send().await;
    health.assert_status_is_ok();
    health.assert_text("ok").await;
    let metrics = client.get("/metrics").send().await;
    metrics.assert_content_type("text/plain; version=0.0.4; charset=utf-8");
    let metrics = body(metrics).await;
    assert!(
        metrics.contains("\ncouplet_ledger_readable 0\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("\ncouplet_ledger_requests_total 1\n"),
        "{metrics}"
    );
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
    let client = client(stage::board(&format!("http://{address}"), "ledger"));
    let start = Instant::now();
    let ready = client.get("/readyz").send().await;
    ready.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    let took = start.elapsed();
    assert!((2.0..4.0).contains(&took.as_secs_f64()), "{took:?}");
}

#[tokio::test]
async fn every_answer_is_hardened() {
    let client = alone();
    for path in [
        "/",
        "/style.css",
        "/nothing",
        "/api/v1/targets",
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
    let client = alone();
    let long = format!("/rollouts/main/web/{}", "x".repeat(2000));
    for path in ["/nothing", "/rollouts/main/web", &long] {
        let response = client.get(path).send().await;
        response.assert_status(StatusCode::NOT_FOUND);
        response.assert_content_type("text/html; charset=utf-8");
    }
    for path in ["/api", "/api/nothing", &format!("/api/v1{long}")] {
        let response = client.get(path).send().await;
        response.assert_status(StatusCode::NOT_FOUND);
        response.assert_content_type("application/problem+json");
    }
    let response = client.post("/api/v1/targets").send().await;
    response.assert_status(StatusCode::METHOD_NOT_ALLOWED);
    response.assert_header("allow", "GET, HEAD");
    response.assert_content_type("application/problem+json");
}

#[tokio::test]
async fn what_is_in_the_ledger_is_on_the_board_and_in_the_api() {
    let table = "service-board";
    let (ministack, board) = stage::table(table).await;
    let ledger = board.ledger().clone();
    let web = target("web", "production");
    stage::write(ministack, table, &web).await;
    let client = client(board);

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
    stage::claim(&ledger, &first).await;
    let succeeded = Next::End {
        verdict: Verdict::Succeeded,
        reason: None,
    };
    let raced = ledger.apply(&first, &succeeded, at(172)).await;
    assert_eq!(raced.expect("verdict"), Raced::No);
    stage::claim(&ledger, &second).await;

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

    let metrics = body(client.get("/metrics").send().await).await;
    for line in [
        "couplet_ledger_readable 1",
        r#"couplet_target_in_flight{target="web",environment="production"} 1"#,
        r#"couplet_target_held{target="web",environment="production"} 0"#,
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line}: {metrics}");
    }

    let targets: Value = json_of(&client, "/api/v1/targets").await;
    let web = &targets["targets"][0];
    assert_eq!(web["name"], "web");
    assert_eq!(web["live"]["release"]["tag"], "main-100");
    assert_eq!(web["live"]["rollout"], first.id.as_str());
    assert_eq!(web["live"]["since"], json!(at(172)));
    assert_eq!(web["in_flight"], json!(second));

    let rollouts = json_of(&client, "/api/v1/targets/web/rollouts").await;
    let tags = [0, 1].map(|row| rollouts["rollouts"][row]["release"]["tag"].clone());
    assert_eq!(tags, ["main-400", "main-100"]);
    assert_eq!(
        json_of(&client, &format!("/api/v1{path}")).await,
        json!(second)
    );

    for missing in [
        "/targets/other",
        "/rollouts/main/web/1",
        "/rollouts/other/web/1",
    ] {
        for path in [missing.to_owned(), format!("/api/v1{missing}")] {
            let response = client.get(path).send().await;
            response.assert_status(StatusCode::NOT_FOUND);
        }
    }
}

#[tokio::test]
async fn a_malformed_item_hides_its_own_target_and_no_other() {
    let table = "service-malformed";
    let (ministack, board) = stage::table(table).await;
    for name in ["web", "other"] {
        stage::write(ministack, table, &target(name, "production")).await;
    }
    let head = json!({
        "pk": { "S": "target#main/other" }, "sk": { "S": "head" }, "version": { "S": "one" },
    });
    let head = json!({ "TableName": table, "Item": head });
    let aws = ministack.aws();
    let written = aws.json("DynamoDB_20120810.PutItem", head).await;
    written.expect("written");
    let client = client(board);

    let page = client.get("/").send().await;
    page.assert_status_is_ok();
    let page = body(page).await;
    for words in [
        "1 target",
        "/targets/web",
        "target#main/other head is malformed",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let targets = json_of(&client, "/api/v1/targets").await;
    assert_eq!(targets["targets"].as_array().map(Vec::len), Some(1));
    let malformed = targets["malformed"][0].as_str().unwrap_or_default();
    assert!(malformed.contains("target#main/other head"), "{malformed}");
}

async fn json_of(client: &TestClient<impl Endpoint>, path: &str) -> Value {
    let response = client.get(path).send().await;
    response.assert_status_is_ok();
    serde_json::from_str(&body(response).await).expect("JSON")
}
