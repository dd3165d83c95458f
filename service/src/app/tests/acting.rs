//! Who may act, and what comes of it: over a real ledger and bus, and a GitHub that signs people in.

use ledger::Verdict;
use local::github::{Access, GitHub, Served};
use local::ministack::Ministack;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;

use super::*;
use crate::board::fixtures::ended;

const BOARD: &str = "http://board.example";
const SECRET: &str = "/couplet/acting/client-secret";
/// A token, and its SHA-256.
const TOKEN: (&str, &str) = (
    "hello",
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
);

struct Scene<E> {
    client: TestClient<E>,
    ministack: &'static Ministack,
    queue: String,
    _github: Served,
}

/// A board with one target and three ways in, and a queue that hears what is asked.
async fn scene(name: &'static str) -> Scene<impl Endpoint<Output = Response>> {
    let (ministack, board) = stage::table(name).await;
    let web = target("web", "production");
    stage::write(ministack, name, &web).await;
    for second in [100, 300] {
        let rollout = ended(&web, second, Verdict::Succeeded);
        stage::claim(board.ledger(), &open(&web, second)).await;
        let end = Next::End {
            verdict: Verdict::Succeeded,
            reason: None,
        };
        let raced = board.ledger().apply(&rollout, &end, at(second + 50)).await;
        assert_eq!(raced.expect("verdict"), Raced::No);
    }
    let github = GitHub::new("ghs_of-the-functions");
    github.add_commit("owner/web", &"a".repeat(40), "Begin");
    github.oauth("Iv1board", "secret", &format!("{BOARD}/signed-in"));
    github.give("ada", "owner/web", Access::Write);
    github.give("eve", "owner/web", Access::Read);
    let served = github
        .serve(([127, 0, 0, 1], 0).into())
        .await
        .expect("GitHub");
    let aws = ministack.aws();
    let secret =
        json!({ "Name": SECRET, "Value": "secret", "Type": "SecureString", "Overwrite": true });
    aws.json("AmazonSSM.PutParameter", secret)
        .await
        .expect("secret");

    let url = served.url().to_owned();
    let settings = Settings::read(|name| match name {
        "COUPLET_LEDGER_TABLE" => Some("ledger".to_owned()),
        "COUPLET_GITHUB_URL" | "COUPLET_GITHUB_API_URL" => Some(url.clone()),
        "COUPLET_GITHUB_CLIENT_ID" => Some("Iv1board".to_owned()),
        "COUPLET_GITHUB_CLIENT_SECRET_PARAMETER" => Some(SECRET.to_owned()),
        "COUPLET_BOARD_URL" => Some(BOARD.to_owned()),
        "COUPLET_TOKENS" => Some(format!("ci:{}", TOKEN.1)),
        _ => None,
    });
    let watch = Arc::new(Watch::new(board, Duration::ZERO));
    let service = stage::service(&settings.expect("settings"), ministack.url(), watch);
    Scene {
        client: TestClient::new(app(service)),
        ministack,
        queue: queue(ministack, name).await,
        _github: served,
    }
}

/// A queue that gets every request on the bus.
async fn queue(ministack: &Ministack, name: &str) -> String {
    let aws = ministack.aws();
    let queue = aws
        .json("AmazonSQS.CreateQueue", json!({ "QueueName": name }))
        .await;
    let url = queue.expect("queue")["QueueUrl"]
        .as_str()
        .expect("address")
        .to_owned();
    let rule = json!({
        "Name": name,
        "EventPattern": json!({ "source": ["couplet"], "detail-type": ["Rollout Requested"] }).to_string(),
    });
    aws.json("AWSEvents.PutRule", rule).await.expect("rule");
    let arn = format!("arn:aws:sqs:us-east-1:000000000000:{name}");
    let targets = json!({ "Rule": name, "Targets": [{ "Id": "queue", "Arn": arn }] });
    aws.json("AWSEvents.PutTargets", targets)
        .await
        .expect("target");
    url
}

impl<E: Endpoint> Scene<E> {
    /// What was asked on the bus by `by`: other tests ask there too.
    async fn asked(&self, by: &str) -> Vec<Value> {
        let aws = self.ministack.aws();
        let mut asked = Vec::new();
        loop {
            let receive = json!({ "QueueUrl": self.queue, "MaxNumberOfMessages": 10 });
            let answer = aws
                .json("AmazonSQS.ReceiveMessage", receive)
                .await
                .expect("messages");
            let Some(messages) = answer["Messages"].as_array().filter(|it| !it.is_empty()) else {
                return asked;
            };
            for message in messages {
                let body = message["Body"].as_str().expect("body");
                let event: Value = serde_json::from_str(body).expect("event");
                if event["detail"]["by"] == by {
                    asked.push(event);
                }
            }
        }
    }

    /// The cookie of `login`, who signs in as in a browser and comes back to `to`.
    async fn sign_in(&self, login: &str, to: &str) -> String {
        let out = self.client.get("/sign-in").query("to", &to).send().await;
        out.assert_status(StatusCode::SEE_OTHER);
        let trip = cookie(&out);
        let github = out
            .0
            .header("location")
            .expect("GitHub's address")
            .to_owned();
        let browser = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy();
        let browser = browser.build().expect("browser");
        let consent = browser.post(&github).form(&[("login", login)]).send().await;
        let back = consent.expect("consent").headers()[LOCATION]
            .to_str()
            .expect("address")
            .to_owned();
        let path = back.strip_prefix(BOARD).expect("the board");
        let back = self.client.get(path).header("cookie", trip).send().await;
        back.assert_status(StatusCode::SEE_OTHER);
        back.assert_header("location", to);
        cookie(&back)
    }

    async fn page(&self, path: &str, cookie: &str) -> String {
        let page = self.client.get(path).header("cookie", cookie).send().await;
        page.assert_status_is_ok();
        body(page).await
    }

    /// What the press of a button on our own page is answered.
    async fn press(
        &self,
        action: &str,
        fields: &str,
        cookie: &str,
        site: &str,
    ) -> poem::test::TestResponse {
        let post = self.client.post(format!("/targets/web/{action}"));
        post.header("cookie", cookie)
            .header("sec-fetch-site", site)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("content-length", fields.len())
            .body(fields.to_owned())
            .send()
            .await
    }
}

/// All cookies that an answer sets and does not take back.
fn cookie(response: &poem::test::TestResponse) -> String {
    let set = response.0.headers().get_all("set-cookie");
    let set = set.iter().map(|it| it.to_str().expect("text"));
    let kept = set.filter(|it| !it.contains("Max-Age=0"));
    let pairs = kept.map(|it| it.split(';').next().unwrap_or_default());
    pairs.collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn who_may_write_to_the_repository_rolls_back_by_a_button() {
    let scene = scene("service-acting-write").await;
    let stranger = scene.page("/targets/web", "").await;
    assert!(
        stranger.contains(r#"href="/sign-in?to=/targets/web""#),
        "{stranger}"
    );
    assert!(!stranger.contains("<form"), "{stranger}");

    let ada = scene.sign_in("ada", "/targets/web").await;
    let page = scene.page("/targets/web", &ada).await;
    assert!(page.contains(r#"action="/targets/web/rollback""#), "{page}");
    let pressed = scene
        .press(
            "rollback",
            "digest=&why=prices+are+wrong",
            &ada,
            "same-origin",
        )
        .await;
    pressed.assert_status(StatusCode::SEE_OTHER);
    let back = pressed.0.header("location").expect("address").to_owned();
    let asked = scene.asked("ada").await;
    assert_eq!(asked.len(), 1, "{asked:?}");
    let expected = json!({
        "action": "rollback", "target": "web", "by": "ada", "why": "prices are wrong",
    });
    assert_eq!(asked[0]["detail"], expected);
    let id = asked[0]["id"].as_str().expect("id");
    assert_eq!(back, format!("/targets/web?asked={id}#asked"));
    let notice = scene.page(back.trim_end_matches("#asked"), &ada).await;
    assert!(
        notice.contains("It is carried out as soon as it is heard"),
        "{notice}"
    );

    let out = scene.client.post("/sign-out").header("cookie", &ada);
    let out = out.header("sec-fetch-site", "same-origin").send().await;
    out.assert_status(StatusCode::SEE_OTHER);
    assert_eq!(cookie(&out), "");
}

#[tokio::test]
async fn who_may_only_look_is_told_so_and_kept_out() {
    let scene = scene("service-acting-read").await;
    let eve = scene.sign_in("eve", "/").await;
    let page = scene.page("/targets/web", &eve).await;
    assert!(page.contains("eve may not write to owner/web"), "{page}");
    assert!(!page.contains("/targets/web/rollback"), "{page}");
    let pressed = scene.press("rollback", "why=", &eve, "same-origin").await;
    pressed.assert_status(StatusCode::FORBIDDEN);
    let stranger = scene.press("rollback", "why=", "", "same-origin").await;
    stranger.assert_status(StatusCode::UNAUTHORIZED);
    let forged = scene
        .press("rollback", "why=", "couplet=forged", "same-origin")
        .await;
    forged.assert_status(StatusCode::UNAUTHORIZED);
    assert_eq!(scene.asked("eve").await, Vec::<Value>::new());
}

#[tokio::test]
async fn another_sites_page_acts_in_nobodys_name() {
    let scene = scene("service-acting-cross").await;
    let ada = scene.sign_in("ada", "/").await;
    for site in ["cross-site", "same-site", "none"] {
        let pressed = scene.press("hold", "why=", &ada, site).await;
        pressed.assert_status(StatusCode::FORBIDDEN);
    }
    let out = scene.client.post("/sign-out").header("cookie", &ada);
    let out = out.header("sec-fetch-site", "cross-site").send().await;
    out.assert_status(StatusCode::FORBIDDEN);
    // Somebody else's way back, on which ada has not set out.
    let led = scene.client.get("/signed-in?code=1&state=2").send().await;
    led.assert_status(StatusCode::FORBIDDEN);
    let large = "x".repeat(9000);
    let large = scene.press("hold", &large, &ada, "same-origin").await;
    large.assert_status(StatusCode::PAYLOAD_TOO_LARGE);
    let unknown = scene.press("explode", "why=", &ada, "same-origin").await;
    unknown.assert_status(StatusCode::NOT_FOUND);
    let read = scene.client.get("/targets/web/hold").send().await;
    read.assert_status(StatusCode::METHOD_NOT_ALLOWED);
    read.assert_header("allow", "POST");
}

#[tokio::test]
async fn a_script_asks_with_its_token_and_follows_what_it_asked() {
    let scene = scene("service-acting-script").await;
    let path = "/api/v1/targets/web/requests";
    let send = async |token: &str, ask: Value| {
        let text = ask.to_string();
        let post = scene
            .client
            .post(path)
            .header("authorization", format!("Bearer {token}"));
        post.header("content-length", text.len())
            .body(text)
            .send()
            .await
    };
    let asked = send(TOKEN.0, json!({ "action": "hold", "why": "the sale" })).await;
    asked.assert_status(StatusCode::ACCEPTED);
    let location = asked.0.header("location").expect("address").to_owned();
    let asked: Value = serde_json::from_str(&body(asked).await).expect("JSON");
    let heard = scene.asked("token ci").await;
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0]["id"], asked["id"]);
    assert_eq!(heard[0]["detail"]["action"], "hold");
    assert_eq!(
        location,
        format!("{path}/{}", asked["id"].as_str().expect("id"))
    );
    let answer = scene.client.get(&location).send().await;
    let expected = json!({ "id": asked["id"], "answered": false, "rollout": null });
    answer.assert_json(expected).await;

    let wrong = send("hell", json!({ "action": "hold" })).await;
    wrong.assert_status(StatusCode::UNAUTHORIZED);
    wrong.assert_header("www-authenticate", "Bearer");
    wrong.assert_content_type("application/problem+json");
    let nonsense = send(TOKEN.0, json!({ "action": "explode" })).await;
    nonsense.assert_status(StatusCode::BAD_REQUEST);
    let nonsense = body(nonsense).await;
    assert!(nonsense.contains("unknown variant `explode`"), "{nonsense}");
}

#[tokio::test]
async fn nobody_acts_where_no_door_is_open() {
    let table = "service-acting-closed";
    let (ministack, board) = stage::table(table).await;
    stage::write(ministack, table, &target("web", "production")).await;
    let client = client(board);
    let page = body(client.get("/targets/web").send().await).await;
    assert!(
        !page.contains("<form") && !page.contains("sign-in"),
        "{page}"
    );
    client
        .get("/sign-in")
        .send()
        .await
        .assert_status(StatusCode::NOT_FOUND);
    let press = client.post("/targets/web/rollback");
    let press = press.header("sec-fetch-site", "same-origin");
    let press = press.content_type("application/x-www-form-urlencoded");
    let press = press.header("content-length", 4).body("why=").send().await;
    press.assert_status(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_hurried_client_is_told_to_wait() {
    let settings = Settings::read(|name| match name {
        "COUPLET_LEDGER_TABLE" => Some("ledger".to_owned()),
        "COUPLET_REQUESTS_PER_SECOND" => Some("1".to_owned()),
        _ => None,
    });
    let board = stage::board(stage::NOBODY, "ledger");
    let watch = Arc::new(Watch::new(board, Duration::ZERO));
    let service = stage::service(&settings.expect("settings"), stage::NOBODY, watch);
    let client = TestClient::new(app(service));
    let ask = async || {
        let request = client
            .get("/style.css")
            .header("x-forwarded-for", "192.0.2.1");
        request.send().await
    };
    for _ in 0..10 {
        ask().await.assert_status_is_ok();
    }
    let refused = ask().await;
    refused.assert_status(StatusCode::TOO_MANY_REQUESTS);
    refused.assert_header("retry-after", "1");
}
