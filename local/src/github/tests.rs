//! The real thing over loopback HTTP: what the API accepts, refuses and remembers.

use serde_json::json;

use super::caller::{Caller, OLDER, REPOSITORY, SHA};
use super::{CommitState, DeploymentState, GitHub};

#[tokio::test]
async fn statuses_are_listed_newest_first_and_combined() {
    let caller = Caller::new().await;
    for (state, context) in [
        ("pending", "couplet"),
        ("success", "couplet"),
        ("failure", "lint"),
    ] {
        let body = json!({ "state": state, "context": context });
        assert_eq!(
            caller.post(&format!("statuses/{SHA}"), body).await.status,
            201
        );
    }
    let listed = caller.get(&format!("commits/{SHA}/statuses")).await;
    assert_eq!(listed.all("state"), ["failure", "success", "pending"]);

    let combined = caller.get("commits/main/status").await.body;
    assert_eq!(
        (&combined["state"], &combined["total_count"]),
        (&json!("failure"), &json!(2))
    );
    assert_eq!(combined["statuses"][0]["context"], "lint");
    assert_eq!(combined["repository"]["full_name"], REPOSITORY);

    assert_eq!(caller.github.combined_status(REPOSITORY, SHA), "failure");
    let oldest = &caller.github.statuses(REPOSITORY, SHA)[0];
    assert_eq!(
        (oldest.state, oldest.context.as_str()),
        (CommitState::Pending, "couplet")
    );
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let caller = Caller::new().await;
    for n in 0..5 {
        let body = json!({ "state": "pending", "context": format!("c{n}") });
        caller.post(&format!("statuses/{SHA}"), body).await;
    }
    let path = format!("commits/{SHA}/statuses?per_page=2");
    let first = caller.get(&path).await;
    assert_eq!(first.all("context"), ["c4", "c3"]);
    let next = format!("<{}&page=2>; rel=\"next\"", caller.url(&path));
    assert!(
        first.header("link").starts_with(&next),
        "{}",
        first.header("link")
    );
    let last = caller.get(&format!("{path}&page=3")).await;
    assert_eq!(last.all("context"), ["c0"]);
}

#[tokio::test]
async fn only_whole_known_commits_take_a_status() {
    let caller = Caller::new().await;
    let unknown = "f".repeat(40);
    let answer = caller
        .post(
            &format!("statuses/{unknown}"),
            json!({ "state": "success" }),
        )
        .await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.body["message"],
        format!("No commit found for SHA: {unknown}")
    );

    let answer = caller
        .post("statuses/6dcb09b", json!({ "state": "success" }))
        .await;
    assert_eq!(
        answer.body,
        json!({
            "message": "Validation Failed",
            "errors": [{
                "resource": "Status",
                "code": "custom",
                "field": "sha",
                "message": "sha must be a 40 character SHA1",
            }],
            "documentation_url": "https://docs.github.com/rest/commits/statuses#create-a-commit-status",
            "status": "422",
        })
    );
    assert_eq!(caller.get("commits/6dcb09b").await.body["sha"], SHA);
    assert_eq!(caller.get(&format!("commits/{unknown}")).await.status, 422);
    assert_eq!(
        caller
            .get(&format!("commits/{unknown}/status"))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_deployment_is_found_or_created() {
    let caller = Caller::new().await;
    let search = format!("deployments?sha={SHA}&environment=staging%20eu");
    assert_eq!(caller.get(&search).await.body, json!([]));

    let asked = json!({
        "ref": SHA, "environment": "staging eu", "auto_merge": false, "required_contexts": [],
        "payload": { "rollout": "7" }, "description": "poems 1.2.0",
    });
    let made = caller.post("deployments", asked).await;
    assert_eq!(made.status, 201);
    assert!(made.body["id"].as_u64().unwrap() > u64::from(u32::MAX));
    assert_eq!(made.body["payload"], json!({ "rollout": "7" }));
    assert_eq!(made.body["production_environment"], false);

    let found = caller.get(&search).await;
    assert_eq!(found.body, json!([made.body]));
    let same = caller
        .get(&format!("deployments/{}", made.body["id"]))
        .await;
    assert_eq!(same.body, made.body);
    for other in [
        "sha=abc",
        "environment=production",
        "ref=main",
        "task=migrate",
    ] {
        assert_eq!(
            caller.get(&format!("deployments?{other}")).await.body,
            json!([]),
            "{other}"
        );
    }
}

#[tokio::test]
async fn a_deployment_of_a_red_or_old_commit_is_refused_unless_asked_for_so() {
    let caller = Caller::new().await;
    caller
        .post(
            &format!("statuses/{SHA}"),
            json!({ "state": "pending", "context": "ci" }),
        )
        .await;

    let red = caller.post("deployments", json!({ "ref": "main" })).await;
    assert_eq!(red.status, 409);
    assert_eq!(
        red.body["message"],
        "Conflict: Commit status checks failed for main."
    );
    assert_eq!(
        red.body["errors"][0]["contexts"],
        json!([{ "context": "ci", "state": "pending" }])
    );
    let lacking = json!({ "ref": "main", "required_contexts": ["other"] });
    assert_eq!(caller.post("deployments", lacking).await.status, 409);
    let anyway = json!({ "ref": "main", "required_contexts": [] });
    assert_eq!(caller.post("deployments", anyway).await.status, 201);

    let old = caller.post("deployments", json!({ "ref": OLDER })).await;
    assert_eq!(old.status, 409);
    assert_eq!(
        old.body["message"],
        format!("Conflict merging main into {OLDER}.")
    );
    let anyway = json!({ "ref": OLDER, "auto_merge": false });
    assert_eq!(caller.post("deployments", anyway).await.status, 201);

    let unknown = caller.post("deployments", json!({ "ref": "v9" })).await;
    assert_eq!(
        (unknown.status, &unknown.body["message"]),
        (422, &json!("No ref found for: v9"))
    );
}

#[tokio::test]
async fn deployment_statuses_are_listed_newest_first() {
    let caller = Caller::new().await;
    let made = caller.post("deployments", json!({ "ref": SHA })).await;
    let path = format!("deployments/{}/statuses", made.body["id"]);
    for state in ["queued", "in_progress", "success"] {
        let body = json!({ "state": state, "log_url": "https://board/1", "environment": "live" });
        let answer = caller.post(&path, body).await;
        assert_eq!(
            (answer.status, &answer.body["target_url"]),
            (201, &json!("https://board/1"))
        );
    }
    assert_eq!(
        caller.get(&path).await.all("state"),
        ["success", "in_progress", "queued"]
    );

    let deployment = &caller.github.deployments(REPOSITORY)[0];
    assert_eq!(deployment.state(), Some(DeploymentState::Success));
    assert_eq!(deployment.statuses[0].state, DeploymentState::Queued);
    assert_eq!(
        (&*deployment.original_environment, &*deployment.environment),
        ("production", "live")
    );

    assert_eq!(
        caller
            .post("deployments/7/statuses", json!({ "state": "success" }))
            .await
            .status,
        404
    );
    assert_eq!(caller.get("deployments/seven").await.status, 404);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let caller = Caller::new().await;
    let root = caller.get_at("/").await;
    assert_eq!(
        (root.status, root.body),
        (
            404,
            json!({
                "message": "Not Found",
                "documentation_url": "https://docs.github.com/rest",
                "status": "404",
            })
        )
    );
    for path in ["/repos/ada/prose/deployments", "/repos/ada/poems/issues"] {
        assert_eq!(caller.get_at(path).await.status, 404, "{path}");
    }
    assert_eq!(
        caller.get_at("/repos/Ada/Poems/deployments").await.status,
        200
    );
}

#[tokio::test]
async fn what_was_saved_is_there_after_a_restore() {
    let caller = Caller::new().await;
    caller
        .post(
            &format!("statuses/{SHA}"),
            json!({ "state": "success", "context": "couplet" }),
        )
        .await;
    caller
        .post(
            "deployments",
            json!({ "ref": SHA, "required_contexts": [] }),
        )
        .await;

    let second = GitHub::new("another token");
    second.restore(caller.github.save()).unwrap();

    assert_eq!(second.statuses(REPOSITORY, SHA).len(), 1);
    assert_eq!(second.combined_status(REPOSITORY, SHA), "success");
    assert_eq!(
        second.deployments(REPOSITORY),
        caller.github.deployments(REPOSITORY)
    );
    assert!(second.restore(json!({ "repositories": 1 })).is_err());
}

#[tokio::test]
async fn requests_are_remembered_as_they_came() {
    let caller = Caller::new().await;
    caller.get("deployments?sha=abc&page=2").await;
    caller
        .post("statuses/abc", json!({ "state": "success" }))
        .await;

    let lines: Vec<String> = caller
        .github
        .requests()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        lines,
        [
            "GET /repos/ada/poems/deployments?sha=abc&page=2",
            r#"POST /repos/ada/poems/statuses/abc {"state":"success"}"#,
        ]
    );
}

#[test]
fn a_commit_nobody_told_about_has_no_statuses() {
    let github = GitHub::new("token");
    assert!(github.statuses(REPOSITORY, SHA).is_empty());
    assert!(github.deployments(REPOSITORY).is_empty());
    assert_eq!(github.combined_status(REPOSITORY, SHA), "pending");
}
