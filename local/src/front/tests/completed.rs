//! What the emulator answers incompletely, or not at all.

use super::*;

impl Fixture {
    async fn form(&self, service: &str, version: &str, fields: &str) -> anyhow::Result<String> {
        self.aws.query(service, version, fields).await
    }

    async fn alarms(&self, fields: &str) -> String {
        let answer = self.form("monitoring", "2010-08-01", fields).await;
        answer.unwrap()
    }

    async fn network(&self, fields: &str) -> String {
        self.form("ec2", "2016-11-15", fields).await.unwrap()
    }

    async fn scaling(&self, operation: &str, mut body: Value) -> anyhow::Result<Value> {
        let target = json!({
            "ServiceNamespace": "ecs",
            "ResourceId": "service/scaled/poems",
            "ScalableDimension": "ecs:service:DesiredCount",
        });
        for (key, value) in target.as_object().unwrap() {
            body[key] = value.clone();
        }
        let target = format!("AnyScaleFrontendService.{operation}");
        self.aws.json(&target, body).await
    }

    async fn desired_count(&self) -> Value {
        let service = json!({ "cluster": "scaled", "services": ["poems"] });
        let target = "AmazonEC2ContainerServiceV20141113.DescribeServices";
        self.aws.json(target, service).await.unwrap()["services"][0]["desiredCount"].take()
    }
}

#[tokio::test]
async fn an_alarm_is_described_as_it_was_put() {
    let fixture = Fixture::start("front-alarms").await;
    fixture
        .alarms(
            "PutMetricAlarm&AlarmName=front-rate&AlarmDescription=%3C5+%26+more&EvaluationPeriods=1\
             &Threshold=2.5&ComparisonOperator=GreaterThanThreshold&TreatMissingData=notBreaching\
             &InsufficientDataActions.member.1=arn:nobody&Metrics.member.1.Id=rate\
             &Metrics.member.1.MetricStat.Metric.Dimensions.member.1.Name=LoadBalancer\
             &Metrics.member.1.MetricStat.Metric.Dimensions.member.1.Value=app/one",
        )
        .await;
    fixture
        .alarms("SetAlarmState&AlarmName=front-rate&StateValue=ALARM&StateReason=test")
        .await;
    let described = fixture
        .alarms("DescribeAlarms&AlarmNames.member.1=front-rate")
        .await;
    for part in [
        "<AlarmDescription>&lt;5 &amp; more</AlarmDescription>",
        "<TreatMissingData>notBreaching</TreatMissingData>",
        "<InsufficientDataActions><member>arn:nobody</member></InsufficientDataActions>",
        "<Name>LoadBalancer</Name><Value>app/one</Value>",
        "<ActionsEnabled>true</ActionsEnabled>",
        "<StateValue>ALARM</StateValue>",
        ":alarm:front-rate</AlarmArn>",
    ] {
        assert!(described.contains(part), "{part} is not in {described}");
    }
    assert!(!described.contains("<Statistic>"), "{described}");

    fixture
        .alarms("DeleteAlarms&AlarmNames.member.1=front-rate")
        .await;
    let described = fixture
        .alarms("DescribeAlarms&AlarmNames.member.1=front-rate")
        .await;
    assert!(!described.contains("front-rate"), "{described}");
}

#[tokio::test]
async fn an_alarm_that_goes_off_fails_the_deployment_that_it_watches() {
    let mut fixture = Fixture::start("front-watched").await;
    let alarm = "AlarmName=front-watched&EvaluationPeriods=1&Threshold=1\
                 &ComparisonOperator=GreaterThanThreshold&MetricName=m&Namespace=n&Period=60";
    fixture.alarms(&format!("PutMetricAlarm&{alarm}")).await;
    let definition = json!({
        "family": "watched",
        "containerDefinitions": [{ "name": "web", "image": "nowhere:none" }],
    });
    let alarms = json!({ "alarmNames": ["front-watched"], "enable": true, "rollback": true });
    let service = json!({
        "cluster": "watched", "serviceName": "poems", "taskDefinition": "watched",
        "desiredCount": 1, "launchType": "FARGATE",
        "deploymentConfiguration": { "alarms": alarms },
    });
    for (operation, body) in [
        ("CreateCluster", json!({ "clusterName": "watched" })),
        ("RegisterTaskDefinition", definition),
        ("CreateService", service),
    ] {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        fixture.aws.json(&target, body).await.unwrap();
    }
    // A task is started only after the first look at the alarms.
    let mut next = async |wanted: fn(&Value) -> bool| loop {
        let event = fixture.events.recv().await.unwrap();
        if wanted(&event["detail"]) {
            break event["detail"].clone();
        }
    };
    let limit = Duration::from_secs(20);
    let stopped = next(|detail| detail["lastStatus"] == "STOPPED");
    tokio::time::timeout(limit, stopped).await.unwrap();
    let set = "SetAlarmState&AlarmName=front-watched&StateValue=ALARM&StateReason=test";
    let set = fixture.aws.query("monitoring", "2010-08-01", set);
    set.await.unwrap();
    let failed = next(|detail| detail["eventName"] == "SERVICE_DEPLOYMENT_FAILED");
    let failed = tokio::time::timeout(limit, failed).await.unwrap();
    assert_eq!(failed["reason"], "ECS deployment failed: alarm detected.");
}

#[tokio::test]
async fn what_cloudwatch_refuses_is_an_error_in_xml() {
    let fixture = Fixture::start("front-no-dashboard").await;
    let ask = fixture.form(
        "monitoring",
        "2010-08-01",
        "GetDashboard&DashboardName=none",
    );
    let error = ask.await.unwrap_err().to_string();
    assert!(error.contains("<Code>ResourceNotFound</Code>"), "{error}");
}

#[tokio::test]
async fn a_scalable_target_brings_its_service_into_its_range() {
    let fixture = Fixture::start("front-scaling").await;
    let limits = json!({ "MinCapacity": 2, "MaxCapacity": 4, "Tags": { "team": "poems" } });
    let error = fixture
        .scaling("RegisterScalableTarget", limits.clone())
        .await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("ECS service doesn't exist: service/scaled/poems"),
        "{error}"
    );

    let ecs = |operation: &str| format!("AmazonEC2ContainerServiceV20141113.{operation}");
    let definition = json!({
        "family": "scaled", "containerDefinitions": [{ "name": "web", "image": "none" }],
    });
    let service = json!({
        "cluster": "scaled", "serviceName": "poems", "taskDefinition": "scaled",
        "desiredCount": 0, "launchType": "FARGATE",
    });
    for (operation, body) in [
        ("CreateCluster", json!({ "clusterName": "scaled" })),
        ("RegisterTaskDefinition", definition),
        ("CreateService", service),
    ] {
        fixture.aws.json(&ecs(operation), body).await.unwrap();
    }
    let registered = fixture.scaling("RegisterScalableTarget", limits).await;
    let arn = registered.unwrap()["ScalableTargetARN"].take();
    assert_eq!(fixture.desired_count().await, 2);
    let most = json!({ "MinCapacity": 0, "MaxCapacity": 1 });
    fixture
        .scaling("RegisterScalableTarget", most)
        .await
        .unwrap();
    assert_eq!(fixture.desired_count().await, 1);

    let ids = json!({ "ResourceIds": ["service/scaled/poems"] });
    let targets = fixture.scaling("DescribeScalableTargets", ids).await;
    let target = targets.unwrap()["ScalableTargets"][0].take();
    assert_eq!(target["ScalableTargetARN"], arn);
    assert_eq!(target["MaxCapacity"], 1);
    let tags = json!({ "ResourceARN": arn });
    let tags = fixture.scaling("ListTagsForResource", tags).await.unwrap();
    assert_eq!(tags["Tags"], json!({ "team": "poems" }));
}

#[tokio::test]
async fn policies_go_with_their_target() {
    let fixture = Fixture::start("front-policies").await;
    let ecs = |operation: &str| format!("AmazonEC2ContainerServiceV20141113.{operation}");
    let policy = json!({
        "PolicyName": "cpu", "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": { "TargetValue": 60.5 },
    });
    let early = fixture.scaling("PutScalingPolicy", policy.clone()).await;
    let early = early.unwrap_err().to_string();
    assert!(
        early.contains("ObjectNotFoundException")
            && early.contains("No scalable target registered"),
        "{early}"
    );

    for (operation, body) in [
        ("CreateCluster", json!({ "clusterName": "scaled" })),
        (
            "CreateService",
            json!({ "cluster": "scaled", "serviceName": "poems", "desiredCount": 1 }),
        ),
    ] {
        fixture.aws.json(&ecs(operation), body).await.unwrap();
    }
    let limits = json!({ "MinCapacity": 1, "MaxCapacity": 2 });
    let call = |operation: &'static str, body: &Value| fixture.scaling(operation, body.clone());
    call("RegisterScalableTarget", &limits).await.unwrap();
    let put = call("PutScalingPolicy", &policy).await.unwrap();
    let again = call("PutScalingPolicy", &policy).await.unwrap();
    assert_eq!(put, again);
    let mine = json!({ "PolicyNames": ["cpu"] });
    let found = call("DescribeScalingPolicies", &mine).await.unwrap();
    assert_eq!(found["ScalingPolicies"].as_array().unwrap().len(), 1);
    let found = &found["ScalingPolicies"][0];
    assert_eq!(found["PolicyARN"], put["PolicyARN"]);
    let goal = &found["TargetTrackingScalingPolicyConfiguration"];
    assert_eq!(goal["TargetValue"], 60.5);

    call("DeregisterScalableTarget", &json!({})).await.unwrap();
    let found = call("DescribeScalingPolicies", &mine).await.unwrap();
    assert_eq!(found["ScalingPolicies"], json!([]));
    let gone = call("DeregisterScalableTarget", &json!({})).await;
    let gone = gone.unwrap_err().to_string();
    assert!(gone.contains("No scalable target found"), "{gone}");
}

#[tokio::test]
async fn flow_logs_and_endpoints_are_described_whole() {
    let fixture = Fixture::start("front-network").await;
    let made = fixture
        .network(
            "CreateFlowLogs&ResourceId.1=vpc-1&ResourceType=VPC&TrafficType=ALL\
             &LogDestination=arn:aws:logs:us-east-1:000000000000:log-group:/vpc/front\
             &DeliverLogsPermissionArn=arn:role&TagSpecification.1.ResourceType=vpc-flow-log\
             &TagSpecification.1.Tag.1.Key=team&TagSpecification.1.Tag.1.Value=poems",
        )
        .await;
    let id = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>")).unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    let log = id(&made, "item");
    let described = fixture
        .network(&format!("DescribeFlowLogs&FlowLogId.1={log}"))
        .await;
    for part in [
        "<deliverLogsPermissionArn>arn:role</deliverLogsPermissionArn>",
        "<logGroupName>/vpc/front</logGroupName>",
        "<maxAggregationInterval>600</maxAggregationInterval>",
        "<key>team</key><value>poems</value>",
    ] {
        assert!(described.contains(part), "{part} is not in {described}");
    }

    let made = fixture
        .network(
            "CreateVpcEndpoint&VpcId=vpc-1&VpcEndpointType=Interface&PrivateDnsEnabled=true\
             &ServiceName=com.amazonaws.us-east-1.logs&SecurityGroupId.1=sg-1",
        )
        .await;
    let endpoint = id(&made, "vpcEndpointId");
    let modify = format!(
        "ModifyVpcEndpoint&VpcEndpointId={endpoint}&AddSecurityGroupId.1=sg-2&RemoveSecurityGroupId.1=sg-1"
    );
    fixture.network(&modify).await;
    let described = fixture
        .network(&format!("DescribeVpcEndpoints&VpcEndpointId.1={endpoint}"))
        .await;
    for part in [
        "<groupSet><item><groupId>sg-2</groupId></item></groupSet>",
        "<privateDnsEnabled>true</privateDnsEnabled>",
    ] {
        assert!(described.contains(part), "{part} is not in {described}");
    }
}
