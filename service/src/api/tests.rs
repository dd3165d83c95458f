//! Every answer against the description, over a real ledger.

use std::time::Duration;

use jsonschema::Validator;
use ledger::Verdict;
use poem::http::StatusCode;
use poem::test::TestClient;
use serde_json::{Value, json};

use super::*;
use crate::app;
use crate::board::fixtures::{at, open, target};
use crate::settings::Settings;
use crate::stage;
use crate::watch::Watch;

fn description() -> Value {
    serde_json::from_str(DESCRIPTION).expect("JSON")
}

/// What the answer with `status` to `path` must look like.
fn schema(path: &str, status: StatusCode) -> (Validator, String) {
    let description = description();
    let answer = &description["paths"][path]["get"]["responses"][status.as_str()];
    let answer = match answer["$ref"].as_str() {
        Some(_) => &description["components"]["responses"]["Problem"],
        None => answer,
    };
    let content = answer["content"].as_object().expect("content");
    let (kind, content) = content.iter().next().expect("a type");
    let root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": content["schema"]["$ref"],
        "components": description["components"],
    });
    let validator = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&root);
    (validator.expect("a schema"), kind.clone())
}

struct Asker<E>(TestClient<E>);

impl<E: Endpoint> Asker<E> {
    /// The answer to `address`, which is described as `path`.
    async fn ask(&self, path: &str, address: &str, status: StatusCode) -> Value {
        let response = self.0.get(format!("{PATH}{address}")).send().await;
        response.assert_status(status);
        let (validator, kind) = schema(path, status);
        response.assert_content_type(&kind);
        let body = response.0.into_body().into_string().await.expect("body");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let faults: Vec<_> = validator
            .iter_errors(&body)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{address}: {faults:?}\n{body:#}");
        body
    }
}

fn asker(watch: Watch) -> Asker<impl Endpoint<Output = Response>> {
    let set = |name: &str| (name == "COUPLET_LEDGER_TABLE").then(|| "ledger".to_owned());
    let settings = Settings::read(set).expect("settings");
    let service = stage::service(&settings, stage::NOBODY, Arc::new(watch));
    Asker(TestClient::new(app::app(service)))
}

const TARGETS: &str = "/targets";
const TARGET: &str = "/targets/{name}";
const ROLLOUTS: &str = "/targets/{name}/rollouts";
const REQUESTS: &str = "/targets/{name}/requests";
const REQUEST: &str = "/targets/{name}/requests/{id}";
const ROLLOUT: &str = "/rollouts/{cluster}/{service}/{id}";
const DIFFERENCE: &str = "/rollouts/{cluster}/{service}/{id}/difference";

#[tokio::test]
async fn every_answer_is_as_described() {
    let table = "service-api";
    let (ministack, board) = stage::table(table).await;
    let (web, new) = (target("web", "production"), target("new", "staging"));
    stage::write(ministack, table, &web).await;
    stage::write(ministack, table, &new).await;
    let asker = asker(Watch::new(board.clone(), Duration::ZERO));

    // Before anything ran.
    asker.ask(TARGETS, "/targets", StatusCode::OK).await;
    let verdicts = [
        Verdict::Succeeded,
        Verdict::RolledBack,
        Verdict::Failed,
        Verdict::TimedOut,
        Verdict::Stopped,
    ];
    for (second, verdict) in (100..).step_by(100).zip(verdicts) {
        let mut rollout = open(&web, second);
        if verdict == Verdict::Failed {
            rollout.cause = ledger::Cause::Request {
                action: "redeploy".into(),
                by: "ada".into(),
                why: None,
            };
            rollout.request = Some("6f87d04b-9f7e-5b5b-8c4a-5f0d0c8f1e21".into());
        }
        if verdict == Verdict::RolledBack {
            rollout.rolls_back_to = open(&web, 100).deployment;
            rollout.failing_at = Some(at(second + 40));
        }
        stage::claim(board.ledger(), &rollout).await;
        stage::end(board.ledger(), &rollout, verdict).await;
    }
    let last = open(&web, 900);
    stage::claim(board.ledger(), &last).await;

    let targets = asker.ask(TARGETS, "/targets", StatusCode::OK).await;
    assert_eq!(targets["targets"][0]["in_flight"]["id"], last.id.as_str());
    let one = asker.ask(TARGET, "/targets/web", StatusCode::OK).await;
    assert_eq!(one["live"]["release"]["tag"], "main-100");
    // The fixtures lie in a future that the figures do not look at.
    assert_eq!(one["delivery"]["days"], 30);
    asker.ask(TARGET, "/targets/new", StatusCode::OK).await;
    asker.ask(TARGET, "/targets/x", StatusCode::NOT_FOUND).await;

    let all = asker
        .ask(ROLLOUTS, "/targets/web/rollouts", StatusCode::OK)
        .await;
    assert_eq!(all["next"], Value::Null);
    // What no rollout has was not compared with its description.
    let rollouts = all["rollouts"].as_array().expect("rollouts");
    let described = &description()["components"]["schemas"]["Rollout"]["properties"];
    for name in described.as_object().expect("properties").keys() {
        let is_there = rollouts.iter().any(|rollout| rollout.get(name).is_some());
        assert!(is_there, "no rollout has {name}");
    }
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let address = format!("/targets/web/rollouts?limit=4{cursor}");
        let page = asker.ask(ROLLOUTS, &address, StatusCode::OK).await;
        pages.push(page["rollouts"].as_array().expect("rollouts").clone());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [4, 2]);
    assert_eq!(json!(pages.concat()), all["rollouts"]);
    let exact = "/targets/web/rollouts?limit=6";
    let exact = asker.ask(ROLLOUTS, exact, StatusCode::OK).await;
    assert_eq!(exact["next"], Value::Null);
    for wrong in ["limit=0", "cursor=", "page=2"] {
        let address = format!("/targets/web/rollouts?{wrong}");
        asker.ask(ROLLOUTS, &address, StatusCode::BAD_REQUEST).await;
    }
    let missing = "/targets/x/rollouts";
    asker.ask(ROLLOUTS, missing, StatusCode::NOT_FOUND).await;

    for rollout in all["rollouts"].as_array().expect("rollouts") {
        let address = format!("/rollouts/main/web/{}", rollout["id"].as_str().expect("id"));
        let one = asker.ask(ROLLOUT, &address, StatusCode::OK).await;
        assert_eq!(one, *rollout);
    }
    let request = "/targets/web/requests/7f";
    let nothing = asker.ask(REQUEST, request, StatusCode::OK).await;
    assert_eq!(nothing["answered"], false);
    let missing = "/rollouts/main/web/1";
    asker.ask(ROLLOUT, missing, StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn a_difference_is_as_described_and_says_no_secret() {
    let table = "service-difference";
    let (ministack, board) = stage::table(table).await;
    let web = target("web", "production");
    stage::write(ministack, table, &web).await;
    let asker = asker(Watch::new(board.clone(), Duration::ZERO));
    let address = |second| format!("/rollouts/main/web/{}/difference", open(&web, second).id);
    let ask = async |second| {
        asker
            .ask(DIFFERENCE, &address(second), StatusCode::OK)
            .await
    };

    let first = [("cpu", "256"), ("pidMode", "task"), ("level", "#1a2b3c4d")];
    stage::register(board.ledger(), &open(&web, 100), &first).await;
    let unknown = json!({ "before": null, "changes": null });
    assert_eq!(ask(100).await, unknown);
    stage::end(board.ledger(), &open(&web, 100), Verdict::Succeeded).await;
    let second = [("cpu", "512"), ("user", "web"), ("level", "#1a2b3c4e")];
    stage::register(board.ledger(), &open(&web, 200), &second).await;
    let changes = json!([
        { "path": "cpu", "kind": "changed", "before": "256", "after": "512" },
        { "path": "level", "kind": "changed", "before": null, "after": null },
        { "path": "pidMode", "kind": "removed", "before": "task" },
        { "path": "user", "kind": "added", "after": "web" },
    ]);
    let expected = json!({ "before": open(&web, 100).id, "changes": changes });
    assert_eq!(ask(200).await, expected);
    stage::end(board.ledger(), &open(&web, 200), Verdict::RolledBack).await;

    // It is compared with what ran, and of what was noted before outlines were nothing is known.
    stage::register(board.ledger(), &open(&web, 300), &first).await;
    assert_eq!(ask(300).await["changes"], json!([]));
    stage::end(board.ledger(), &open(&web, 300), Verdict::Succeeded).await;
    stage::claim(board.ledger(), &open(&web, 400)).await;
    let expected = json!({ "before": open(&web, 300).id, "changes": null });
    assert_eq!(ask(400).await, expected);
    let missing = "/rollouts/main/web/1/difference";
    asker.ask(DIFFERENCE, missing, StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let table = "service-tag";
    let (ministack, board) = stage::table(table).await;
    let web = target("web", "production");
    stage::write(ministack, table, &web).await;
    let Asker(client) = asker(Watch::new(board.clone(), Duration::ZERO));
    for path in ["/targets", "/targets/web", "/targets/web/rollouts"] {
        let path = format!("{PATH}{path}");
        let first = client.get(&path).send().await;
        let tag = first.0.header("etag").expect("a tag").to_owned();
        let second = client.get(&path).header("if-none-match", &tag).send().await;
        second.assert_status(StatusCode::NOT_MODIFIED);
        second.assert_header("etag", &tag);
        second.assert_text("").await;
    }
    let path = format!("{PATH}/targets");
    let first = client.get(&path).send().await;
    let tag = first.0.header("etag").expect("a tag").to_owned();
    stage::claim(board.ledger(), &open(&web, 100)).await;
    let changed = client.get(&path).header("if-none-match", &tag).send().await;
    changed.assert_status_is_ok();
}

#[tokio::test]
async fn what_is_described_is_there_and_says_when_the_ledger_is_not() {
    let nobody = stage::board(stage::NOBODY, "ledger");
    let asker = asker(Watch::new(nobody, Duration::ZERO));
    let description = description();
    let paths = description["paths"].as_object().expect("paths");
    let described: Vec<_> = paths.keys().map(String::as_str).collect();
    assert_eq!(
        described,
        [
            TARGETS, TARGET, ROLLOUTS, REQUESTS, REQUEST, ROLLOUT, DIFFERENCE
        ]
    );
    let read = described.into_iter().filter(|path| *path != REQUESTS);
    for path in read {
        let address = path
            .replace("{name}", "web")
            .replace("{cluster}", "main")
            .replace("{service}", "web")
            .replace("{id}", "1");
        asker
            .ask(path, &address, StatusCode::SERVICE_UNAVAILABLE)
            .await;
    }
    let served = asker.0.get(format!("{PATH}/openapi.json")).send().await;
    served.assert_json(&description).await;
    let page = asker.0.get(PATH).send().await;
    page.assert_status_is_ok();
    page.assert_content_type("text/html; charset=utf-8");
}
