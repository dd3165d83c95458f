//! What is outside of the functions, for one test: AWS and GitHub. Every call that a function makes is written down.
#![allow(dead_code, reason = "each test program uses another part of this")]
#![expect(
    clippy::unwrap_used,
    reason = "it is part of tests, which clippy does not see"
)]

mod beginning;
mod ledger;
mod push;
mod recorder;
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ::ledger::{DeploymentId, Ledger, ServiceKey};
use anyhow::Result;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use chrono::{TimeDelta, Utc};
use functions::announce::Bus;
use functions::github::{self, Api, Identity};
use functions::limit::Patience;
use functions::{report, rollout, verdict};
use local::aws::{Aws, environment};
use local::ecs::{self, Controller};
use local::event::{Events, Receiver, envelope};
use local::front::{self, Front, FrontSettings};
use local::github::{GitHub, Served};
use local::ministack::Ministack;
use serde_json::{Value, json};
use tempfile::TempDir;
use wire::{Http, SdkConfig};

use beginning::Beginning;
#[allow(unused_imports, reason = "each test program uses another part of this")]
pub(crate) use recorder::{Fault, Recorder};
use words::Words;
pub(crate) use words::is_read;

/// A program that runs until it is stopped.
pub(crate) const LIVES: &str = "#!/bin/sh\nwhile :; do sleep 0.05; done\n";
/// A program that ends at once.
pub(crate) const CRASHES: &str = "#!/bin/sh\nexit 3\n";
/// `owner/name` on GitHub.
pub(crate) const REPOSITORY: &str = "acme/web";

/// The token that GitHub takes.
pub(crate) const TOKEN: &str = "ghs_1234567_of-these-tests";
const TOKEN_PARAMETER: &str = "/couplet/github-token";
/// How long an event may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// AWS, GitHub, and the functions that speak to them as in production.
pub(crate) struct Outside {
    /// AWS, past the recorder.
    pub(crate) aws: Aws,
    pub(crate) ecs: Arc<Controller>,
    pub(crate) github: GitHub,
    /// The ledger, past the recorder.
    pub(crate) ledger: Ledger,
    /// Before AWS.
    pub(crate) recorder: Recorder,
    /// Before GitHub.
    pub(crate) github_recorder: Recorder,
    pub(crate) rollout: rollout::Clients,
    pub(crate) verdict: verdict::Clients,
    pub(crate) report: report::Clients,
    pub(crate) table: String,
    /// The ECR repository.
    repository: String,
    events: Receiver,
    /// Events that came while another one was waited for, in order.
    passed: Vec<Value>,
    /// How much of the ledger's stream was read before.
    read: usize,
    words: Words,
    /// What a function said last, for whoever waits for what follows from it.
    last_told: String,
    _front: Front,
    served: Served,
    _work_dir: TempDir,
}

impl Outside {
    /// As Terraform leaves it before the first push.
    pub(crate) async fn start() -> Outside {
        Outside::start_with(|_| {}).await
    }

    /// The same, with a change to the beginning.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Beginning)) -> Outside {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let (table, repository) = (format!("ledger-{number}"), format!("team/web-{number}"));
        let mut beginning = Beginning::of(&repository);
        change(&mut beginning);
        let ministack = Ministack::shared_for_tests().await;
        let (events, receiver) = Events::channel();
        let work_dir = tempfile::tempdir().unwrap();
        let ecs = Controller::start(ecs::Settings {
            events: events.clone(),
            registry: ministack.url().to_owned(),
            task_environment: Vec::new(),
            work_dir: work_dir.path().to_owned(),
            pace: beginning.pace.clone(),
        });
        let ecs = ecs.await.unwrap();
        let recorder = Recorder::start().await;
        let settings = FrontSettings {
            address: "127.0.0.1:0".parse().unwrap(),
            ministack_url: ministack.url().to_owned(),
            events,
            ecs: Arc::clone(&ecs),
            public_url: Some(recorder.url.clone()),
            state_dir: None,
        };
        let front = front::serve(settings).await.unwrap();
        recorder.pass_to(front.url());
        let github = GitHub::new(TOKEN);
        let served = github.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let github_recorder = Recorder::start().await;
        github_recorder.pass_to(served.url());

        let config = sdk_config(&recorder.url);
        let ledger = Ledger::new(aws_sdk_dynamodb::Client::new(&config), &table);
        let mut words = Words::default();
        words.know(&table, "ledger");
        words.know(&repository, "team/web");
        words.know(&recorder.url, "<aws>");
        let mut outside = Outside {
            aws: Aws::new(front.url()),
            ecs,
            github,
            ledger: local::site::ledger(front.url(), &table),
            rollout: rollout::Clients::new(&config, ledger.clone(), Vec::new()),
            verdict: verdict::Clients::new(&config, ledger),
            report: reporter(&config, &table, &github_recorder.url, token()),
            recorder,
            github_recorder,
            table,
            repository,
            events: receiver,
            passed: Vec::new(),
            read: 0,
            words,
            last_told: String::new(),
            _front: front,
            served,
            _work_dir: work_dir,
        };
        ministack.create_ledger_table(&outside.table).await.unwrap();
        outside.apply(beginning).await;
        outside
    }

    async fn apply(&mut self, beginning: Beginning) {
        self.put_secret(TOKEN_PARAMETER, TOKEN).await;
        let queue = json!({ "QueueName": self.table });
        self.call("AmazonSQS.CreateQueue", queue).await;
        let repository = json!({ "repositoryName": self.repository });
        let target = "AmazonEC2ContainerRegistry_V20150921.CreateRepository";
        self.call(target, repository).await;
        let item = json!({ "TableName": self.table, "Item": beginning.target });
        self.call("DynamoDB_20120810.PutItem", item).await;
        self.ecs("CreateCluster", json!({ "clusterName": "production" }))
            .await;
        self.ecs("RegisterTaskDefinition", beginning.template).await;
        self.ecs("CreateService", beginning.service).await;
        // A service without tasks completes its first deployment at once.
        self.deployment_event("COMPLETED").await;
    }

    /// GitHub, past the recorder.
    pub(crate) fn github_url(&self) -> &str {
        self.served.url()
    }

    /// Writes a SecureString, as a person does.
    pub(crate) async fn put_secret(&self, name: &str, value: &str) {
        let parameter = json!({
            "Name": name, "Value": value, "Type": "SecureString", "Overwrite": true,
        });
        self.call("AmazonSSM.PutParameter", parameter).await;
    }

    /// From now on `report` is another one: this identity at the GitHub whose API is at this path of the model.
    pub(crate) async fn report_as(&mut self, identity: Identity, path: &str) {
        let config = sdk_config(&self.recorder.url);
        let github = format!("{}{path}", self.github_recorder.url);
        self.report = reporter(&config, &self.table, &github, identity);
    }

    /// Asks ECS, past the recorder.
    pub(crate) async fn ecs(&self, operation: &str, body: Value) -> Value {
        self.ecs.call(operation, body).await.unwrap()
    }

    /// Calls AWS, past the recorder.
    pub(crate) async fn call(&self, target: &str, body: Value) -> Value {
        self.aws.json(target, body).await.unwrap()
    }

    /// What stands in the failure queue.
    pub(crate) async fn failures(&self) -> Vec<Value> {
        let queue = &self.report.failure_queue_url;
        let request = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10 });
        let answer = self.call("AmazonSQS.ReceiveMessage", request).await;
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        let bodies = messages
            .iter()
            .map(|message| message["Body"].as_str().unwrap());
        bodies
            .map(|body| serde_json::from_str(body).unwrap())
            .collect()
    }

    /// The image of this commit is pushed, rolled out and given its verdict.
    pub(crate) async fn live(&mut self, commit: char) {
        let pushed = self.push(commit, LIVES).await;
        self.rollout(pushed).await;
        let completed = self.completed().await;
        self.verdict(completed).await;
        let head = self.ledger.head(&key()).await.unwrap();
        let live = head.live.expect("a verdict").release.commit;
        assert_eq!(live.unwrap().as_str(), sha(commit));
    }

    /// The next event that `wanted` takes; others before it are kept for later.
    pub(crate) async fn event(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.passed.iter().position(&wanted) {
            return self.passed.remove(place);
        }
        loop {
            let next = tokio::time::timeout(PATIENCE, self.events.recv()).await;
            let Ok(Some(event)) = next else {
                let (passed, told) = (&self.passed, &self.last_told);
                panic!("it never came; these did: {passed:#?}, after {told}");
            };
            if wanted(&event) {
                return event;
            }
            self.passed.push(event);
        }
    }

    /// Every event that came until now and that nobody took, in order.
    pub(crate) fn heard(&mut self) -> Vec<Value> {
        let mut heard = std::mem::take(&mut self.passed);
        while let Ok(event) = self.events.try_recv() {
            heard.push(event);
        }
        heard
    }

    /// The next event `SERVICE_DEPLOYMENT_…` of this name.
    pub(crate) async fn deployment_event(&mut self, name: &str) -> Value {
        let name = format!("SERVICE_DEPLOYMENT_{name}");
        self.event(|it| it["detail"]["eventName"] == name).await
    }

    /// An event `SERVICE_DEPLOYMENT_…` that ECS did not send.
    pub(crate) fn deployment_said(&self, name: &str, deployment: &DeploymentId) -> Value {
        let detail = json!({
            "eventType": "INFO",
            "eventName": format!("SERVICE_DEPLOYMENT_{name}"),
            "deploymentId": deployment,
            "reason": "a test says so",
        });
        let service = "arn:aws:ecs:us-east-1:000000000000:service/production/web";
        envelope("aws.ecs", "ECS Deployment State Change", &[service], detail)
    }

    /// The event that the open rollout's deployment has completed.
    pub(crate) async fn completed(&mut self) -> Value {
        let ours = self.in_flight().await.deployment.unwrap();
        loop {
            let event = self.deployment_event("COMPLETED").await;
            if event["detail"]["deploymentId"] == ours.as_str() {
                return event;
            }
        }
    }

    /// The next event of a task with this `lastStatus`.
    pub(crate) async fn task_is(&mut self, status: &str) -> Value {
        self.event(|it| {
            it["detail-type"] == "ECS Task State Change" && it["detail"]["lastStatus"] == status
        })
        .await
    }

    /// What the service is set to run now.
    pub(crate) async fn running_image(&mut self) -> String {
        let service = json!({ "cluster": "production", "services": ["web"] });
        let service = self.ecs("DescribeServices", service).await;
        let revision = &service["services"][0]["taskDefinition"];
        let revision = json!({ "taskDefinition": revision });
        let answer = self.ecs("DescribeTaskDefinition", revision).await;
        let image = &answer["taskDefinition"]["containerDefinitions"][0]["image"];
        self.words.replace(image.as_str().unwrap())
    }

    /// Gives `rollout` an event: what it says, and every call that it made. Boxed, as in production: the futures of the
    /// SDK are too large for a test's stack.
    pub(crate) async fn rollout(&mut self, event: Value) -> String {
        self.recorder.take();
        let outcome = Box::pin(rollout::handle(&self.rollout, event)).await;
        self.told(outcome)
    }

    /// Gives `verdict` an event: what it says, and every call that it made.
    pub(crate) async fn verdict(&mut self, event: Value) -> String {
        self.recorder.take();
        let outcome = Box::pin(verdict::handle(&self.verdict, event)).await;
        self.told(outcome)
    }

    /// Gives `report` records of the stream: what it says, and every call that it made.
    pub(crate) async fn report(&mut self, records: &[Value]) -> String {
        self.report_event(json!({ "Records": records })).await
    }

    /// Gives `report` an event: what it says, and every call that it made.
    pub(crate) async fn report_event(&mut self, event: Value) -> String {
        self.recorder.take();
        let outcome = Box::pin(report::handle(&self.report, event)).await;
        self.told(outcome)
    }

    /// The names of the calls in what was told, and nothing more of them.
    pub(crate) fn operations(told: &str) -> Vec<&str> {
        let is_call = |line: &&str| line.starts_with(|it: char| it.is_ascii_uppercase());
        let lines = told.lines().filter(is_call);
        lines.filter_map(|line| line.split(' ').next()).collect()
    }

    /// The same, without those that change nothing.
    pub(crate) fn writes(told: &str) -> Vec<&str> {
        let mut operations = Outside::operations(told);
        operations.retain(|it| !is_read(it));
        operations
    }

    /// `text` with words for what differs from run to run.
    pub(crate) fn replace(&mut self, text: &str) -> String {
        self.words.replace(text)
    }

    /// What a function answered, the calls that it made to AWS, and those to GitHub.
    pub(crate) fn told(&mut self, outcome: Result<Value>) -> String {
        let outcome = match outcome {
            Ok(answer) => format!("answers {answer}\n"),
            Err(error) => format!("fails: {error:#}\n"),
        };
        let mut told = self.words.calls(&self.recorder.take());
        for call in self.github_recorder.take() {
            told.push_str(&self.words.calls(&[call]));
        }
        self.last_told = format!("{}{told}", self.words.replace(&outcome));
        self.last_told.clone()
    }
}

/// One instance of `report`.
pub(crate) fn reporter(
    config: &SdkConfig,
    table: &str,
    github: &str,
    identity: Identity,
) -> report::Clients {
    let ledger = Ledger::new(aws_sdk_dynamodb::Client::new(config), table);
    let patience = Patience::new(ledger.clone(), Duration::from_millis(100));
    let ssm = aws_sdk_ssm::Client::new(config);
    let endpoint = config.endpoint_url().unwrap();
    report::Clients {
        failure_queue_url: format!("{endpoint}/000000000000/{}", table),
        ledger,
        github: github::GitHub {
            api: Api::new(Http::default(), github, patience),
            credentials: github::Credentials::new(ssm, identity),
        },
        bus: Bus::new(config),
        sqs: wire::Lazy::new(config, aws_sdk_sqs::Client::new),
        board_url: "https://board.example.com/".to_owned(),
        tracer: None,
    }
}

/// With a token that a person made.
pub(crate) fn token() -> Identity {
    Identity::Token {
        parameter: TOKEN_PARAMETER.to_owned(),
    }
}

impl Drop for Outside {
    /// Whatever a test is about, what GitHub was asked and what it answered is as GitHub describes it.
    fn drop(&mut self) {
        let violations = self.github.violations();
        if !std::thread::panicking() {
            assert!(violations.is_empty(), "{violations:#?}");
        }
    }
}

/// The whole id of the commit of this letter.
pub(crate) fn sha(commit: char) -> String {
    commit.to_string().repeat(40)
}

/// The target's key.
pub(crate) fn key() -> ServiceKey {
    ServiceKey::new("production", "web")
}

/// A request as the board or a person sends it.
pub(crate) fn request(id: &str, detail: Value) -> Value {
    let mut event = envelope("couplet", "Rollout Requested", &[], detail);
    event["id"] = json!(id);
    event
}

/// The schedule's event.
pub(crate) fn schedule() -> Value {
    envelope("aws.events", "Scheduled Event", &[], json!({}))
}

/// An event that was sent a minute and a little ago.
pub(crate) fn a_minute_old(event: &Value) -> Value {
    let mut event = event.clone();
    event["time"] = json!(Utc::now() - TimeDelta::seconds(61));
    event
}

/// Everything that speaks to AWS through `endpoint`, as on Lambda.
pub(crate) fn sdk_config(endpoint: &str) -> SdkConfig {
    let config = wire::settings::lambda(environment(endpoint));
    // As often as there, but at once.
    let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    config.unwrap().into_builder().retry_config(retries).build()
}
