//! The whole of `rollout`: an event in, and every call that it makes.

mod outside;

use functions::rollout::handle;
use outside::{CRASHES, LIVES, Outside, REPOSITORY, key, request, sha};
use serde_json::{Value, json};

#[tokio::test]
async fn a_first_push_is_rolled_out_and_its_tag_names_the_commit() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    insta::assert_snapshot!(outside.rollout(pushed).await);
    assert_eq!(outside.history().await, ["aaaaaaa Deploying"]);
}

#[tokio::test]
async fn the_image_is_asked_for_the_commit_that_the_tag_does_not_name() {
    let mut outside = Outside::start().await;
    let pushed = outside.push_as("main-17", 'a', LIVES).await;
    insta::assert_snapshot!(outside.rollout(pushed).await);
    let release = outside.in_flight().await.release;
    assert_eq!(release.commit.unwrap().as_str(), sha('a'));
}

#[tokio::test]
async fn of_an_index_only_the_tagged_event_is_a_rollout() {
    let mut outside = Outside::start().await;
    let mut events = outside.push_index("main-17", 'a').await;
    let index = events.pop().unwrap();
    assert_eq!(events.len(), 4);
    for child in events {
        let told = outside.rollout(child).await;
        let expected =
            "answers [{\"ignored\":\"an untagged part of a multi-architecture push\"}]\n";
        assert_eq!(told, expected);
    }
    let told = outside.rollout(index).await;
    insta::assert_snapshot!(Outside::operations(&told).join("\n"));
    assert_eq!(outside.history().await, ["aaaaaaa Deploying"]);
}

/// What a rollout costs is what it asks. The numbers are explained in docs/performance.md.
#[tokio::test]
async fn a_rollout_asks_no_more_than_it_must() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let index = outside.push_index(&format!("main-{}", sha('b')), 'b').await;
    let told = outside.rollout(index.last().unwrap().clone()).await;
    let mut asked = Outside::operations(&told);
    let updated = asked.iter().position(|it| *it == "ECS.UpdateService");
    asked.truncate(updated.unwrap() + 1);
    let count = |service: &str| asked.iter().filter(|it| it.starts_with(service)).count();
    let counted = (count("ECS."), count("ECR."), count("DynamoDB."));
    assert_eq!(counted, (4, 2, 3), "{asked:#?}");
}

#[tokio::test]
async fn an_image_waits_for_its_scan_and_is_refused_for_what_it_finds() {
    let mut outside = Outside::start_with(|beginning| {
        beginning.target["max_severity"] = json!({ "S": "HIGH" });
    })
    .await;
    let scanned = |findings: Value| {
        json!({
            "imageScanStatus": { "status": "COMPLETE" },
            "imageScanFindingsSummary": { "findingSeverityCounts": findings },
        })
    };
    let mut scan = json!({ "source": "aws.ecr", "detail-type": "ECR Image Scan" });

    let pushed = outside.push('a', LIVES).await;
    let told = outside.rollout(pushed.clone()).await;
    assert!(told.contains("it waits for the image's scan"), "{told}");
    assert!(Outside::writes(&told).is_empty(), "{told}");
    outside.recorder.scanned(scanned(json!({ "HIGH": 1 })));
    scan["detail"] = json!({
        "repository-name": pushed["detail"]["repository-name"],
        "image-digest": pushed["detail"]["image-digest"],
        "image-tags": [pushed["detail"]["image-tag"]],
    });
    outside.rollout(scan.clone()).await;
    assert_eq!(outside.history().await, ["aaaaaaa Deploying"]);

    let pushed = outside.push('b', LIVES).await;
    outside.recorder.scanned(scanned(json!({ "CRITICAL": 2 })));
    let told = outside.rollout(pushed.clone()).await;
    assert!(told.contains("2 CRITICAL, and at most HIGH"), "{told}");
    // What is on its way goes on.
    assert_eq!(
        outside.history().await,
        ["bbbbbbb failed", "aaaaaaa Deploying"]
    );
    let completed = outside.completed().await;
    outside.verdict(completed).await;
    assert_eq!(
        outside.history().await,
        ["bbbbbbb failed", "aaaaaaa succeeded"]
    );

    let told = outside.rollout(pushed).await;
    assert!(told.contains("this release failed before"), "{told}");
    let records = outside.records().await;
    outside.report(&records).await;
    let told = &outside.github.statuses(REPOSITORY, &sha('b'))[0];
    let expected = "Failed: the image's scan found 2 CRITICAL, and at most HIGH is let through";
    assert_eq!(told.description.as_deref(), Some(expected));
}

#[tokio::test]
async fn of_an_index_the_images_in_it_are_scanned() {
    let mut outside = Outside::start_with(|beginning| {
        beginning.target["max_severity"] = json!({ "S": "HIGH" });
    })
    .await;
    let index = outside.push_index("main-17", 'a').await.pop().unwrap();
    let told = outside.rollout(index.clone()).await;
    assert!(told.contains("it waits for the image's scan"), "{told}");
    outside.recorder.scanned(json!({
        "imageScanStatus": { "status": "COMPLETE" },
        "imageScanFindingsSummary": { "findingSeverityCounts": { "CRITICAL": 1 } },
    }));
    let told = outside.rollout(index).await;
    // One in each of the two.
    assert!(told.contains("2 CRITICAL, and at most HIGH"), "{told}");
}

#[tokio::test]
async fn a_push_that_is_heard_twice_is_rolled_out_once() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside.rollout(pushed.clone()).await;
    insta::assert_snapshot!(outside.rollout(pushed).await);
}

#[tokio::test]
async fn a_second_tag_of_an_image_is_no_second_rollout() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let pushed = outside.push_as("main-again", 'a', LIVES).await;
    insta::assert_snapshot!(outside.rollout(pushed).await);
}

#[tokio::test]
async fn an_older_image_stays_where_it_is() {
    let mut outside = Outside::start().await;
    let older = outside.push('a', LIVES).await;
    outside.live('b').await;
    insta::assert_snapshot!(outside.rollout(older).await);
}

#[tokio::test]
async fn a_tag_that_has_moved_on_is_left_to_its_own_event() {
    let mut outside = Outside::start().await;
    let first = outside.push_as("main-17", 'a', LIVES).await;
    let second = outside.push_as("main-17", 'b', LIVES).await;
    insta::assert_snapshot!(outside.rollout(first).await);
    outside.rollout(second).await;
    assert_eq!(outside.history().await, ["bbbbbbb Deploying"]);
}

#[tokio::test]
async fn a_tag_that_nobody_follows_costs_one_question() {
    let mut outside = Outside::start().await;
    let pushed = outside.push_as("pr-17", 'a', LIVES).await;
    insta::assert_snapshot!(outside.rollout(pushed).await);
}

#[tokio::test]
async fn a_newer_push_supersedes_what_is_in_flight_in_the_same_transaction() {
    let mut outside = Outside::start_with(|beginning| {
        // No task ever becomes healthy.
        beginning.pace.healthy_after = u32::MAX;
    })
    .await;
    let older = outside.push('a', LIVES).await;
    let newer = outside.push('b', LIVES).await;
    outside.rollout(older).await;
    outside.task_is("RUNNING").await;
    insta::assert_snapshot!(outside.rollout(newer).await);
    let history = ["bbbbbbb Deploying", "aaaaaaa superseded"];
    assert_eq!(outside.history().await, history);
}

#[tokio::test]
async fn what_was_superseded_while_it_was_deployed_gives_way() {
    let mut outside = Outside::start().await;
    let older = outside.push('a', LIVES).await;
    let newer = outside.push('b', LIVES).await;

    let held = outside.recorder.hold("ECS.UpdateService");
    let clients = outside.rollout.clone();
    let late = tokio::spawn(async move { handle(&clients, older).await });
    held.arrived.await.unwrap();
    outside.rollout(newer).await;
    held.let_go.send(()).unwrap();
    let outcome = late.await.unwrap();

    insta::assert_snapshot!(outside.told(outcome));
    assert!(outside.running_image().await.ends_with("@<image b>"));
    let history = ["bbbbbbb Deploying", "aaaaaaa superseded"];
    assert_eq!(outside.history().await, history);
    let completed = outside.completed().await;
    outside.verdict(completed).await;
    assert_eq!(outside.history().await[0], "bbbbbbb succeeded");
}

#[tokio::test]
async fn what_it_goes_back_to_is_what_runs_when_the_service_is_updated() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let pushed = outside.push('b', CRASHES).await;

    // Between the look at the service and its update somebody begins a deployment, which completes.
    let held = outside.recorder.hold("ECS.UpdateService");
    let clients = outside.rollout.clone();
    let rolling = tokio::spawn(async move { handle(&clients, pushed).await });
    held.arrived.await.unwrap();
    let again = json!({ "cluster": "production", "service": "web", "forceNewDeployment": true });
    outside.ecs("UpdateService", again).await;
    let meanwhile = outside.deployment_event("COMPLETED").await;
    held.let_go.send(()).unwrap();
    rolling.await.unwrap().unwrap();

    let back = outside.in_flight().await.rolls_back_to.unwrap();
    assert_eq!(meanwhile["detail"]["deploymentId"], back.as_str());
    for name in ["FAILED", "COMPLETED"] {
        let event = outside.deployment_event(name).await;
        outside.verdict(event).await;
    }
    assert_eq!(outside.history().await[0], "bbbbbbb rolled_back");
}

#[tokio::test]
async fn a_bad_release_stays_out() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let bad = outside.push('b', CRASHES).await;
    outside.rollout(bad.clone()).await;
    for name in ["FAILED", "COMPLETED"] {
        let event = outside.deployment_event(name).await;
        outside.verdict(event).await;
    }
    let history = ["bbbbbbb rolled_back", "aaaaaaa succeeded"];
    assert_eq!(outside.history().await, history);
    insta::assert_snapshot!(outside.rollout(bad).await);
}

#[tokio::test]
async fn a_half_done_rollout_is_carried_on_once_it_was_left_for_long_enough() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    let denied = json!({ "__type": "AccessDeniedException", "message": "not you" });
    outside.recorder.answer("ECS.UpdateService", 400, denied);
    let told = outside.rollout(pushed.clone()).await;
    let expected = "fails: target web: cannot update the service production/web ";
    assert!(told.starts_with(expected), "{told}");
    assert_eq!(outside.history().await, ["aaaaaaa Claimed"]);

    let told = outside.rollout(pushed.clone()).await;
    let expected = r#"answers [{"target":"web","ignored":"this rollout is being carried out"}]"#;
    assert_eq!(told.lines().next(), Some(expected));
    assert!(Outside::writes(&told).is_empty(), "{told}");

    outside.set_back("claimed_at").await;
    let told = outside.rollout(pushed).await;
    insta::assert_snapshot!(Outside::operations(&told).join("\n"));
    assert_eq!(outside.history().await, ["aaaaaaa Deploying"]);
}

#[tokio::test]
async fn a_deployment_whose_answer_was_lost_is_adopted() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    let pushed = outside.push('b', LIVES).await;
    outside.recorder.lose_answer_of("ECS.UpdateService");
    let told = outside.rollout(pushed.clone()).await;
    assert!(told.starts_with("fails: "), "{told}");
    assert_eq!(outside.history().await[0], "bbbbbbb Claimed");
    outside.deployment_event("COMPLETED").await;

    outside.set_back("claimed_at").await;
    insta::assert_snapshot!(outside.rollout(pushed).await);
    assert_eq!(outside.history().await[0], "bbbbbbb Deploying");
}

#[tokio::test]
async fn a_registration_among_many_is_tried_again() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    outside.ecs.refuse_next_registrations(2);
    let told = outside.rollout(pushed).await;
    let expected = [
        "ECS.RegisterTaskDefinition",
        "ECS.RegisterTaskDefinition",
        "ECS.RegisterTaskDefinition",
        "DynamoDB.TransactWriteItems",
        "ECS.UpdateService",
        "DynamoDB.TransactWriteItems",
    ];
    assert_eq!(Outside::writes(&told), expected);
    assert_eq!(outside.history().await, ["aaaaaaa Deploying"]);
}

#[tokio::test]
async fn a_service_that_is_not_ours_to_roll_is_refused_before_anything_is_claimed() {
    let mut outside = Outside::start_with(|beginning| {
        beginning.service["deploymentController"] = json!({ "type": "CODE_DEPLOY" });
    })
    .await;
    let pushed = outside.push('a', LIVES).await;
    insta::assert_snapshot!(outside.rollout(pushed).await);
}

#[tokio::test]
async fn fields_that_nobody_has_heard_of_survive_at_every_depth() {
    let mut outside = Outside::start_with(|beginning| {
        let template = &mut beginning.template;
        template["inventedAtTheTop"] = json!({ "one": [1, { "two": null }] });
        let container = &mut template["containerDefinitions"][0];
        container["inventedInTheContainer"] = json!(true);
        container["logConfiguration"] =
            json!({ "logDriver": "awslogs", "inventedInTheLog": { "three": 3.5 } });
    })
    .await;
    let pushed = outside.push('a', LIVES).await;
    outside.rollout(pushed).await;

    let family = |name: &str| json!({ "taskDefinition": name });
    let registered = outside.ecs("DescribeTaskDefinition", family("web")).await;
    let template = outside
        .ecs("DescribeTaskDefinition", family("web-template"))
        .await;
    for field in [
        "/inventedAtTheTop",
        "/containerDefinitions/0/inventedInTheContainer",
        "/containerDefinitions/0/logConfiguration",
    ] {
        let [of_template, ours] =
            [&template, &registered].map(|answer| answer["taskDefinition"].pointer(field));
        assert!(of_template.is_some(), "{field} in {template}");
        assert_eq!(of_template, ours, "{field}");
    }
}

#[tokio::test]
async fn a_rollback_goes_to_the_release_before() {
    let mut outside = Outside::start().await;
    outside.live('a').await;
    outside.live('b').await;
    let detail = json!({ "action": "rollback", "target": "web", "by": "ada", "why": "it is slow" });
    let ask = request("a-request", detail);
    insta::assert_snapshot!(outside.rollout(ask.clone()).await);
    assert!(outside.running_image().await.ends_with("@<image a>"));

    let told = outside.rollout(ask).await;
    let expected = r#"answers [{"target":"web","ignored":"this release is on its way"}]"#;
    assert_eq!(told.lines().next(), Some(expected));
    assert!(Outside::writes(&told).is_empty(), "{told}");

    let newest = outside.ledger.head(&key()).await.unwrap().newest;
    assert_eq!(
        newest.unwrap().label(),
        "bbbbbbb",
        "a push of b stays known"
    );
}

#[tokio::test]
async fn a_request_for_an_unknown_target_is_an_error() {
    let mut outside = Outside::start().await;
    let detail = json!({ "action": "redeploy", "target": "api", "by": "ada" });
    let ask = request("a-request", detail);
    insta::assert_snapshot!(outside.rollout(ask).await);
}

#[tokio::test]
async fn a_malformed_event_is_an_error_and_no_call() {
    let mut outside = Outside::start().await;
    let mut push = outside.push('a', LIVES).await;
    push["detail"]["image-digest"] = json!("latest");
    let told = outside.rollout(push).await;
    let expected = "fails: malformed \"ECR Image Action\" event: image-digest: `latest` is not a sha256 digest\n";
    assert_eq!(told, expected);

    let told = outside.rollout(json!({ "Records": [] })).await;
    let expected = "fails: not an EventBridge event: missing field `detail-type`\n";
    assert_eq!(told, expected);
}

#[tokio::test]
async fn what_cannot_run_is_refused_before_ecs_is_touched() {
    let mut outside = Outside::start_with(|beginning| {
        beginning.template["runtimePlatform"] = json!({ "cpuArchitecture": "ARM64" });
    })
    .await;
    let pushed = outside.push('a', LIVES).await;
    let told = outside.rollout(pushed.clone()).await;
    let calls = Outside::writes(&told);
    assert_eq!(calls, ["DynamoDB.TransactWriteItems"], "{told}");
    assert_eq!(outside.history().await, ["aaaaaaa failed"]);
    let rollout = outside.ledger.history(&key(), 1).await.unwrap().remove(0);
    let why = "the image was built for amd64, and the template's tasks run on arm64";
    assert_eq!(rollout.reason.as_deref(), Some(why));

    let told = outside.rollout(pushed).await;
    assert!(told.contains("this release failed before"), "{told}");
}

#[tokio::test]
async fn what_cannot_run_leaves_alone_what_is_on_its_way() {
    let mut outside = Outside::start().await;
    let first = outside.push('a', LIVES).await;
    outside.rollout(first).await;
    let words = "Container.memory is not what it was.";
    for kind in ["ClientException", "InvalidParameterException"] {
        let refusal = json!({ "__type": kind, "message": words });
        outside
            .recorder
            .answer("ECS.RegisterTaskDefinition", 400, refusal);
    }
    for letter in ['b', 'c'] {
        let next = outside.push(letter, LIVES).await;
        let told = outside.rollout(next).await;
        let expected = format!("ECS refuses the task definition: {words}");
        assert!(told.lines().next().unwrap().contains(&expected), "{told}");
    }
    let history = ["ccccccc failed", "bbbbbbb failed", "aaaaaaa Deploying"];
    assert_eq!(outside.history().await, history);
    let completed = outside.completed().await;
    outside.verdict(completed).await;
    assert_eq!(outside.history().await[2], "aaaaaaa succeeded");
}

#[tokio::test]
async fn what_nobody_may_register_is_tried_again() {
    let mut outside = Outside::start().await;
    let pushed = outside.push('a', LIVES).await;
    let denied = json!({ "__type": "AccessDeniedException", "message": "not you" });
    outside
        .recorder
        .answer("ECS.RegisterTaskDefinition", 400, denied);
    let told = outside.rollout(pushed.clone()).await;
    let expected = "fails: target web: cannot register web: not you";
    assert!(told.starts_with(expected), "{told}");
    assert!(outside.history().await.is_empty());
    outside.rollout(pushed).await;
    assert_eq!(outside.history().await, ["aaaaaaa Deploying"]);
}
