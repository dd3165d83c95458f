//! What a page costs, in requests and in bytes.

use super::*;

#[tokio::test]
async fn a_page_costs_the_same_requests_however_long_the_history() {
    let table = "service-long";
    let (ministack, board) = stage::table(table).await;
    let web = target("web", "production");
    stage::write(ministack, table, &web).await;
    let requests = board.requests().clone();
    let ledger = board.ledger().clone();
    let client = client(board);
    let bring = async |second| {
        let rollout = open(&web, second);
        stage::claim(&ledger, &rollout).await;
        let verdict = Verdict::Succeeded;
        let end = Next::End {
            verdict,
            reason: None,
        };
        let raced = ledger.apply(&rollout, &end, at(second + 50)).await;
        assert_eq!(raced.expect("verdict"), Raced::No);
    };
    let costs = async || {
        let mut costs = Vec::new();
        for path in [
            "/",
            "/targets/web",
            "/api/v1/targets",
            "/api/v1/targets/web",
            "/api/v1/targets/web/rollouts?limit=100",
            "/badge/web.svg",
        ] {
            let before = requests.count();
            client.get(path).send().await.assert_status_is_ok();
            costs.push(requests.count() - before);
        }
        costs
    };
    bring(100).await;
    let short = costs().await;
    for second in (200..30_200).step_by(100) {
        bring(second).await;
    }
    assert_eq!(costs().await, short);
    // Targets, head, history; the figures read once more, and a page of the past does.
    assert_eq!(short, [3, 4, 3, 3, 4, 3]);
}

#[tokio::test]
async fn everything_a_browser_loads_is_less_than_30_kb() {
    let table = "service-small";
    let (ministack, board) = stage::table(table).await;
    for name in ["web", "checkout", "search", "mail", "worker", "images"] {
        let target = target(name, "production");
        stage::write(ministack, table, &target).await;
        for second in [100, 200, 300, 400] {
            let rollout = open(&target, second);
            stage::claim(board.ledger(), &rollout).await;
            let end = Next::End {
                verdict: Verdict::RolledBack,
                reason: Some("container web exited 1: Essential container in task exited".into()),
            };
            let raced = board.ledger().apply(&rollout, &end, at(second + 50)).await;
            assert_eq!(raced.expect("verdict"), Raced::No);
        }
    }
    let client = client(board);
    let mut sum = 0;
    for path in ["/", "/style.css", "/live.js", "/icon.svg"] {
        let response = client
            .get(path)
            .header("accept-encoding", "gzip")
            .send()
            .await;
        response.assert_status_is_ok();
        sum += response.0.into_body().into_vec().await.expect("body").len();
    }
    assert!(sum < 30_000, "{sum} bytes");
}

#[tokio::test]
async fn a_badge_is_for_other_pages_and_only_for_what_is_there() {
    let table = "service-badge";
    let (ministack, board) = stage::table(table).await;
    stage::write(ministack, table, &target("web", "production")).await;
    let client = client(board);
    let badge = client.get("/badge/web.svg").send().await;
    badge.assert_status_is_ok();
    badge.assert_content_type("image/svg+xml");
    badge.assert_header("cross-origin-resource-policy", "cross-origin");
    assert!(body(badge).await.contains("web: nothing runs"));
    for path in ["/badge/web.png", "/badge/other.svg"] {
        let response = client.get(path).send().await;
        response.assert_status(StatusCode::NOT_FOUND);
    }
}
