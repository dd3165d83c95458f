use std::time::Duration;

use ledger::Ledger;
use poem::test::{TestClient, TestResponse};

use super::*;
use crate::app::app;
use crate::board::fixtures::{open, target};
use crate::settings::Settings;
use crate::stage;

/// A service that reads so seldom that all of this comes in between, over a ledger with one target, and that ledger.
async fn staged(
    table: &'static str,
) -> (
    TestClient<impl Endpoint<Output = Response>>,
    Arc<Watch>,
    Ledger,
) {
    let (ministack, board) = stage::table(table).await;
    let web = target("web", "production");
    stage::write(ministack, table, &web).await;
    let ledger = board.ledger().clone();
    stage::claim(&ledger, &open(&web, 100)).await;
    let settings =
        Settings::read(|name| (name == "COUPLET_LEDGER_TABLE").then(|| table.to_owned()));
    let watch = Arc::new(Watch::new(board, Duration::from_secs(600)));
    let settings = settings.expect("settings");
    let service = stage::service(&settings, stage::NOBODY, watch.clone());
    (TestClient::new(app(service)), watch, ledger)
}

async fn body(response: TestResponse) -> Vec<u8> {
    response.0.into_body().into_vec().await.expect("a body")
}

#[tokio::test]
async fn a_thousand_who_ask_cost_one_answer() {
    let (client, watch, _) = staged("kept-once").await;
    for path in ["/", "/targets/web", "/api/v1/targets/web/rollouts?limit=5"] {
        let first = body(client.get(path).send().await).await;
        let requests = watch.requests();
        for _ in 0..50 {
            let again = client.get(path).send().await;
            again.assert_status_is_ok();
            assert_eq!(body(again).await, first, "{path}");
        }
        assert_eq!(watch.requests(), requests, "{path}");
    }
}

#[tokio::test]
async fn what_has_changed_is_answered_anew() {
    let (client, watch, ledger) = staged("kept-changed").await;
    let path = "/api/v1/targets/web/rollouts";
    let before = body(client.get(path).send().await).await;
    stage::claim(&ledger, &open(&target("web", "production"), 200)).await;
    assert_eq!(body(client.get(path).send().await).await, before);
    // As a page does that is told that something has changed.
    let listener = watch.listen();
    let polled = watch.clone();
    let polling = tokio::spawn(async move { polled.poll().await });
    let mut news = watch.listen();
    news.mark_unchanged();
    tokio::time::timeout(Duration::from_secs(10), news.changed())
        .await
        .expect("news")
        .expect("a watch");
    polling.abort();
    drop(listener);
    assert_ne!(body(client.get(path).send().await).await, before);
}

#[tokio::test]
async fn who_knows_it_is_told_so_and_who_takes_gzip_gets_it() {
    let (client, ..) = staged("kept-known").await;
    for path in ["/", "/api/v1/targets", "/style.css"] {
        let plain = client.get(path).send().await;
        let tag = plain.0.header("etag").expect("a tag").to_owned();
        let plain = body(plain).await;
        for _ in 0..2 {
            let known = client.get(path).header("if-none-match", &tag).send().await;
            known.assert_status(StatusCode::NOT_MODIFIED);
            assert!(body(known).await.is_empty(), "{path}");
            let packed = client
                .get(path)
                .header("accept-encoding", "gzip")
                .send()
                .await;
            packed.assert_header("content-encoding", "gzip");
            packed.assert_header("vary", "accept-encoding");
            let packed = body(packed).await;
            let mut unpacked = Vec::new();
            let mut decoder = flate2::read::GzDecoder::new(packed.as_slice());
            std::io::Read::read_to_end(&mut decoder, &mut unpacked).expect("gzip");
            assert_eq!(unpacked, plain, "{path}");
        }
    }
}

#[tokio::test]
async fn who_says_who_they_are_gets_nothing_that_was_kept() {
    let (client, watch, ledger) = staged("kept-who").await;
    let path = "/api/v1/targets/web/rollouts";
    let before = body(client.get(path).send().await).await;
    stage::claim(&ledger, &open(&target("web", "production"), 200)).await;
    for header in WHO {
        let requests = watch.requests();
        let known = client.get(path).header(header.as_str(), "ada").send().await;
        assert_ne!(body(known).await, before, "{header}");
        assert!(watch.requests() > requests, "{header}");
    }
    assert_eq!(body(client.get(path).send().await).await, before);
}

#[tokio::test]
async fn what_fails_is_not_kept() {
    let (client, ..) = staged("kept-failed").await;
    for path in ["/targets/nobody", "/api/v1/targets/nobody"] {
        for id in ["one", "two"] {
            let missing = client.get(path).header("x-request-id", id).send().await;
            missing.assert_status(StatusCode::NOT_FOUND);
            let text = String::from_utf8(body(missing).await).expect("text");
            assert!(text.contains(id), "{text}");
        }
    }
}

#[tokio::test]
async fn a_kept_answer_is_its_own_to_everybody_who_asks() {
    let (client, ..) = staged("kept-own").await;
    for path in ["/", "/version"] {
        let first = client.get(path).header("x-request-id", "one");
        let first = first.header("x-forwarded-proto", "https").send().await;
        first.assert_header_exist("strict-transport-security");
        let kept = client.get(path).header("x-request-id", "two").send().await;
        kept.assert_header("x-request-id", "two");
        kept.assert_header_exist("content-security-policy");
        kept.assert_header("x-content-type-options", "nosniff");
        assert!(kept.0.header("strict-transport-security").is_none());
    }
}

#[tokio::test]
async fn who_asks_for_what_is_kept_is_counted_but_not_for_what_machines_ask() {
    let (client, ..) = staged("kept-counted").await;
    let ask = async |path: &str| {
        let mut refused = 0;
        for _ in 0..600 {
            let answer = client.get(path).header("x-forwarded-for", "192.0.2.1");
            let status = answer.send().await.0.status();
            refused += u32::from(status == StatusCode::TOO_MANY_REQUESTS);
        }
        refused
    };
    assert_eq!(ask("/version").await, 0);
    assert!(ask("/style.css").await > 0);
}

#[test]
fn a_question_that_a_stranger_thinks_of_is_kept_only_where_it_changes_the_answer() {
    for (uri, expected) in [
        ("/healthz?a=1", "/healthz"),
        ("/version?a=1", "/version"),
        ("/style.css?a=1", "/style.css"),
        ("/api/v1/targets?limit=1", "/api/v1/targets?limit=1"),
    ] {
        let request = Request::builder()
            .uri(uri.parse().expect("a path"))
            .finish();
        let source = source(&request).expect("for everybody");
        assert_eq!(key(&request, source), expected);
    }
}
