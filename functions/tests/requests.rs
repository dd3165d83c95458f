//! What people ask for: holds, promotions, and releases whose image is gone.
#![expect(
    clippy::unwrap_used,
    reason = "a part of several tests, which clippy does not take for one"
)]

mod outside;

use chrono::Utc;
use functions::run;
use ledger::table::{Claim, Head};
use ledger::transition::Next;
use ledger::{Cause, Digest, Ledger, Rollout, Target, Verdict};
use outside::{LIVES, Outside, key, request};
use serde_json::{Value, json};

fn ask(id: &str, mut detail: Value) -> Value {
    detail["target"] = json!("web");
    detail["by"] = json!("ada");
    request(id, detail)
}

#[tokio::test]
async fn a_held_target_stays_as_it_is_and_gets_the_newest_when_it_is_released() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let held = json!({ "action": "hold", "why": "a sale" });
    let hold = ask("hold", held);
    insta::assert_snapshot!(outside.rollout(hold.clone()).await);

    for commit in ['b', 'c'] {
        let pushed = outside.push(commit, LIVES).await;
        let told = outside.rollout(pushed).await;
        assert!(told.contains("the target is held"), "{told}");
        assert!(Outside::writes(&told).is_empty(), "{told}");
    }
    assert_eq!(outside.history().await, ["aaaaaaa succeeded"]);
    let held = outside.ledger.head(&key()).await.unwrap().held.unwrap();
    assert_eq!(
        (held.by.as_str(), held.why.as_deref()),
        ("ada", Some("a sale"))
    );

    let release = ask("release", json!({ "action": "release" }));
    let told = outside.rollout(release.clone()).await;
    assert!(told.contains(r#""released":"ada""#), "{told}");
    let history = ["ccccccc Deploying", "aaaaaaa succeeded"];
    assert_eq!(outside.history().await, history);

    for late in [hold, release] {
        let told = outside.rollout(late).await;
        assert!(Outside::writes(&told).is_empty(), "{told}");
    }
    assert_eq!(outside.history().await, history);
    assert_eq!(outside.ledger.head(&key()).await.unwrap().held, None);
}

#[tokio::test]
async fn a_held_target_goes_back_when_somebody_asks() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    outside.live('b').await;
    let hold = ask("hold", json!({ "action": "hold" }));
    outside.rollout(hold).await;
    let rollback = ask("rollback", json!({ "action": "rollback" }));
    outside.rollout(rollback).await;
    assert_eq!(outside.history().await[0], "aaaaaaa Deploying");
    let completed = outside.completed().await;
    outside.verdict(completed).await;
    let head = outside.ledger.head(&key()).await.unwrap();
    assert!(head.held.is_some(), "a verdict does not release it");
}

/// Another target of the same repository, on which this image has ended with this verdict.
async fn staging(outside: &Outside, digest: &str, verdict: Verdict) {
    let staging = outside.add_target("staging").await;
    ended(&outside.ledger, &staging, digest, verdict).await;
}

/// A rollout of this image that has ended with this verdict.
async fn ended(ledger: &Ledger, staging: &Target, digest: &str, verdict: Verdict) {
    let release = ledger::Release {
        repository: staging.repository.clone(),
        digest: Digest::parse(digest).unwrap(),
        tag: "main-1".to_owned(),
        commit: None,
        pushed_at: Utc::now(),
    };
    let rollout = Rollout::claimed(staging, release, Cause::Push, Utc::now());
    let claim = Claim {
        by: digest,
        rollout: &rollout,
        head: &Head::default(),
        supersedes: None,
        outline: None,
    };
    let _ = ledger.claim(&claim).await.unwrap();
    let end = Next::End {
        verdict,
        reason: None,
    };
    let _ = ledger.apply(&rollout, &end, Utc::now()).await.unwrap();
}

#[tokio::test]
async fn what_runs_on_one_target_is_promoted_to_another() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let pushed = outside.push('b', LIVES).await;
    let digest = pushed["detail"]["image-digest"].as_str().unwrap();
    staging(&outside, digest, Verdict::Succeeded).await;

    let promote = json!({ "action": "promote", "from": "staging", "why": "it has run for a day" });
    let told = outside.rollout(ask("promote", promote)).await;
    assert!(told.contains(r#""deployment""#), "{told}");
    assert!(outside.running_image().await.ends_with("@<image b>"));
    let newest = outside.ledger.history(&key(), 1).await.unwrap();
    assert_eq!(newest[0].cause.to_string(), "promote by ada");
}

#[tokio::test]
async fn what_has_succeeded_in_another_installation_is_promoted_to_this_one() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let pushed = outside.push('b', LIVES).await;
    let digest = pushed["detail"]["image-digest"].as_str().unwrap();
    let (ledger, target) = outside.other_installation("web-staging").await;
    ended(&ledger, &target, digest, Verdict::Succeeded).await;
    let before = ledger.history(&target.key(), 9).await.unwrap();

    let promote = |id| ask(id, json!({ "action": "promote", "from": "web-staging" }));
    let told = outside.rollout(promote("too early")).await;
    let why = "fails: ada asks for the unknown target web-staging\n";
    assert!(told.starts_with(why), "{told}");

    let tables = format!("{}-web-staging,", outside.table);
    outside.rollout.other_ledgers = run::other_ledgers(&outside.ledger, &tables);
    let told = outside.rollout(promote("now")).await;
    assert!(told.contains(r#""deployment""#), "{told}");
    assert!(outside.running_image().await.ends_with("@<image b>"));
    let newest = outside.ledger.history(&key(), 1).await.unwrap().remove(0);
    assert_eq!(newest.cause.to_string(), "promote by ada");
    assert_ne!(newest.release.repository, target.repository);
    assert_eq!(ledger.history(&target.key(), 9).await.unwrap(), before);

    // What nobody has stays unknown, wherever it is looked for.
    let nowhere = json!({ "action": "promote", "from": "web-nowhere" });
    let told = outside.rollout(ask("nowhere", nowhere)).await;
    assert!(told.contains("unknown target web-nowhere"), "{told}");
}

#[tokio::test]
async fn what_failed_on_one_target_is_not_promoted() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let pushed = outside.push('b', LIVES).await;
    let digest = pushed["detail"]["image-digest"].as_str().unwrap();
    staging(&outside, digest, Verdict::RolledBack).await;

    let promote = json!({ "action": "promote", "from": "staging", "digest": digest });
    let told = outside.rollout(ask("promote", promote)).await;
    let why = "the release asked for has never succeeded on the target to promote from";
    assert!(told.contains(why), "{told}");
    assert_eq!(outside.history().await, ["aaaaaaa succeeded"]);

    let nameless = ask("nameless", json!({ "action": "promote" }));
    let told = outside.rollout(nameless).await;
    assert!(told.starts_with("fails: "), "{told}");
    assert!(told.contains("does not say `from` which target"), "{told}");
}

#[tokio::test]
async fn a_release_whose_image_is_gone_is_not_rolled_out() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    outside.live('b').await;
    outside.delete_image('a').await;
    let rollback = ask("rollback", json!({ "action": "rollback" }));
    let told = outside.rollout(rollback).await;
    let why = "the image is no longer in the target's repository";
    assert!(told.contains(why), "{told}");
    assert!(Outside::writes(&told).is_empty(), "{told}");
}
