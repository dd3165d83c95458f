//! The proof against IAM, Lambda and SSM as the emulator has them.

use std::io::Write;

use super::*;
use crate::aws::http;
use crate::ministack::Ministack;

const LEDGER: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/ledger";
const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:failures";

fn statement(actions: &[&str], resource: &str) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
}

fn call(caller: &str, service: &str, operation: &str, parameters: Value) -> Call {
    Call {
        caller: caller.to_owned(),
        service: service.to_owned(),
        operation: operation.to_owned(),
        parameters,
    }
}

/// A role of this name with a policy `work`.
async fn role(aws: &Aws, name: &str, statements: &[Value]) {
    let policy = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let mut url = reqwest::Url::parse("http://form").unwrap();
    url.query_pairs_mut().append_pair("PolicyDocument", &policy);
    let document = url.query().unwrap();
    for call in [
        format!("CreateRole&RoleName={name}&AssumeRolePolicyDocument=%7B%7D"),
        format!("PutRolePolicy&RoleName={name}&PolicyName=work&{document}"),
    ] {
        aws.query("iam", "2010-05-08", &call).await.unwrap();
    }
}

/// A function that is traced and hands failed events to the queue.
async fn make_function(aws: &Aws, name: &str) {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("bootstrap", options).unwrap();
    zip.write_all(b"#!/bin/sh\n").unwrap();
    let package = zip.finish().unwrap().into_inner();
    let bucket = format!("{}/{name}", aws.url);
    http().put(&bucket).send().await.unwrap();
    let object = http().put(format!("{bucket}/zip")).body(package);
    object.send().await.unwrap();
    let function = json!({
        "FunctionName": name,
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Role": format!("arn:aws:iam::000000000000:role/{name}"),
        "Code": { "S3Bucket": name, "S3Key": "zip" },
        "TracingConfig": { "Mode": "Active" },
    });
    let events = json!({ "DestinationConfig": { "OnFailure": { "Destination": QUEUE } } });
    for (request, body) in [
        (
            http().post(format!("{}/2015-03-31/functions", aws.url)),
            function,
        ),
        (
            http().put(format!(
                "{}/2019-09-25/functions/{name}/event-invoke-config",
                aws.url
            )),
            events,
        ),
    ] {
        let answer = request.body(body.to_string()).send().await.unwrap();
        let status = answer.status();
        assert!(status.is_success(), "{}", answer.text().await.unwrap());
    }
}

/// The rights that Lambda needs for such a function.
fn runtime(name: &str) -> [Value; 3] {
    let group = format!("arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/{name}:*");
    [
        statement(&["logs:CreateLogStream", "logs:PutLogEvents"], &group),
        statement(&["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*"),
        statement(&["sqs:SendMessage"], QUEUE),
    ]
}

/// A function and a service of their own, with these rights, and what they called.
async fn proved(name: &str, work: &[Value], calls: &[Call]) -> Vec<String> {
    let aws = Ministack::shared_for_tests().await.aws();
    let service = format!("{name}-board");
    role(&aws, name, &[&runtime(name), work].concat()).await;
    let read = statement(&["dynamodb:Query"], LEDGER);
    role(&aws, &format!("{service}-task"), &[read]).await;
    make_function(&aws, name).await;
    let outputs = json!({ "functions": { "rollout": name }, "service": service });
    let query = call(
        &service,
        "dynamodb",
        "Query",
        json!({ "TableName": "ledger" }),
    );
    let subjects = subjects(&aws, &outputs).await.unwrap();
    let calls = [&[query], calls].concat();
    prove_calls(&aws, &calls, &subjects).await.unwrap()
}

#[tokio::test]
async fn a_function_that_calls_what_it_may_is_proved() {
    let name = "rights-fit";
    let work = [statement(&["dynamodb:PutItem"], LEDGER)];
    let items = json!({ "TransactItems": [["Put", "ledger"]] });
    let calls = [
        call(name, "dynamodb", "TransactWriteItems", items),
        call(TERRAFORM, "dynamodb", "CreateTable", json!({})),
    ];
    assert_eq!(proved(name, &work, &calls).await, Vec::<String>::new());
}

#[tokio::test]
async fn whatever_does_not_fit_is_named() {
    let name = "rights-amiss";
    let work = [
        statement(&["dynamodb:PutItem", "dynamodb:UpdateItem"], LEDGER),
        statement(
            &["sqs:SendMessage"],
            "arn:aws:sqs:us-east-1:000000000000:other",
        ),
        statement(
            &["ecs:DescribeTaskDefinition"],
            "arn:aws:ecs:*:*:task-definition/a:*",
        ),
    ];
    let items = json!({ "TransactItems": [["Put", "ledger"], ["Delete", "ledger"]] });
    let calls = [
        call(name, "dynamodb", "TransactWriteItems", items),
        call(name, "ecs", "DescribeTaskDefinition", json!({})),
        call(name, "ecs", "RunTask", json!({})),
        call(
            "stranger",
            "dynamodb",
            "Query",
            json!({ "TableName": "ledger" }),
        ),
    ];
    let place = "(policy work, a statement)";
    let family = "arn:aws:ecs:*:*:task-definition/a:*";
    assert_eq!(
        proved(name, &work, &calls).await,
        [
            "stranger calls AWS and is neither a function nor the service".to_owned(),
            format!("{name} called ecs:RunTask, and it is not known here what that is a right on"),
            format!("{name} needs dynamodb:DeleteItem on {LEDGER} and has no right to it"),
            format!("{name} needs ecs:DescribeTaskDefinition on * and may only on {family}"),
            format!(
                "{name} has the right dynamodb:UpdateItem on {LEDGER} {place}, which nothing needed"
            ),
            format!(
                "{name} has the right sqs:SendMessage on \
                 arn:aws:sqs:us-east-1:000000000000:other {place}, which nothing needed"
            ),
            format!(
                "{name} has the right ecs:DescribeTaskDefinition on {family} {place}, which \
                 nothing needed"
            ),
        ]
    );
}

#[tokio::test]
async fn who_says_no_name_is_not_taken_for_idle() {
    assert_eq!(
        proved("rights-mute", &[], &[]).await,
        ["rights-mute called nothing, or does not say its name (AWS_SDK_UA_APP_ID)"]
    );
}

#[tokio::test]
async fn a_secret_is_one_by_its_type() {
    let aws = Ministack::shared_for_tests().await.aws();
    for (name, kind) in [("/rights/token", "SecureString"), ("/rights/url", "String")] {
        let parameter = json!({ "Name": name, "Value": "x", "Type": kind });
        aws.json("AmazonSSM.PutParameter", parameter).await.unwrap();
    }
    let read = |name: &str| call("report", "ssm", "GetParameter", json!({ "Name": name }));
    let secrets = secrets(&aws, &[read("/rights/token"), read("/rights/url")]).await;
    assert_eq!(
        secrets.unwrap(),
        BTreeSet::from(["/rights/token".to_owned()])
    );
}

#[tokio::test]
async fn only_the_plans_role_may_have_policies_that_are_not_its_own() {
    let aws = Ministack::shared_for_tests().await.aws();
    role(&aws, "rights-plan", &[statement(&["s3:GetObject"], "*")]).await;
    let managed = "arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole";
    let attach = format!("AttachRolePolicy&RoleName=rights-plan&PolicyArn={managed}");
    aws.query("iam", "2010-05-08", &attach).await.unwrap();
    let error = iam::of_role(&aws, "rights-plan").await.unwrap_err();
    assert!(error.to_string().ends_with(managed), "{error}");
    let rights = iam::of_role_with_attached(&aws, "rights-plan")
        .await
        .unwrap();
    for action in ["s3:GetObject", "dynamodb:ListStreams"] {
        assert!(rights.iter().any(|right| right.is_to(action)), "{action}");
    }
}
