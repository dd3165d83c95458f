use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivatePkcs1KeyDer;
use rustls_pki_types::pem::PemObject;

use super::super::caller::REPOSITORY;
use super::*;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// A token as the App makes it, but for what `change` does to its claims.
fn jwt(change: impl FnOnce(&mut Value)) -> String {
    let pem = PrivatePkcs1KeyDer::from_pem_slice(App::COUPLET.key.as_bytes()).unwrap();
    let key = RsaKeyPair::from_der(pem.secret_pkcs1_der()).unwrap();
    let at = now().timestamp();
    let mut claims = json!({ "iat": at - 60, "exp": at + 600, "iss": App::COUPLET.id.to_string() });
    change(&mut claims);
    let parts = [json!({ "alg": "RS256", "typ": "JWT" }), claims];
    let text = parts
        .map(|it| URL_SAFE_NO_PAD.encode(it.to_string()))
        .join(".");
    let mut signature = vec![0; key.public().modulus_len()];
    let random = SystemRandom::new();
    key.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
        .unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn installed() -> Apps {
    let mut apps = Apps::default();
    apps.install(App::COUPLET, REPOSITORY);
    apps
}

fn find() -> Call {
    Call::get(&format!("/repos/{REPOSITORY}/installation"))
}

fn make(body: &Value) -> Call {
    Call {
        method: "POST".to_owned(),
        body: body.to_string().into_bytes(),
        ..Call::get("/app/installations/7000001/access_tokens")
    }
}

fn said(answer: &Answer) -> (u16, &str) {
    let message = answer.body["message"].as_str().unwrap_or_default();
    (answer.status, message)
}

#[test]
fn whose_token_is_refused() {
    let at = now().timestamp();
    let undecodable = (401, "A JSON web token could not be decoded");
    let issued = (
        401,
        "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
    let expired = (
        401,
        "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
    let far = (
        401,
        "'Expiration time' claim ('exp') is too far in the future",
    );
    type Change = fn(&mut Value, i64);
    let rows: &[(&str, Change, (u16, &str))] = &[
        ("as it should be", |_, _| {}, (200, "")),
        (
            "its number as a number",
            |it, _| it["iss"] = json!(App::COUPLET.id),
            (200, ""),
        ),
        (
            "of another App",
            |it, _| it["iss"] = json!("7"),
            (404, "Integration not found"),
        ),
        (
            "issued in the future",
            |it, at| it["iat"] = json!(at + 1),
            issued,
        ),
        ("never issued", |it, _| it["iat"] = Value::Null, issued),
        ("expired", |it, at| it["exp"] = json!(at), expired),
        (
            "good for eleven minutes",
            |it, at| it["exp"] = json!(at + 660),
            far,
        ),
    ];
    for (name, change, expected) in rows {
        let jwt = jwt(|claims| change(claims, at));
        let answer = installed().answer(&jwt, &find(), now());
        assert_eq!(said(&answer), *expected, "{name}");
    }
    let mut rotated = installed();
    rotated.install(App::COUPLET_WITH_NEWER_KEY, REPOSITORY);
    let with_old_key = rotated.answer(&jwt(|_| {}), &find(), now());
    assert_eq!(said(&with_old_key), undecodable);
    for jwt in ["ghs_token", "a.b", "a.b.c", ""] {
        let answer = installed().answer(jwt, &find(), now());
        assert_eq!(said(&answer), undecodable, "{jwt}");
    }
}

#[test]
fn a_token_is_for_what_it_was_asked_for_and_for_an_hour() {
    let mut apps = installed();
    let asked = json!({ "repositories": ["poems"], "permissions": { "deployments": "write" } });
    let made = apps.answer(&jwt(|_| {}), &make(&asked), now());
    assert_eq!(made.status, 201);
    let token = made.body["token"].as_str().unwrap();
    assert!(token.len() > 255, "{}", token.len());
    let rows = [
        ("deployments", "deployments=write", now(), Ok(())),
        ("deployments", "deployments=read", now(), Ok(())),
        ("deployments", "metadata=read", now(), Ok(())),
        ("statuses/abc", "statuses=write", now(), Err(403)),
        (
            "deployments",
            "deployments=read",
            now() + TimeDelta::hours(1),
            Err(401),
        ),
    ];
    for (path, permission, at, expected) in rows {
        let call = Call::get(&format!("/repos/Ada/Poems/{path}"));
        let refused = apps.refuse(token, &call, permission, at);
        assert_eq!(
            refused.map_err(|it| it.status),
            expected,
            "{path} {permission}"
        );
    }
    let elsewhere = Call::get("/repos/ada/prose/deployments");
    let refused = apps.refuse(token, &elsewhere, "deployments=read", now());
    assert_eq!(refused.map_err(|it| it.status), Err(404));
    apps.take_back_tokens();
    let refused = apps.refuse(token, &elsewhere, "deployments=read", now());
    assert_eq!(refused.map_err(|it| it.status), Err(401));
}

#[test]
fn what_an_app_does_not_have_it_cannot_give() {
    let mut apps = installed();
    let rows = [
        (json!({}), 201),
        (json!({ "repositories": ["ada/poems"] }), 422),
        (json!({ "repositories": ["prose"] }), 422),
        (json!({ "permissions": { "contents": "write" } }), 422),
        (json!({ "permissions": { "statuses": "read" } }), 201),
    ];
    for (body, expected) in rows {
        let answer = apps.answer(&jwt(|_| {}), &make(&body), now());
        assert_eq!(answer.status, expected, "{body}: {answer:?}");
    }
    let elsewhere = Call::get("/repos/ada/prose/installation");
    assert_eq!(apps.answer(&jwt(|_| {}), &elsewhere, now()).status, 404);
    let unknown = Call {
        method: "POST".to_owned(),
        ..Call::get("/app/installations/7/access_tokens")
    };
    assert_eq!(apps.answer(&jwt(|_| {}), &unknown, now()).status, 404);
}

#[test]
fn what_an_app_is_answered_is_as_github_describes_it() {
    let mut apps = installed();
    let asked = json!({ "repositories": ["poems"], "permissions": { "statuses": "write" } });
    for call in [find(), make(&asked)] {
        let answer = apps.answer(&jwt(|_| {}), &call, now());
        let wrong = super::super::description::violations(&call, &answer);
        assert_eq!(wrong, [""; 0]);
    }
    // An App as itself is answered nowhere else.
    let elsewhere = Call::get(&format!("/repos/{REPOSITORY}/deployments"));
    let refused = apps.refuse(&jwt(|_| {}), &elsewhere, "deployments=read", now());
    assert_eq!(refused.map_err(|it| it.status), Err(401));
}
