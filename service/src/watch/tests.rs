//! One reader for all, against a real ledger whose requests are requests.

use futures_util::FutureExt;
use futures_util::future::join_all;
use ledger::Verdict;
use ledger::table::Raced;
use ledger::transition::Next;
use poem::http::StatusCode;
use poem::test::{TestClient, TestResponse};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::time::timeout;

use super::*;
use crate::app;
use crate::board::fixtures::{at, open, target};
use crate::settings::Settings;
use crate::stage;

fn settings() -> Settings {
    let set = |name: &str| (name == "COUPLET_LEDGER_TABLE").then(|| "ledger".to_owned());
    Settings::read(set).expect("settings")
}

/// The next print that a stream tells, within ten seconds.
async fn told(lines: &mut (impl AsyncBufReadExt + Unpin)) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        let read = timeout(Duration::from_secs(10), lines.read_line(&mut line)).await;
        assert_ne!(read.expect("in time").expect("read"), 0, "the stream ended");
        if let Some(print) = line.strip_prefix("data: ") {
            return print.trim_end().to_owned();
        }
    }
}

fn lines(response: TestResponse) -> BufReader<impl AsyncRead + Unpin> {
    response.assert_status_is_ok();
    response.assert_content_type("text/event-stream");
    BufReader::new(Box::pin(response.0.into_body().into_async_read()))
}

#[tokio::test]
async fn a_thousand_streams_cost_one_poll_and_end_when_the_service_does() {
    let name = "service-watch";
    let (ministack, board) = stage::table(name).await;
    let web = target("web", "production");
    stage::write(ministack, name, &web).await;
    stage::claim(board.ledger(), &open(&web, 100)).await;

    let requests = board.requests().clone();
    let staged = requests.count();
    let watch = Arc::new(Watch::new(board.clone(), FRESH));
    let client = TestClient::new(app::app(stage::service(
        &settings(),
        stage::NOBODY,
        watch.clone(),
    )));
    let polled = watch.clone();
    let poll = tokio::spawn(async move { polled.poll().await });

    // Nobody listens: nothing is read.
    sleep(Duration::from_millis(100)).await;
    assert_eq!(requests.count(), staged);

    let streams = join_all((0..1000).map(|_| client.get("/events").send())).await;
    let mut streams: Vec<_> = streams.into_iter().map(lines).collect();
    assert_eq!(watch.listeners(), 1000);
    let first = join_all(streams.iter_mut().map(told)).await;
    assert!(first.iter().all(|print| *print == first[0]), "{first:?}");
    // The targets; the head and the history of one.
    let one_reading = 3;
    assert_eq!(requests.count() - staged, one_reading);

    // Everybody fetches the page anew: what was read serves all of them.
    let pages = join_all((0..1000).map(|_| client.get("/").send())).await;
    for page in pages {
        page.assert_status_is_ok();
        let page = page.0.into_body().into_string().await.expect("page");
        assert!(page.contains(&format!("data-seen=\"{}\"", first[0])));
    }
    let read = requests.count() - staged;
    assert!(read <= 2 * one_reading, "{read}");

    // A verdict reaches all of them, and the readings were as many as the time allows.
    let began = Instant::now();
    let succeeded = Next::End {
        verdict: Verdict::Succeeded,
        reason: None,
    };
    let rollout = open(&web, 100);
    let raced = board.ledger().apply(&rollout, &succeeded, at(172)).await;
    assert_eq!(raced.expect("verdict"), Raced::No);
    let written = requests.count();
    let second = join_all(streams.iter_mut().map(told)).await;
    assert!(second.iter().all(|print| *print == second[0]));
    assert_ne!(first[0], second[0]);
    let readings = (requests.count() - written) / one_reading;
    let most = began.elapsed().as_secs() / PAUSE.as_secs() + 2;
    assert!(readings <= most, "{readings} readings");

    // Told to go, every stream ends, and who comes now is sent away.
    watch.close();
    for mut stream in streams {
        let mut rest = String::new();
        let read = timeout(Duration::from_secs(5), stream.read_to_string(&mut rest)).await;
        read.expect("ends").expect("read");
        assert_eq!(rest.trim(), "");
    }
    let mut late = lines(client.get("/events").send().await);
    let mut rest = String::new();
    late.read_to_string(&mut rest).await.expect("read");
    assert_eq!(rest, "retry: 2000\n\n");
    poll.abort();
}

#[tokio::test]
async fn more_streams_than_there_is_room_for_are_refused() {
    let board = stage::board(stage::NOBODY, "ledger");
    let watch = Arc::new(Watch::new(board, FRESH));
    let client = TestClient::new(app::app(stage::service(
        &settings(),
        stage::NOBODY,
        watch.clone(),
    )));
    let held: Vec<_> = (0..2000).map(|_| watch.listen()).collect();
    let refused = client.get("/events").send().await;
    refused.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    drop(held);
    client.get("/events").send().await.assert_status_is_ok();
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_is_told_once_and_asked_once() {
    let board = stage::board(stage::NOBODY, "ledger");
    let requests = board.requests().clone();
    let watch = Watch::new(board, FRESH);
    let mut news = watch.listen();
    let answers = join_all((0..50).map(|_| watch.seen())).await;
    assert!(answers.iter().all(Result::is_err));
    assert_eq!(requests.count(), 1);
    assert_eq!(news.borrow_and_update().print.as_deref(), Some(UNREADABLE));
    watch.seen().await.expect_err("unreadable");
    assert!(news.changed().now_or_never().is_none());
}

#[tokio::test]
async fn a_thousand_pages_of_a_rollout_compare_once() {
    let name = "service-compare";
    let (ministack, board) = stage::table(name).await;
    let web = target("web", "production");
    stage::write(ministack, name, &web).await;
    let outline = [("cpu", "256")];
    // What ran before is older than what the board has seen.
    stage::register(board.ledger(), &open(&web, 100), &outline).await;
    stage::end(board.ledger(), &open(&web, 100), Verdict::Succeeded).await;
    for second in (200..=2300).step_by(100) {
        stage::claim(board.ledger(), &open(&web, second)).await;
        stage::end(board.ledger(), &open(&web, second), Verdict::Failed).await;
    }
    let rollout = open(&web, 2400);
    stage::register(board.ledger(), &rollout, &outline).await;

    let requests = board.requests().clone();
    let staged = requests.count();
    let fresh = Duration::from_secs(600);
    let watch = Arc::new(Watch::new(board, fresh));
    let client = TestClient::new(app::app(stage::service(
        &settings(),
        ministack.url(),
        watch,
    )));
    let path = format!("/rollouts/main/web/{}", rollout.id);
    let pages = join_all((0..1000).map(|_| client.get(&path).send())).await;
    for page in pages {
        page.assert_status_is_ok();
        let page = page.0.into_body().into_string().await.expect("page");
        assert!(page.contains("The same as what ran before"), "{page}");
    }
    // Four for what is seen, one for what ran before, and two outlines.
    assert_eq!(requests.count() - staged, 7);
}
