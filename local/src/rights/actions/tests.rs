use serde_json::json;

use super::*;

const HERE: &str = "us-east-1:000000000000";

/// What a call needs, a right a line, with `here` for region and account.
fn needed(service: &str, operation: &str, parameters: Value) -> Option<Vec<String>> {
    let call = Call {
        caller: "couplet-rollout".to_owned(),
        service: service.to_owned(),
        operation: operation.to_owned(),
        parameters,
    };
    let secrets = BTreeSet::from(["/couplet/token".to_owned()]);
    let needs = needs(&call, &secrets)?.into_iter();
    let line = |need: Need| format!("{} {}", need.action, need.resource.replace(HERE, "here"));
    Some(needs.map(line).collect())
}

#[test]
fn a_call_needs_the_right_of_its_name_on_what_it_names() {
    for (service, operation, parameters, need) in [
        (
            "dynamodb",
            "GetItem",
            json!({ "TableName": "ledger" }),
            "dynamodb:GetItem arn:aws:dynamodb:here:table/ledger",
        ),
        (
            "dynamodb",
            "Query",
            json!({ "TableName": "ledger", "IndexName": "by-time" }),
            "dynamodb:Query arn:aws:dynamodb:here:table/ledger/index/by-time",
        ),
        (
            "ecr",
            "BatchGetImage",
            json!({ "repositoryName": "team/board" }),
            "ecr:BatchGetImage arn:aws:ecr:here:repository/team/board",
        ),
        (
            "ecr",
            "GetAuthorizationToken",
            json!({}),
            "ecr:GetAuthorizationToken *",
        ),
        (
            "ecs",
            "DescribeTaskDefinition",
            json!({}),
            "ecs:DescribeTaskDefinition *",
        ),
        (
            "ecs",
            "UpdateService",
            json!({ "cluster": "arn:aws:ecs:here:cluster/main", "service": "board" }),
            "ecs:UpdateService arn:aws:ecs:here:service/main/board",
        ),
        (
            "ecs",
            "ListServiceDeployments",
            json!({ "cluster": "main", "service": "board" }),
            "ecs:ListServiceDeployments arn:aws:ecs:here:service/main/board",
        ),
        (
            "ecs",
            "DescribeServiceRevisions",
            json!({ "serviceRevisionArns": ["arn:aws:ecs:here:service-revision/main/board/7"] }),
            "ecs:DescribeServiceRevisions arn:aws:ecs:here:service-revision/main/board/7",
        ),
        (
            "events",
            "PutEvents",
            json!({ "Entries": ["default"] }),
            "events:PutEvents arn:aws:events:here:event-bus/default",
        ),
        (
            "lambda",
            "InvokeFunction",
            json!({ "FunctionName": "arn:aws:lambda:here:function:report" }),
            "lambda:InvokeFunction arn:aws:lambda:here:function:report",
        ),
        (
            "sqs",
            "SendMessage",
            json!({ "QueueUrl": "http://127.0.0.1:4566/000000000000/failures" }),
            "sqs:SendMessage arn:aws:sqs:here:failures",
        ),
    ] {
        let needs = needed(service, operation, parameters);
        assert_eq!(needs, Some(vec![need.to_owned()]));
    }
}

#[test]
fn several_services_are_several_resources() {
    let parameters = json!({ "cluster": "main", "services": ["board", "poems"] });
    let needs = needed("ecs", "DescribeServices", parameters).unwrap();
    assert_eq!(
        needs,
        [
            "ecs:DescribeServices arn:aws:ecs:here:service/main/board",
            "ecs:DescribeServices arn:aws:ecs:here:service/main/poems",
        ]
    );
}

#[test]
fn a_transaction_needs_the_rights_of_its_parts_and_a_batch_its_own() {
    let kinds = ["Put", "Update", "ConditionCheck", "Delete"];
    let items = json!({ "TransactItems": kinds.map(|kind| json!([kind, "ledger"])) });
    let needs = needed("dynamodb", "TransactWriteItems", items).unwrap();
    let table = "arn:aws:dynamodb:here:table/ledger";
    assert_eq!(
        needs,
        ["PutItem", "UpdateItem", "ConditionCheckItem", "DeleteItem"]
            .map(|action| format!("dynamodb:{action} {table}"))
    );
    let items = json!({ "TransactItems": [["Get", "ledger"]] });
    let needs = needed("dynamodb", "TransactGetItems", items).unwrap();
    assert_eq!(needs, [format!("dynamodb:GetItem {table}")]);
    let items = json!({ "RequestItems": ["ledger"] });
    let needs = needed("dynamodb", "BatchGetItem", items).unwrap();
    assert_eq!(needs, [format!("dynamodb:BatchGetItem {table}")]);
}

#[test]
fn registering_passes_roles_and_tags_only_if_there_are_any() {
    let family = "arn:aws:ecs:here:task-definition/board:*";
    let bare = needed(
        "ecs",
        "RegisterTaskDefinition",
        json!({ "family": "board" }),
    );
    assert_eq!(
        bare.unwrap(),
        [format!("ecs:RegisterTaskDefinition {family}")]
    );
    let whole = json!({
        "family": "board",
        "tags": true,
        "taskRoleArn": "arn:aws:iam::000000000000:role/board-task",
        "executionRoleArn": "arn:aws:iam::000000000000:role/board-execution",
    });
    assert_eq!(
        needed("ecs", "RegisterTaskDefinition", whole).unwrap(),
        [
            format!("ecs:RegisterTaskDefinition {family}"),
            format!("ecs:TagResource {family}"),
            "iam:PassRole arn:aws:iam::000000000000:role/board-task".to_owned(),
            "iam:PassRole arn:aws:iam::000000000000:role/board-execution".to_owned(),
        ]
    );
}

#[test]
fn only_a_secret_that_is_asked_for_in_clear_is_decrypted() {
    let parameter = |name: &str, decrypted: bool| {
        let parameters = json!({ "Name": name, "WithDecryption": decrypted });
        needed("ssm", "GetParameter", parameters).unwrap()
    };
    let read = "ssm:GetParameter arn:aws:ssm:here:parameter/couplet/token";
    let decrypt = "kms:Decrypt arn:aws:kms:here:key/*";
    assert_eq!(parameter("/couplet/token", true), [read, decrypt]);
    assert_eq!(parameter("/couplet/token", false), [read]);
    assert_eq!(parameter("/couplet/url", true).len(), 1);
}

#[test]
fn what_is_not_known_is_not_guessed() {
    assert_eq!(needed("ecs", "RunTask", json!({ "cluster": "main" })), None);
    assert_eq!(needed("dynamodb", "GetItem", json!({})), None);
}

#[test]
fn two_services_have_another_name_in_iam() {
    for (service, named) in [
        ("monitoring", "cloudwatch:DescribeAlarms"),
        ("ecs", "ecs:DescribeAlarms"),
    ] {
        let call = Call {
            caller: String::new(),
            service: service.to_owned(),
            operation: "DescribeAlarms".to_owned(),
            parameters: Value::Null,
        };
        assert_eq!(action(&call), named);
    }
}
