//! The flow over loopback HTTP, as a browser and an app go through it, and everything at which it ends early.

use reqwest::{Response, StatusCode, header};
use serde_json::json;

use super::super::caller::{Caller, REPOSITORY};
use super::*;

const ID: &str = "Iv23couplet";
const SECRET: &str = "secret";
const CALLBACK: &str = "http://board/signed-in";
/// The pair of <https://www.rfc-editor.org/rfc/rfc7636#appendix-B>.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[tokio::test]
async fn somebody_signs_in_and_the_app_learns_what_they_may() {
    let web = Web::new(ID).await;
    let page = web.client.get(web.authorize(&[])).send().await.unwrap();
    let page = page.text().await.unwrap();
    for login in ["ada", "eve", "mal"] {
        assert!(page.contains(&format!("value=\"{login}\"")), "{page}");
    }

    for (login, may) in [("ada", json!([true, true])), ("eve", json!([false, true]))] {
        let answer = web.exchange(&web.code(login, &[]).await, &[]).await;
        assert_eq!(
            (&answer["token_type"], &answer["scope"]),
            (&json!("bearer"), &json!(""))
        );
        let token = answer["access_token"].as_str().unwrap();
        assert!(token.starts_with("ghu_"), "{token}");
        let user = web.api(token, "/user").await;
        assert_eq!(
            (user.0, &user.1["login"], &user.1["type"]),
            (200, &json!(login), &json!("User"))
        );
        let (status, repository) = web.api(token, "/repos/Ada/Poems").await;
        let permissions = &repository["permissions"];
        assert_eq!(
            (status, json!([permissions["push"], permissions["pull"]])),
            (200, may)
        );
        assert_eq!(permissions["admin"], false);
        assert_eq!(web.api(token, "/repos/ada/prose").await.0, 404);
    }
}

#[tokio::test]
async fn who_may_not_see_a_repository_finds_nothing_there() {
    let web = Web::new(ID).await;
    let token = web.token("mal", &[]).await;
    assert_eq!(web.api(&token, "/user").await.0, 200);
    for path in ["", "/deployments"] {
        let path = format!("/repos/{REPOSITORY}{path}");
        assert_eq!(web.api(&token, &path).await.0, 404, "{path}");
    }
    assert_eq!(web.api("ghu_other", "/user").await.0, 401);
}

#[tokio::test]
async fn what_somebody_may_can_change_while_they_are_signed_in() {
    let web = Web::new(ID).await;
    let token = web.token("ada", &[]).await;
    web.caller.github.give("ada", REPOSITORY, Access::Triage);
    let path = format!("/repos/{REPOSITORY}");
    let (_, repository) = web.api(&token, &path).await;
    let expected = json!({
        "admin": false, "maintain": false, "push": false, "triage": true, "pull": true,
    });
    assert_eq!(repository["permissions"], expected);
}

#[tokio::test]
async fn an_oauth_app_sees_private_repositories_by_scope() {
    let web = Web::new("0123456789abcdef0123").await;
    let path = format!("/repos/{REPOSITORY}");
    for (scope, status) in [("", 404), ("read:user", 404), ("read:user repo", 200)] {
        let token = web.token("ada", &[("scope", scope)]).await;
        assert!(token.starts_with("gho_"), "{token}");
        assert_eq!(web.api(&token, "/user").await.0, 200);
        assert_eq!(web.api(&token, &path).await.0, status, "{scope}");
    }
}

#[tokio::test]
async fn the_app_itself_is_nobody_and_a_user_tells_nothing() {
    let web = Web::new(ID).await;
    let app = web.caller.get_at("/user").await;
    assert_eq!(
        (app.status, &app.body["message"]),
        (403, &json!("Resource not accessible by integration"))
    );
    let path = format!("/repos/{REPOSITORY}");
    let repository = web.caller.get_at(&path).await;
    assert_eq!(
        (repository.status, &repository.body["permissions"]),
        (200, &json!(null))
    );

    let token = web.token("ada", &[]).await;
    let url = web.caller.url("deployments");
    let posted = web.client.post(url).bearer_auth(token).body("{}");
    assert_eq!(posted.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn who_is_sent_back_without_a_code() {
    let web = Web::new(ID).await;
    let below = "http://board/signed-in/below";
    let rows = [
        ("", CALLBACK, "access_denied"),
        ("ada", below, "redirect_uri_mismatch"),
    ];
    for (login, redirect_uri, error) in rows {
        let asked = [("redirect_uri", redirect_uri)];
        let back = back(web.press(login, &asked).await);
        let pairs: Vec<_> = back.query_pairs().into_owned().collect();
        assert_eq!(value(&pairs, "error"), Some(error));
        assert_eq!(value(&pairs, "state"), Some("a b&c"));
        assert_eq!(value(&pairs, "code"), None);
        assert!(back.as_str().starts_with(CALLBACK), "{back}");
    }
}

#[tokio::test]
async fn who_is_not_sent_back_at_all() {
    let web = Web::new(ID).await;
    let rows: [(&[(&str, &str)], u16); 3] = [
        (&[("client_id", "other")], 404),
        (&[("code_challenge_method", "plain")], 400),
        (&[("code_challenge", "short")], 400),
    ];
    for (asked, status) in rows {
        let pressed = web.press("ada", asked).await;
        assert_eq!(pressed.status(), status, "{asked:?}");
        let page = web.client.get(web.authorize(asked)).send().await.unwrap();
        assert_eq!(page.status(), status, "{asked:?}");
    }
}

#[tokio::test]
async fn what_gets_no_token() {
    let web = Web::new(ID).await;
    let rows = [
        ("client_id", "other", "incorrect_client_credentials"),
        ("client_secret", "other", "incorrect_client_credentials"),
        ("code", "other", "bad_verification_code"),
        ("code_verifier", "other", "bad_verification_code"),
        ("redirect_uri", "http://elsewhere/", "redirect_uri_mismatch"),
    ];
    for (field, wrong, error) in rows {
        let code = web.code("ada", &[]).await;
        let answer = web.exchange(&code, &[(field, wrong)]).await;
        assert_eq!(answer["error"], error, "{field}");
        assert_eq!(answer["access_token"], json!(null), "{field}");
    }
}

#[tokio::test]
async fn a_code_works_once() {
    let web = Web::new(ID).await;
    let code = web.code("ada", &[]).await;
    assert!(web.exchange(&code, &[]).await["access_token"].is_string());
    let again = web.exchange(&code, &[]).await;
    assert_eq!(again["error"], "bad_verification_code");
}

#[test]
fn a_code_works_for_ten_minutes() {
    for (seconds, works) in [(599, true), (600, false)] {
        let mut sign_in = SignIn::default();
        sign_in.register(ID, SECRET, CALLBACK);
        sign_in.give("ada", REPOSITORY, Access::Write);
        let now = Utc::now();
        let asked = Call {
            method: "POST".to_owned(),
            body: b"login=ada".to_vec(),
            ..Call::get(&format!("/login/oauth/authorize?client_id={ID}"))
        };
        assert_eq!(sign_in.answer(&asked, now).status, 302);
        let code = sign_in.codes[0].code.clone();
        let form = [
            ("client_id", ID),
            ("client_secret", SECRET),
            ("code", &code),
        ];
        let form = form.map(|(name, it)| (name.to_owned(), it.to_owned()));
        let token = sign_in.token(&form, now + TimeDelta::seconds(seconds));
        assert_eq!(token.is_ok(), works, "{seconds}");
    }
}

#[tokio::test]
async fn who_does_not_ask_for_json_gets_a_form() {
    let web = Web::new(ID).await;
    let code = web.code("ada", &[]).await;
    let answer = web.post(&code, &[], "*/*").await;
    assert_eq!(
        answer.headers()[header::CONTENT_TYPE],
        "application/x-www-form-urlencoded; charset=utf-8"
    );
    let form = answer.text().await.unwrap();
    assert!(form.starts_with("access_token=ghu_"), "{form}");
    assert!(form.ends_with("&token_type=bearer&scope="), "{form}");
}

/// A browser, and the app that it signs in to.
struct Web {
    caller: Caller,
    client: reqwest::Client,
    id: &'static str,
}

impl Web {
    /// Ada may write, Eve may read, Mal may see something else.
    async fn new(id: &'static str) -> Web {
        let caller = Caller::new().await;
        let github = &caller.github;
        github.oauth(id, SECRET, CALLBACK);
        github.give("ada", REPOSITORY, Access::Write);
        github.give("eve", REPOSITORY, Access::Read);
        github.give("mal", "mal/ware", Access::Admin);
        let client = reqwest::Client::builder()
            .no_proxy()
            .user_agent("couplet")
            .redirect(reqwest::redirect::Policy::none());
        Web {
            caller,
            client: client.build().unwrap(),
            id,
        }
    }

    /// The address of the page; `asked` takes the place of what is asked for usually.
    fn authorize(&self, asked: &[(&str, &str)]) -> Url {
        let usual = [
            ("client_id", self.id),
            ("redirect_uri", CALLBACK),
            ("state", "a b&c"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let url = format!("{}/login/oauth/authorize", self.caller.served.url());
        Url::parse_with_params(&url, instead(&usual, asked)).unwrap()
    }

    /// Presses somebody's button; nobody's is Cancel.
    async fn press(&self, login: &str, asked: &[(&str, &str)]) -> Response {
        let button = match login {
            "" => "cancel=1".to_owned(),
            login => format!("login={login}"),
        };
        let pressed = self.client.post(self.authorize(asked)).body(button);
        pressed.send().await.unwrap()
    }

    async fn code(&self, login: &str, asked: &[(&str, &str)]) -> String {
        let back = back(self.press(login, asked).await);
        let pairs: Vec<_> = back.query_pairs().into_owned().collect();
        assert_eq!(value(&pairs, "state"), Some("a b&c"));
        value(&pairs, "code").unwrap().to_owned()
    }

    async fn post(&self, code: &str, given: &[(&str, &str)], accept: &str) -> Response {
        let usual = [
            ("client_id", self.id),
            ("client_secret", SECRET),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let form = Serializer::new(String::new())
            .extend_pairs(instead(&usual, given))
            .finish();
        let url = format!("{}/login/oauth/access_token", self.caller.served.url());
        let posted = self.client.post(url).header(header::ACCEPT, accept);
        let answer = posted.body(form).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer
    }

    async fn exchange(&self, code: &str, given: &[(&str, &str)]) -> Value {
        let answer = self.post(code, given, "application/json").await;
        answer.json().await.unwrap()
    }

    async fn token(&self, login: &str, asked: &[(&str, &str)]) -> String {
        let answer = self.exchange(&self.code(login, asked).await, &[]).await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    async fn api(&self, token: &str, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.caller.served.url());
        let answer = self.client.get(url).bearer_auth(token).send();
        let answer = answer.await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

/// Where the browser is sent.
fn back(answer: Response) -> Url {
    assert_eq!(answer.status(), StatusCode::FOUND);
    let location = answer.headers()[header::LOCATION].to_str().unwrap();
    Url::parse(location).unwrap()
}

fn instead<'a>(
    usual: &[(&'a str, &'a str)],
    with: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let kept = usual
        .iter()
        .filter(|(name, _)| !with.iter().any(|(it, _)| it == name));
    kept.chain(with).copied().collect()
}
