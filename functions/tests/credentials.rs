//! Who `report` is to GitHub, and that what proves it can be changed while it runs. Parameters in SSM belong to all tests,
//! which run at the same time: so each writes one of its own.

mod outside;

use std::time::Duration;

use chrono::TimeDelta;
use functions::github::Identity;
use local::github::App;
use outside::{LIVES, Outside, REPOSITORY, sha};
use serde_json::Value;

/// As the App whose key is in `parameter`.
fn app(parameter: &str) -> Identity {
    Identity::App {
        id: App::COUPLET.id.to_string(),
        key_parameter: parameter.to_owned(),
    }
}

/// A rollout with its verdict, what the stream says of it, and `report` as the App.
async fn as_app(parameter: &str) -> (Outside, Vec<Value>) {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let records = outside.records().await;
    outside.github.install(App::COUPLET, REPOSITORY);
    outside.put_secret(parameter, App::COUPLET.key).await;
    outside.report_as(app(parameter), "").await;
    (outside, records)
}

/// The lines of what was told that are about secrets and tokens.
fn of_credentials(told: &str) -> Vec<&str> {
    let lines = told.lines();
    lines
        .filter(|it| it.contains("SSM.") || it.contains("installation"))
        .collect()
}

fn is_told(outside: &Outside, state: &str) {
    let shown = outside.github.combined_status(REPOSITORY, &sha('a'));
    assert_eq!(shown, state);
}

#[tokio::test]
async fn an_app_has_a_token_for_one_repository_and_two_permissions_and_keeps_it() {
    let (mut outside, records) = as_app("/an-app/key").await;
    insta::assert_snapshot!("as_an_app", outside.report(&records[..1]).await);
    let told = outside.report(&records).await;
    assert_eq!(of_credentials(&told), [""; 0]);
    is_told(&outside, "success");
}

#[tokio::test]
async fn an_enterprise_server_is_an_address() {
    let (mut outside, records) = as_app("/enterprise/key").await;
    outside.report_as(app("/enterprise/key"), "/api/v3/").await;
    let told = outside.report(&records).await;
    let calls = told.lines().filter(|it| it.contains("/repos/"));
    assert!(calls.clone().count() > 9, "{told}");
    for call in calls {
        assert!(call.contains(" /api/v3/repos/"), "{call}");
    }
    is_told(&outside, "success");
}

#[tokio::test]
async fn a_token_is_replaced_before_it_expires() {
    let (mut outside, records) = as_app("/expiring/key").await;
    outside
        .github
        .tokens_live_for(TimeDelta::minutes(5) + TimeDelta::seconds(2));
    for (place, expected) in [(0, 3), (1, 0), (2, 3)] {
        let told = outside.report(&records[..=1]).await;
        assert_eq!(of_credentials(&told).len(), expected, "{place}: {told}");
        if place == 1 {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }
    is_told(&outside, "pending");
}

#[tokio::test]
async fn a_key_is_rotated_while_all_goes_on() {
    let (mut outside, records) = as_app("/rotated/key").await;
    outside.report(&records[..1]).await;
    let newer = App::COUPLET_WITH_NEWER_KEY;
    outside.put_secret("/rotated/key", newer.key).await;
    outside.github.install(newer, REPOSITORY);
    outside.github.take_back_tokens();
    let told = outside.report(&records).await;
    assert_eq!(of_credentials(&told).len(), 3, "{told}");
    is_told(&outside, "success");
}

#[tokio::test]
async fn a_token_that_is_wrong_is_read_again_and_refused_only_once() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let records = outside.records().await;
    let parameter = "/wrong/token".to_owned();
    outside.put_secret(&parameter, "ghp_outdated").await;
    let identity = Identity::Token { parameter };
    outside.report_as(identity, "").await;
    let told = outside.report(&records).await;
    let words =
        "GitHub does not take the token in the parameter /wrong/token: GitHub answered GET ";
    assert!(told.lines().next().unwrap().contains(words), "{told}");
    assert_eq!(told.matches("SSM.GetParameter").count(), 2, "{told}");
    assert_eq!(told.matches("\nGET /repos").count(), 1, "{told}");
    assert!(!told.contains("ghp_"), "{told}");

    // A person stores a good one, with the line break of their file.
    let token = outside::TOKEN;
    outside
        .put_secret("/wrong/token", &format!("{token}\n"))
        .await;
    outside.report(&records).await;
    is_told(&outside, "success");
}

#[tokio::test]
async fn an_app_that_gets_no_token_says_why_and_nothing_is_set_aside() {
    let (mut outside, records) = as_app("/without/key").await;
    let newer = App::COUPLET_WITH_NEWER_KEY.key;
    for (secret, words) in [
        (
            "-----BEGIN",
            "the parameter /without/key does not hold the key of a GitHub App: it is not a private key in PEM",
        ),
        (
            newer,
            "401 Unauthorized: {\"message\":\"A JSON web token could not be decoded\"",
        ),
    ] {
        outside.put_secret("/without/key", secret).await;
        let told = outside.report(&records).await;
        let first = told.lines().next().unwrap();
        assert!(
            first.starts_with("fails: ") && first.contains(words),
            "{first}"
        );
    }
    outside.put_secret("/without/key", App::COUPLET.key).await;
    let elsewhere = outside.github.clone();
    elsewhere.add_commit("acme/other", &sha('a'), "one");
    let mut other = records[..1].to_vec();
    other[0]["dynamodb"]["NewImage"]["github_repository"]["S"] = "acme/other".into();
    let told = outside.report(&other).await;
    let words = "the GitHub App 1234567 gets no token for acme/other (it must be installed there and may write commit statuses and deployments): GitHub answered GET /repos/acme/other/installation with 404 Not Found";
    assert!(told.lines().next().unwrap().contains(words), "{told}");
    assert_eq!(outside.failures().await, [Value::Null; 0]);
    outside.report(&records).await;
    is_told(&outside, "success");
}

#[tokio::test]
async fn a_limit_on_making_tokens_is_a_limit() {
    let (mut outside, _) = as_app("/limited/key").await;
    let pushed = outside.push('b', LIVES).await;
    outside.rollout(pushed).await;
    let records = outside.records().await;
    let enough = local::github::Failure::SecondaryLimit { retry_after: 60 };
    outside.github.fail_next(enough, 1);
    let told = outside.report(&records).await;
    assert!(
        told.lines()
            .next()
            .unwrap()
            .ends_with("GitHub asks to be left alone until <time>"),
        "{told}"
    );
    assert_eq!(told.matches("\nGET /repos").count(), 1, "{told}");
}
