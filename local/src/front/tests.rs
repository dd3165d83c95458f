mod completed;

use super::*;
use crate::event::Receiver;
use crate::image::tests::small;
use crate::image::{self, CONFIG, INDEX, MANIFEST, push_index};
use crate::ministack::Ministack;

/// A front before the shared ministack, with a repository of its own.
struct Fixture {
    front: Front,
    aws: Aws,
    events: Receiver,
    repository: &'static str,
    _work_dir: tempfile::TempDir,
}

impl Fixture {
    async fn start(repository: &'static str) -> Fixture {
        let ministack = Ministack::shared_for_tests().await;
        let (events, receiver) = Events::channel();
        let work_dir = tempfile::tempdir().unwrap();
        let ecs = ecs::Controller::start(ecs::Settings {
            events: events.clone(),
            registry: ministack.url().to_owned(),
            task_environment: Vec::new(),
            work_dir: work_dir.path().to_owned(),
            pace: ecs::Pace::instant(),
        });
        let front = serve(FrontSettings {
            address: "127.0.0.1:0".parse().unwrap(),
            ministack_url: ministack.url().to_owned(),
            ecs: ecs.await.unwrap(),
            events,
            public_url: None,
            state_dir: None,
        })
        .await
        .unwrap();
        let aws = Aws::new(front.url());
        let fixture = Fixture {
            front,
            aws,
            events: receiver,
            repository,
            _work_dir: work_dir,
        };
        fixture.ecr("CreateRepository", json!({})).await.unwrap();
        fixture
    }

    async fn ecr(&self, operation: &str, mut body: Value) -> anyhow::Result<Value> {
        body["repositoryName"] = json!(self.repository);
        let target = format!("AmazonEC2ContainerRegistry_V20150921.{operation}");
        self.aws.json(&target, body).await
    }

    async fn push(&self, commit: &str, tag: &str) -> String {
        let image = small(commit, "arm64");
        image
            .push(self.front.url(), self.repository, tag)
            .await
            .unwrap()
            .digest
    }

    /// The details of the events until now.
    fn heard(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.events.try_recv().ok())
            .map(|mut event| event["detail"].take())
            .collect()
    }
}

#[tokio::test]
async fn a_push_is_one_event() {
    let mut fixture = Fixture::start("front-one").await;
    let digest = fixture.push("1f3c", "main-1f3c").await;

    let event = fixture.events.try_recv().unwrap();
    assert_eq!(event["source"], "aws.ecr");
    assert_eq!(event["detail-type"], "ECR Image Action");
    assert_eq!(event["resources"], json!([]));
    let detail = json!({
        "result": "SUCCESS",
        "repository-name": "front-one",
        "image-digest": digest,
        "action-type": "PUSH",
        "image-tag": "main-1f3c",
        "manifest-media-type": MANIFEST,
        "artifact-media-type": CONFIG,
    });
    assert_eq!(event["detail"], detail);
    assert!(fixture.heard().is_empty());
}

#[tokio::test]
async fn a_second_tag_is_a_second_event_and_the_same_push_again_is_none() {
    let mut fixture = Fixture::start("front-again").await;
    for tag in ["main-1", "main-1", "live"] {
        fixture.push("1f3c", tag).await;
    }
    let heard = fixture.heard();
    let tags: Vec<&Value> = heard.iter().map(|it| &it["image-tag"]).collect();
    assert_eq!(tags, ["main-1", "live"]);
}

#[tokio::test]
async fn an_index_comes_after_its_children() {
    let mut fixture = Fixture::start("front-index").await;
    let images = [small("1f3c", "amd64"), small("1f3c", "arm64")];
    let url = fixture.front.url().to_owned();
    let pushed = push_index(&url, "front-index", "v1", &images)
        .await
        .unwrap();

    let heard = fixture.heard();
    let (index, children) = heard.split_last().unwrap();
    let digests: Vec<&Value> = children.iter().map(|it| &it["image-digest"]).collect();
    assert_eq!(digests, pushed.children.iter().collect::<Vec<_>>());
    assert_eq!(digests.len(), 4);
    for child in children {
        assert_eq!(child["image-tag"], "");
        assert_eq!(child["artifact-media-type"], CONFIG);
    }
    assert_eq!(index["image-digest"], pushed.digest);
    assert_eq!(index["image-tag"], "v1");
    assert_eq!(index["manifest-media-type"], INDEX);
    assert_eq!(index.get("artifact-media-type"), None);
}

#[tokio::test]
async fn an_index_without_its_children_is_refused() {
    let mut fixture = Fixture::start("front-orphan").await;
    let child = image::digest(b"never pushed");
    let index =
        json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [{ "digest": child }] });

    let url = format!("{}/v2/front-orphan/manifests/v1", fixture.front.url());
    let request = http().put(url).header("content-type", INDEX);
    let answer = request.body(index.to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["errors"][0]["code"], "MANIFEST_BLOB_UNKNOWN");

    let put = json!({ "imageManifest": index.to_string(), "imageTag": "v1" });
    let error = fixture.ecr("PutImage", put).await.unwrap_err().to_string();
    assert!(
        error.contains("ReferencedImagesNotFoundException") && error.contains(&child),
        "{error}"
    );
    assert!(fixture.heard().is_empty());
}

#[tokio::test]
async fn put_image_gives_an_image_another_tag_once() {
    let mut fixture = Fixture::start("front-retag").await;
    let digest = fixture.push("1f3c", "main-1f3c").await;
    let ids = json!({ "imageIds": [{ "imageTag": "main-1f3c" }] });
    let images = fixture.ecr("BatchGetImage", ids).await.unwrap();
    let put = json!({ "imageManifest": images["images"][0]["imageManifest"], "imageTag": "v1" });
    fixture.heard();

    let image = fixture.ecr("PutImage", put.clone()).await.unwrap();
    assert_eq!(
        image["image"]["imageId"],
        json!({ "imageDigest": digest, "imageTag": "v1" })
    );
    assert_eq!(fixture.heard()[0]["image-tag"], "v1");

    let error = fixture.ecr("PutImage", put).await.unwrap_err().to_string();
    assert!(error.contains("ImageAlreadyExistsException"), "{error}");
    assert!(fixture.heard().is_empty());
}

#[tokio::test]
async fn the_configuration_can_be_fetched_from_the_download_url() {
    let fixture = Fixture::start("front-blob").await;
    fixture.push("1f3c", "main-1f3c").await;
    let ids = json!({ "imageIds": [{ "imageTag": "main-1f3c" }] });
    let images = fixture.ecr("BatchGetImage", ids).await.unwrap();
    let manifest = images["images"][0]["imageManifest"].as_str().unwrap();
    let manifest: Value = serde_json::from_str(manifest).unwrap();

    let layer = json!({ "layerDigest": manifest["config"]["digest"] });
    let answer = fixture.ecr("GetDownloadUrlForLayer", layer).await.unwrap();
    let url = answer["downloadUrl"].as_str().unwrap();
    let config: Value = http().get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(config["config"]["Labels"][image::REVISION], "1f3c");

    let nobody = json!({ "layerDigest": image::digest(b"never pushed") });
    let error = fixture
        .ecr("GetDownloadUrlForLayer", nobody)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("LayersNotFoundException"),
        "{error}"
    );
}

#[tokio::test]
async fn details_order_two_pushes_of_one_second() {
    let fixture = Fixture::start("front-details").await;
    let older = fixture.push("1f3c", "main-1f3c").await;
    let newer = fixture.push("9b2e", "main-9b2e").await;

    let ids = json!({ "imageIds": [{ "imageDigest": older }, { "imageTag": "main-9b2e" }] });
    let details = fixture.ecr("DescribeImages", ids).await.unwrap();
    let [first, second] = [&details["imageDetails"][0], &details["imageDetails"][1]];
    assert_eq!(second["imageDigest"], newer);
    assert!(
        first["imagePushedAt"].as_f64() < second["imagePushedAt"].as_f64(),
        "{details}"
    );

    let unknown = json!({ "imageIds": [{ "imageTag": "main-1f3c" }, { "imageTag": "none" }] });
    let error = fixture.ecr("DescribeImages", unknown).await.unwrap_err();
    assert!(
        error.to_string().contains("ImageNotFoundException"),
        "{error}"
    );
}

#[tokio::test]
async fn a_deleted_image_is_an_event_and_can_be_pushed_again() {
    let mut fixture = Fixture::start("front-delete").await;
    let digest = fixture.push("1f3c", "main-1f3c").await;
    let ids = json!({ "imageIds": [{ "imageDigest": digest }] });
    fixture.ecr("BatchDeleteImage", ids).await.unwrap();
    fixture.push("1f3c", "main-1f3c").await;

    let heard = fixture.heard();
    let actions: Vec<&Value> = heard.iter().map(|it| &it["action-type"]).collect();
    assert_eq!(actions, ["PUSH", "DELETE", "PUSH"]);
}

#[tokio::test]
async fn put_events_queues_what_is_ours_to_say() {
    let mut fixture = Fixture::start("front-events").await;
    let entry = |source: &str| json!({ "Source": source, "DetailType": "t", "Detail": "{}" });
    let entries = json!({ "Entries": [entry("aws.ecr"), entry("couplet")] });
    let answer = fixture
        .aws
        .json("AWSEvents.PutEvents", entries)
        .await
        .unwrap();

    assert_eq!(answer["FailedEntryCount"], 1);
    let refused = &answer["Entries"][0];
    assert_eq!(refused["ErrorCode"], "NotAuthorizedForSourceException");
    let event = fixture.events.try_recv().unwrap();
    assert_eq!(event["source"], "couplet");
    assert_eq!(event["id"], answer["Entries"][1]["EventId"]);
    assert!(fixture.heard().is_empty());
}

#[tokio::test]
async fn what_is_not_ours_passes_whole() {
    let fixture = Fixture::start("front-passes").await;
    let bytes = vec![7; 6 * 1024 * 1024];
    let bucket = format!("{}/front-passes", fixture.front.url());
    let object = format!("{bucket}/a%20zip?partNumber=&x=1");
    http().put(&bucket).send().await.unwrap();
    let put = http()
        .put(&object)
        .body(bytes.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(put.status(), 200);

    let head = http().head(&object).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], bytes.len().to_string());
    let got = http()
        .get(&object)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert!(got == bytes);

    let token = fixture
        .ecr("GetAuthorizationToken", json!({}))
        .await
        .unwrap();
    assert_eq!(
        token["authorizationData"][0]["proxyEndpoint"],
        fixture.front.url()
    );
    fixture.front.stop().await.unwrap();
}

#[tokio::test]
async fn ecs_is_not_the_emulators() {
    let fixture = Fixture::start("front-ecs").await;
    let ecs = |operation: &str| format!("AmazonEC2ContainerServiceV20141113.{operation}");
    let name = json!({ "clusterName": "front-ecs" });
    let made = fixture.aws.json(&ecs("CreateCluster"), name).await.unwrap();
    assert_eq!(made["cluster"]["status"], "ACTIVE");
    // The emulator has clusters too, and must not have this one.
    let ministack = Ministack::shared_for_tests().await.aws();
    let list = ministack
        .json(&ecs("ListClusters"), json!({}))
        .await
        .unwrap();
    assert!(!list.to_string().contains("front-ecs"), "{list}");

    let unknown = json!({ "cluster": "none", "services": ["none"] });
    let error = fixture
        .aws
        .json(&ecs("DescribeServices"), unknown)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("ClusterNotFoundException"),
        "{error}"
    );
}
