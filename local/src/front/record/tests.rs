use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{AppName, Builder};
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, TransactWriteItem};
use poem::http::Method;

use super::*;
use crate::aws::environment;
use crate::ministack::Ministack;

const GO: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.11.4 (+https://www.terraform.io) \
                  terraform-provider-aws/5.100.0 aws-sdk-go-v2/1.36.3 ua/2.1 app/of-the-shell";

/// A request of `agent` to `service`.
fn request(agent: &str, service: &str) -> poem::RequestBuilder {
    let scope = format!("test/20260101/us-east-1/{service}/aws4_request");
    Request::builder().header("user-agent", agent).header(
        "authorization",
        format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"),
    )
}

/// What is noted of a request.
async fn noted(request: Request) -> Option<(String, String, String, Value)> {
    let calls = Calls::default();
    calls.note(request).await.unwrap();
    let call = calls.all().pop()?;
    Some((call.caller, call.service, call.operation, call.parameters))
}

fn call(operation: &str) -> Call {
    Call {
        caller: "couplet-rollout".to_owned(),
        service: "ecs".to_owned(),
        operation: operation.to_owned(),
        parameters: json!({}),
    }
}

#[tokio::test]
async fn an_sdk_with_a_name_is_recorded_by_the_front() {
    let ministack = Ministack::shared_for_tests().await;
    ministack.create_ledger_table("recorded").await.unwrap();
    let (events, _receiver) = crate::event::Events::channel();
    let work_dir = tempfile::tempdir().unwrap();
    let ecs = crate::ecs::Controller::start(crate::ecs::Settings {
        events: events.clone(),
        registry: ministack.url().to_owned(),
        task_environment: Vec::new(),
        work_dir: work_dir.path().to_owned(),
        pace: crate::ecs::Pace::instant(),
    });
    let front = super::super::serve(super::super::FrontSettings {
        address: "127.0.0.1:0".parse().unwrap(),
        ministack_url: ministack.url().to_owned(),
        ecs: ecs.await.unwrap(),
        events,
        public_url: None,
        state_dir: None,
    })
    .await
    .unwrap();
    let client = |name: Option<&'static str>| {
        let shared = wire::settings::lambda(environment(front.url())).unwrap();
        let mut config = Builder::from(&shared);
        config.set_app_name(name.map(|name| AppName::new(name).unwrap()));
        Client::from_conf(config.build())
    };
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let named = client(Some("couplet-local-rollout"));
    let get = |client: &Client, pk: &str| {
        let get = client.get_item().table_name("recorded");
        get.key("pk", text(pk)).key("sk", text("head")).send()
    };
    get(&named, "a").await.unwrap();
    get(&named, "b").await.unwrap();
    get(&client(None), "a").await.unwrap();
    let mark = front.calls().mark();
    let put = Put::builder()
        .table_name("recorded")
        .item("pk", text("a"))
        .item("sk", text("head"));
    let check = ConditionCheck::builder()
        .table_name("recorded")
        .key("pk", text("b"))
        .key("sk", text("head"))
        .condition_expression("attribute_not_exists(pk)");
    named
        .transact_write_items()
        .transact_items(
            TransactWriteItem::builder()
                .put(put.build().unwrap())
                .build(),
        )
        .transact_items(
            TransactWriteItem::builder()
                .condition_check(check.build().unwrap())
                .build(),
        )
        .send()
        .await
        .unwrap();

    let recorded = |operation: &str, parameters: Value| Call {
        caller: "couplet-local-rollout".to_owned(),
        service: "dynamodb".to_owned(),
        operation: operation.to_owned(),
        parameters,
    };
    let get = recorded("GetItem", json!({ "TableName": "recorded" }));
    let parts = json!([["ConditionCheck", "recorded"], ["Put", "recorded"]]);
    let write = recorded("TransactWriteItems", json!({ "TransactItems": parts }));
    assert_eq!(front.calls().all(), [get, write.clone()]);
    assert_eq!(front.calls().since(mark), [write]);
    front.stop().await.unwrap();
}

#[tokio::test]
async fn terraform_is_terraform_whatever_its_shell_is_called() {
    let form = request(GO, "iam")
        .method(Method::POST)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("Version=2010-05-08&Action=GetRole&RoleName=a");
    let (caller, service, operation, _) = noted(form).await.unwrap();
    assert_eq!(
        [caller.as_str(), &service, &operation],
        ["terraform", "iam", "GetRole"]
    );
}

#[tokio::test]
async fn each_protocol_names_its_operation() {
    let agent = "aws-sdk-rust/1.3.15 ua/2.1 api/ecs/1.157.0 os/linux lang/rust/1.95.0 app/board";
    let json = request(agent, "ecs")
        .header("content-type", "application/x-amz-json-1.1")
        .header(
            "x-amz-target",
            "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition",
        )
        .body(
            json!({
                "family": "board",
                "taskRoleArn": "arn:aws:iam::000000000000:role/board-task",
                "containerDefinitions": [{ "name": "web" }],
                "tags": [{ "key": "rollout", "value": "1" }],
            })
            .to_string(),
        );
    let parameters = json!({
        "family": "board",
        "taskRoleArn": "arn:aws:iam::000000000000:role/board-task",
        "tags": true,
    });
    let (caller, _, operation, noted_parameters) = noted(json).await.unwrap();
    assert_eq!(
        (caller.as_str(), operation.as_str()),
        ("board", "RegisterTaskDefinition")
    );
    assert_eq!(noted_parameters, parameters);

    let cbor = request(agent, "monitoring")
        .method(Method::POST)
        .header("content-type", "application/cbor")
        .uri_str("/service/GraniteServiceVersion20100801/operation/DescribeAlarms")
        .finish();
    assert_eq!(noted(cbor).await.unwrap().2, "DescribeAlarms");

    let path = request(agent, "lambda")
        .method(Method::POST)
        .uri_str("/2015-03-31/functions/report/invocations")
        .finish();
    let (_, _, operation, parameters) = noted(path).await.unwrap();
    assert_eq!(operation, "InvokeFunction");
    assert_eq!(parameters, json!({ "FunctionName": "report" }));
}

#[tokio::test]
async fn a_request_is_given_back_as_it_was_and_a_stream_is_not_read() {
    let body = r#"{"TableName":"ledger","Key":{}}"#;
    let json = request("app/report", "dynamodb")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "DynamoDB_20120810.GetItem")
        .body(body);
    let given_back = Calls::default().note(json).await.unwrap();
    assert_eq!(
        given_back.header("x-amz-target"),
        Some("DynamoDB_20120810.GetItem")
    );
    assert_eq!(given_back.into_body().into_string().await.unwrap(), body);

    // A stream that never ends cannot be read, only passed on.
    let (endless, _other_end) = tokio::io::duplex(8);
    let zip = request("app/report", "lambda")
        .method(Method::PUT)
        .uri_str("/2015-03-31/functions/report/code")
        .body(Body::from_async_read(endless));
    let wait = std::time::Duration::from_secs(5);
    let calls = Calls::default();
    let given_back = tokio::time::timeout(wait, calls.note(zip)).await;
    assert!(given_back.is_ok());
    assert_eq!(
        calls.all()[0].operation,
        "PUT /2015-03-31/functions/report/code"
    );
}

#[tokio::test]
async fn who_says_no_name_or_signs_nothing_is_not_recorded() {
    let nameless = request("aws-sdk-rust/1.3.15 ua/2.1 lang/rust/1.95.0", "ecs").finish();
    assert_eq!(noted(nameless).await, None);
    let unsigned = Request::builder()
        .header("user-agent", "app/report")
        .finish();
    assert_eq!(noted(unsigned).await, None);
}

#[test]
fn parameters_are_those_that_say_on_what() {
    let body = json!({
        "TableName": "ledger", "Item": { "pk": { "S": "a" } }, "tags": [],
        "RequestItems": { "a": {}, "b": {} },
        "Entries": [{ "Source": "couplet" }, { "EventBusName": "default" }],
    });
    let kept = json!({
        "TableName": "ledger", "tags": false, "RequestItems": ["a", "b"], "Entries": ["default"],
    });
    assert_eq!(narrowed(&body), kept);
    assert_eq!(narrowed(&Value::Null), json!({}));
}

#[test]
fn a_call_is_kept_once_and_counts_when_it_comes_again() {
    let calls = Calls::default();
    calls.add(call("DescribeServices"));
    let mark = calls.mark();
    assert!(calls.since(mark).is_empty());
    calls.add(call("UpdateService"));
    calls.clone().add(call("DescribeServices"));
    assert_eq!(
        calls.all(),
        [call("DescribeServices"), call("UpdateService")]
    );
    assert_eq!(calls.since(mark).len(), 2);
    assert_eq!(calls.since(calls.mark()), []);
}

#[test]
fn the_service_is_in_the_scope_with_or_without_a_region() {
    for (scope, service) in [
        ("test/20260101/us-east-1/s3/aws4_request", Some("s3")),
        ("test/20260101/s3/aws4_request", Some("s3")),
        ("test/20260101/us-east-1/s3", None),
    ] {
        let request = Request::builder().header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"),
        );
        let signed = signed_for(request.finish().headers());
        assert_eq!(signed.as_deref(), service, "{scope}");
    }
}
