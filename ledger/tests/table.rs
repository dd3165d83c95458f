//! The ledger against DynamoDB's API.
#![expect(
    clippy::unwrap_used,
    reason = "it is part of tests, which clippy does not see"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use ledger::table::{Claim, Head, Live, Outline, Raced, Targets};
use ledger::transition::Next;
use ledger::{
    Cause, DeploymentId, Digest, Ledger, Release, RevisionArn, Rollout, RolloutId, ServiceKey,
    Stage, Tasks, Told, Verdict,
};
use local::aws::Aws;
use local::ministack::Ministack;
use serde_json::{Value, json};

#[tokio::test]
async fn of_twenty_claims_on_one_head_exactly_one_wins() {
    let table = Table::new().await;
    let claims = (0..20).map(|number| {
        let ledger = table.ledger.clone();
        tokio::spawn(async move {
            let rollout = rollout(number);
            let raced = claim(&ledger, &rollout, &Head::default(), None).await;
            (rollout, raced)
        })
    });
    let mut winners = Vec::new();
    for claim in claims.collect::<Vec<_>>() {
        let (rollout, raced) = claim.await.unwrap();
        if raced == Raced::No {
            winners.push(rollout);
        }
    }
    let [winner] = winners.as_slice() else {
        panic!("{winners:#?}");
    };
    let head = table.head().await;
    assert_eq!(
        (head.version, &head.in_flight),
        (1, &Some(winner.id.clone()))
    );
    assert_eq!(table.history().await, winners);
}

#[tokio::test]
async fn one_push_claims_once_even_when_the_head_is_known() {
    let table = Table::new().await;
    let first = rollout(1);
    table.claim(&first, None).await;
    let again = Rollout {
        id: rollout(2).id,
        ..first.clone()
    };
    let raced = claim(&table.ledger, &again, &table.head().await, Some(&first)).await;
    assert_eq!(raced, Raced::Yes);
    assert_eq!(table.history().await, [first]);
}

#[tokio::test]
async fn a_verdict_is_given_once() {
    let table = Table::new().await;
    let open = rollout(1);
    table.claim(&open, None).await;
    table.end(&open, Verdict::Succeeded).await;
    let again = end(&table.ledger, &open, Verdict::TimedOut).await;
    assert_eq!(again, Raced::Yes);
    let ended = &table.history().await[0];
    assert_eq!(ended.verdict, Some(Verdict::Succeeded));
    assert_eq!(table.head().await.version, 2);
}

#[tokio::test]
async fn no_step_is_taken_after_the_verdict() {
    let table = Table::new().await;
    let open = rollout(1);
    table.claim(&open, None).await;
    table.end(&open, Verdict::TimedOut).await;
    let before = table.history().await;

    let ledger = &table.ledger;
    let counted = ledger
        .counted(
            &open,
            Tasks {
                running: 1,
                desired: 1,
            },
            at(9),
        )
        .await;
    assert_eq!(counted.unwrap(), Raced::Yes);
    let deployment = DeploymentId::parse("ecs-svc/1").unwrap();
    let deploying = ledger.deploying(&open, &deployment, None, at(9)).await;
    assert_eq!(deploying.unwrap(), Raced::Yes);
    let reason = "late".to_owned();
    let late = Next::Note { reason };
    assert_eq!(ledger.apply(&open, &late, at(9)).await.unwrap(), Raced::Yes);
    assert_eq!(table.history().await, before);
}

#[tokio::test]
async fn each_step_has_its_first_time() {
    let table = Table::new().await;
    let open = rollout(1);
    table.claim(&open, None).await;
    let ledger = &table.ledger;
    for (running, second) in [(0, 3), (1, 4), (2, 5)] {
        let tasks = Tasks {
            running,
            desired: 2,
        };
        let counted = ledger.counted(&open, tasks, at(second)).await;
        assert_eq!(counted.unwrap(), Raced::No);
    }
    table.end(&open, Verdict::Succeeded).await;
    let told = |state: &str, second| Told {
        deployment: 7,
        state: state.to_owned(),
        at: at(second),
        trace: None,
    };
    let queued = ledger.told(&open, &told("queued", 8)).await;
    assert_eq!(queued.unwrap(), Raced::No);
    let told = [told("success", 9), told("success", 10)];
    for (told, raced) in told.iter().zip([Raced::No, Raced::Yes]) {
        assert_eq!(ledger.told(&open, told).await.unwrap(), raced);
    }

    let rollout = &table.history().await[0];
    assert_eq!(rollout.first_task_at, Some(at(4)));
    assert_eq!(
        rollout.tasks,
        Some(Tasks {
            running: 2,
            desired: 2
        })
    );
    assert_eq!(
        (rollout.verdict, &rollout.told),
        (Some(Verdict::Succeeded), &Some(told[0].clone()))
    );
}

#[tokio::test]
async fn github_is_left_alone_for_as_long_as_anybody_was_told_to() {
    let ledger = Table::new().await.ledger;
    assert_eq!(ledger.github_left_alone_until().await.unwrap(), None);
    for (told, expected) in [(5, 5), (9, 9), (7, 9)] {
        ledger.leave_github_alone(at(told)).await.unwrap();
        let until = ledger.github_left_alone_until().await.unwrap();
        assert_eq!(until, Some(at(expected)), "{told}");
    }
}

#[tokio::test]
async fn a_newer_claim_ends_the_older_rollout_with_it() {
    let table = Table::new().await;
    let (older, newer) = (rollout(1), rollout(2));
    table.claim(&older, None).await;
    table.claim(&newer, Some(&older)).await;

    let history = table.history().await;
    assert_eq!(history[0], newer);
    let superseded = Rollout {
        stage: Stage::Ended,
        verdict: Some(Verdict::Superseded),
        reason: Some("by main-2".to_owned()),
        ended_at: newer.registered_at,
        ..older
    };
    assert_eq!(history[1], superseded);
    let head = table.head().await;
    assert_eq!((head.version, head.in_flight), (2, Some(newer.id)));
}

#[tokio::test]
async fn a_newer_claim_leaves_a_verdict_alone_and_writes_nothing() {
    let table = Table::new().await;
    let (older, newer) = (rollout(1), rollout(2));
    table.claim(&older, None).await;
    let head = table.head().await;
    table.end(&older, Verdict::Succeeded).await;
    let before = (table.head().await, table.history().await);

    // Whoever knows the old head loses by it; whoever knows the new one still may not end the older rollout again.
    for head in [&head, &before.0] {
        let raced = claim(&table.ledger, &newer, head, Some(&older)).await;
        assert_eq!(raced, Raced::Yes);
    }
    assert_eq!((table.head().await, table.history().await), before);
    table.claim(&newer, None).await;
}

#[tokio::test]
async fn a_success_becomes_what_is_live_and_nothing_else_does() {
    let table = Table::new().await;
    let (first, second) = (rollout(1), rollout(2));
    table.claim(&first, None).await;
    table.end(&first, Verdict::Succeeded).await;
    table.claim(&second, None).await;
    table.end(&second, Verdict::RolledBack).await;

    let head = table.head().await;
    assert_eq!(head.in_flight, None);
    assert_eq!(head.newest, Some(second.release));
    assert!(first.revision.is_some() && first.deployment.is_some());
    assert_eq!(head.live, Some(Live::of(&first)));
}

#[tokio::test]
async fn what_is_in_a_task_definition_is_written_with_its_claim_or_not_at_all() {
    let table = Table::new().await;
    let outline = Outline::from([("cpu".to_owned(), "256".to_owned())]);
    let (first, second) = (rollout(1), rollout(2));
    let head = table.head().await;
    for (rollout, raced) in [(&first, Raced::No), (&second, Raced::Yes)] {
        let claim = Claim {
            by: rollout.release.digest.as_str(),
            rollout,
            head: &head,
            supersedes: None,
            outline: Some(&outline),
        };
        assert_eq!(table.ledger.claim(&claim).await.unwrap(), raced);
        let written = table.ledger.outline(&key(), &rollout.id).await.unwrap();
        assert_eq!(written.is_some(), raced == Raced::No);
    }
}

#[tokio::test]
async fn what_is_refused_supersedes_nothing_and_only_a_push_is_the_newest() {
    let table = Table::new().await;
    let (open, pushed, mut asked) = (rollout(1), rollout(2), rollout(3));
    table.claim(&open, None).await;
    asked.cause = Cause::Request {
        action: "promote".to_owned(),
        by: "ada".to_owned(),
        why: None,
    };
    for rollout in [pushed, asked].map(|it| it.refused("it cannot run".to_owned())) {
        let claim = Claim {
            by: rollout.release.digest.as_str(),
            rollout: &rollout,
            head: &table.head().await,
            supersedes: None,
            outline: None,
        };
        assert_eq!(table.ledger.refuse(&claim).await.unwrap(), Raced::No);
        assert_eq!(table.history().await[0], rollout);
    }
    let head = table.head().await;
    assert_eq!(head.in_flight, Some(open.id.clone()));
    assert_eq!(head.newest, Some(rollout(2).release));
    assert_eq!(table.history().await[2], open);
}

#[tokio::test]
async fn what_was_asked_for_is_not_the_newest_push() {
    let table = Table::new().await;
    let (pushed, mut asked) = (rollout(2), rollout(1));
    table.claim(&pushed, None).await;
    asked.id = rollout(3).id;
    asked.cause = Cause::Request {
        action: "rollback".to_owned(),
        by: "ada".to_owned(),
        why: None,
    };
    table.claim(&asked, Some(&pushed)).await;
    assert_eq!(table.head().await.newest, Some(pushed.release));
}

#[tokio::test]
async fn history_is_newest_first() {
    let table = Table::new().await;
    let mut open = None;
    for number in [1, 2, 3, 10] {
        let next = rollout(number);
        table.claim(&next, open.as_ref()).await;
        open = Some(next);
    }
    let ids = |rollouts: &[Rollout]| rollouts.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
    let expected = [10, 3, 2, 1].map(|number| rollout(number).id);
    assert_eq!(ids(&table.history().await), expected);
    let two = table.ledger.history(&key(), 2).await.unwrap();
    assert_eq!(ids(&two), expected[..2]);

    let (first, more) = table.ledger.older(&key(), None, 2).await.unwrap();
    assert_eq!(
        (&ids(&first)[..], more),
        (&expected[..2], expected.len() > 2)
    );
    let last = &first[1].id;
    let (rest, more) = table.ledger.older(&key(), Some(last), 100).await.unwrap();
    assert_eq!((&ids(&rest)[..], more), (&expected[2..], false));
}

#[tokio::test]
async fn only_followers_follow_however_many_pages_there_are() {
    let table = Table::new().await;
    // Of so much DynamoDB answers a page at a time, and a page holds 1 MB.
    let address = format!("https://example.com/{}", "x".repeat(150_000));
    for number in 0..10 {
        let mut target = target("web", &format!("eu-{number}"));
        target["environment_url"] = json!({ "S": address });
        table.put(target).await;
    }
    for other in ["web-api", "we", "team/web", "web/eu"] {
        table.put(target(other, &other.replace('/', "-"))).await;
    }

    let followers = table.ledger.followers("web").await.unwrap().readable;
    assert_eq!(followers.len(), 10);
    assert!(followers.iter().all(|it| it.repository == "web"));
    let api = table.ledger.followers("web-api").await.unwrap();
    assert_eq!(api.readable.len(), 1);
    assert_eq!(
        table.ledger.followers("w").await.unwrap(),
        Targets::default()
    );
    let all = table.ledger.targets().await.unwrap();
    assert_eq!((all.readable.len(), all.malformed.len()), (14, 0));
}

#[tokio::test]
async fn a_malformed_target_is_named_and_keeps_no_other_back() {
    let table = Table::new().await;
    let mut unknown = target("web", "eu");
    unknown["tag_policy"]["M"]["kind"] = json!({ "S": "newest" });
    table.put(unknown).await;
    let mut nowhere = target("web", "us");
    nowhere["cluster"] = json!({ "S": "" });
    table.put(nowhere).await;
    table.put(target("web", "world")).await;

    let found = table.ledger.followers("web").await.unwrap();
    assert_eq!(found.readable.len(), 1);
    let [first, second] = &found.malformed[..] else {
        panic!("{:?}", found.malformed);
    };
    let expected = "the ledger's item targets web#eu is malformed: ";
    assert!(first.starts_with(expected), "{first}");
    assert!(first.contains("newest"), "{first}");
    assert_eq!(
        second,
        "the ledger's item targets web#us is malformed: its `cluster` is empty"
    );
}

/// A table of one test.
struct Table {
    aws: Aws,
    name: String,
    ledger: Ledger,
}

impl Table {
    async fn new() -> Table {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("ledger-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let ministack = Ministack::shared_for_tests().await;
        ministack.create_ledger_table(&name).await.unwrap();
        Table {
            aws: ministack.aws(),
            ledger: local::site::ledger(ministack.url(), &name),
            name,
        }
    }

    async fn put(&self, item: Value) {
        let put = json!({ "TableName": self.name, "Item": item });
        self.aws
            .json("DynamoDB_20120810.PutItem", put)
            .await
            .unwrap();
    }

    async fn head(&self) -> Head {
        self.ledger.head(&key()).await.unwrap()
    }

    async fn history(&self) -> Vec<Rollout> {
        self.ledger.history(&key(), 100).await.unwrap()
    }

    /// Claims, and wins.
    async fn claim(&self, rollout: &Rollout, supersedes: Option<&Rollout>) {
        let head = self.head().await;
        let raced = claim(&self.ledger, rollout, &head, supersedes).await;
        assert_eq!(raced, Raced::No);
    }

    /// Gives the verdict, and is the first to do so.
    async fn end(&self, rollout: &Rollout, verdict: Verdict) {
        let raced = end(&self.ledger, rollout, verdict).await;
        assert_eq!(raced, Raced::No);
    }
}

async fn claim(
    ledger: &Ledger,
    rollout: &Rollout,
    head: &Head,
    supersedes: Option<&Rollout>,
) -> Raced {
    let claim = Claim {
        by: rollout.release.digest.as_str(),
        rollout,
        head,
        supersedes,
        outline: None,
    };
    ledger.claim(&claim).await.unwrap()
}

async fn end(ledger: &Ledger, rollout: &Rollout, verdict: Verdict) -> Raced {
    let end = Next::End {
        verdict,
        reason: None,
    };
    ledger.apply(rollout, &end, at(9)).await.unwrap()
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

fn key() -> ServiceKey {
    ServiceKey::new("production", "web")
}

/// The rollout of the release of this number, claimed in that second.
fn rollout(number: i64) -> Rollout {
    let digest = Digest::parse(&format!("sha256:{number:064x}")).unwrap();
    Rollout {
        id: RolloutId::new(at(number), &digest),
        target: "web".to_owned(),
        service: key(),
        environment: "production".to_owned(),
        github_repository: "acme/web".to_owned(),
        environment_url: None,
        release: Release {
            repository: "web".to_owned(),
            digest,
            tag: format!("main-{number}"),
            commit: None,
            pushed_at: at(number),
        },
        cause: Cause::Push,
        request: None,
        stage: Stage::Claimed,
        revision: RevisionArn::parse("arn:aws:ecs:us-east-1:1:task-definition/web:7").ok(),
        deployment: DeploymentId::parse("ecs-svc/1").ok(),
        rolls_back_to: None,
        reason: None,
        verdict: None,
        heard_at: None,
        claimed_at: at(number),
        registered_at: Some(at(number) + TimeDelta::milliseconds(200)),
        deployed_at: None,
        first_task_at: None,
        tasks: None,
        failing_at: None,
        ended_at: None,
        deadline: at(number) + TimeDelta::seconds(900),
        told: None,
    }
}

/// A target's item as Terraform writes it.
fn target(repository: &str, name: &str) -> Value {
    let text = |text: &str| json!({ "S": text });
    json!({
        "pk": text("targets"),
        "sk": text(&format!("{repository}#{name}")),
        "name": text(name),
        "environment": text("production"),
        "repository": text(repository),
        "cluster": text("production"),
        "service": text(name),
        "container": text("web"),
        "template": text("web-template"),
        "family": text("web"),
        "github_repository": text("acme/web"),
        "deadline_seconds": { "N": "900" },
        "first_count": { "N": "1" },
        "tag_policy": { "M": { "kind": text("glob"), "pattern": text("main-*") } },
    })
}
