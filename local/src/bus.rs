//! Takes events to the functions whose rules match them.
//!
//! The emulator's own bus can't: `PutEvents` refuses the sources of AWS, there as in AWS, and what
//! it sends from a rule to a function skips the retries and the failure destination of an
//! asynchronous invocation. So the rules are read from it, it says whether a pattern matches, and
//! the functions are invoked as EventBridge does it.
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html>

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::aws::Aws;
use crate::event::Receiver;

/// How long the rules are believed to be as they were read.
pub(crate) const FRESH: Duration = Duration::from_secs(1);

/// Routes every event of `receiver`, in order, until nobody can send any more. `observer` hears of
/// each event with the functions that got it. What goes wrong is printed with the event's id and
/// stops nothing.
pub fn run(
    mut receiver: Receiver,
    aws: Aws,
    observer: impl Fn(&Value, &[String]) + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut bus = Bus::new(aws);
        while let Some(event) = receiver.recv().await {
            let delivery = bus.route(&event).await;
            for error in &delivery.errors {
                eprintln!("event {}: {error:#}", event["id"].as_str().unwrap_or("?"));
            }
            observer(&event, &delivery.functions);
        }
    })
}

struct Bus {
    aws: Aws,
    rules: Vec<Rule>,
    read_at: Option<Instant>,
}

/// An enabled rule of the default bus.
struct Rule {
    name: String,
    pattern: String,
    targets: Vec<Value>,
}

/// What became of one event.
#[derive(Default)]
struct Delivery {
    functions: Vec<String>,
    errors: Vec<anyhow::Error>,
}

impl Bus {
    fn new(aws: Aws) -> Bus {
        Bus {
            aws,
            rules: Vec::new(),
            read_at: None,
        }
    }

    async fn route(&mut self, event: &Value) -> Delivery {
        let mut delivery = Delivery::default();
        if self.read_at.is_none_or(|then| then.elapsed() > FRESH) {
            match read_rules(&self.aws).await {
                Ok(rules) => {
                    self.rules = rules;
                    self.read_at = Some(Instant::now());
                }
                Err(error) => delivery.errors.push(error),
            }
        }
        for rule in &self.rules {
            match matches(&self.aws, &rule.pattern, event).await {
                Ok(true) => {}
                Ok(false) => continue,
                Err(error) => {
                    delivery
                        .errors
                        .push(error.context(format!("rule {}", rule.name)));
                    continue;
                }
            }
            for target in &rule.targets {
                match deliver(&self.aws, target, event).await {
                    Ok(function) => delivery.functions.push(function),
                    Err(error) => {
                        delivery
                            .errors
                            .push(error.context(format!("rule {}", rule.name)));
                    }
                }
            }
        }
        delivery
    }
}

async fn read_rules(aws: &Aws) -> anyhow::Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for rule in pages(aws, "AWSEvents.ListRules", json!({}), "Rules").await? {
        // A rule with a schedule has no pattern; the emulator fires it by itself.
        let (Some(name), Some(pattern)) = (rule["Name"].as_str(), rule["EventPattern"].as_str())
        else {
            continue;
        };
        if rule["State"] != "ENABLED" {
            continue;
        }
        let of_rule = json!({ "Rule": name });
        rules.push(Rule {
            name: name.to_owned(),
            pattern: pattern.to_owned(),
            targets: pages(aws, "AWSEvents.ListTargetsByRule", of_rule, "Targets").await?,
        });
    }
    Ok(rules)
}

/// All items of an answer that comes in pages.
pub(crate) async fn pages(
    aws: &Aws,
    target: &str,
    mut request: Value,
    list: &str,
) -> anyhow::Result<Vec<Value>> {
    let mut all = Vec::new();
    loop {
        let mut page = aws.json(target, request.clone()).await?;
        if let Some(items) = page[list].as_array_mut() {
            all.append(items);
        }
        match page["NextToken"].take() {
            Value::Null => return Ok(all),
            token => request["NextToken"] = token,
        }
    }
}

async fn matches(aws: &Aws, pattern: &str, event: &Value) -> anyhow::Result<bool> {
    let question = json!({ "EventPattern": pattern, "Event": event.to_string() });
    let answer = aws.json("AWSEvents.TestEventPattern", question).await?;
    Ok(answer["Result"] == true)
}

/// Hands the event to one target and says which function it is.
async fn deliver(aws: &Aws, target: &Value, event: &Value) -> anyhow::Result<String> {
    let arn = target["Arn"].as_str().unwrap_or_default();
    let function =
        function_name(arn).with_context(|| format!("target {arn} is not a Lambda function"))?;
    aws.invoke_async(arn, &input(target, event)?).await?;
    Ok(function.to_owned())
}

/// The name in `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, a qualifier left out.
fn function_name(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts[..] {
        ["arn", _, "lambda", _, _, "function", name, ..] => Some(name),
        _ => None,
    }
}

/// What the target gets: the event, unless the target says something else.
/// Source: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html>
fn input(target: &Value, event: &Value) -> anyhow::Result<Value> {
    if !target["InputTransformer"].is_null() {
        bail!("input transformers are not modelled");
    }
    if let Some(constant) = target["Input"].as_str() {
        return serde_json::from_str(constant).context("read the target's constant input");
    }
    match target["InputPath"].as_str() {
        None | Some("$") => Ok(event.clone()),
        Some(path) => {
            let pointer = path.trim_start_matches('$').replace('.', "/");
            let part = event.pointer(&pointer);
            Ok(part
                .with_context(|| format!("the event has no {path}"))?
                .clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Events, envelope};
    use crate::ministack::Ministack;
    use std::io::Write;
    use tokio::sync::mpsc::unbounded_channel;
    use tokio::time::{sleep, timeout};

    fn push(repository: &str) -> Value {
        let detail = json!({ "repository-name": repository, "image-tag": "main-1f3c" });
        envelope("aws.ecr", "ECR Image Action", &[], detail)
    }

    async fn rule(aws: &Aws, name: &str, repository: &str, target: Value) {
        let pattern = json!({
            "source": ["aws.ecr"],
            "detail": { "repository-name": [repository], "image-tag": [{ "prefix": "main-" }] },
        });
        let rule = json!({ "Name": name, "EventPattern": pattern.to_string() });
        aws.json("AWSEvents.PutRule", rule).await.unwrap();
        let targets = json!({ "Rule": name, "Targets": [target] });
        aws.json("AWSEvents.PutTargets", targets).await.unwrap();
    }

    /// A function that prints the tag of each push.
    async fn function(aws: &Aws, name: &str) -> String {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file("index.py", options).unwrap();
        zip.write_all(
            b"def handler(event, context):\n    print('push of', event['detail']['image-tag'])\n",
        )
        .unwrap();
        let zip = zip.finish().unwrap().into_inner();
        let http = crate::aws::http();
        let bucket = format!("{}/{name}", aws.url);
        http.put(&bucket).send().await.unwrap();
        http.put(format!("{bucket}/zip"))
            .body(zip)
            .send()
            .await
            .unwrap();

        let function = json!({
            "FunctionName": name,
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "Role": "arn:aws:iam::000000000000:role/any",
            "Code": { "S3Bucket": name, "S3Key": "zip" },
        });
        let functions = format!("{}/2015-03-31/functions", aws.url);
        let made = http.post(functions).json(&function).send().await.unwrap();
        let made: Value = made.json().await.unwrap();
        made["FunctionArn"]
            .as_str()
            .unwrap_or_else(|| panic!("{made}"))
            .to_owned()
    }

    #[tokio::test]
    async fn an_event_reaches_the_function_whose_rule_matches() {
        let ministack = Ministack::shared_for_tests().await;
        let aws = ministack.aws();
        let arn = function(&aws, "bus-prints").await;
        rule(
            &aws,
            "bus-prints",
            "prints",
            json!({ "Id": "1", "Arn": arn }),
        )
        .await;

        let (events, receiver) = Events::channel();
        let (heard, mut hearing) = unbounded_channel();
        let bus = run(receiver, aws, move |event, functions| {
            let repository = event["detail"]["repository-name"].clone();
            heard.send((repository, functions.to_vec())).unwrap();
        });
        events.queue(push("prints"));
        events.queue(push("another"));

        let first = hearing.recv().await.unwrap();
        assert_eq!(first, (json!("prints"), vec!["bus-prints".to_owned()]));
        let second = hearing.recv().await.unwrap();
        assert_eq!(second, (json!("another"), Vec::new()));

        let printed = async {
            loop {
                let log = ministack.function_log("bus-prints").await.unwrap();
                if log.contains(&"push of main-1f3c".to_owned()) {
                    return;
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(Duration::from_secs(20), printed)
            .await
            .expect("the function printed");
        drop(events);
        bus.await.unwrap();
    }

    #[tokio::test]
    async fn what_cannot_be_delivered_is_reported_and_the_rest_is() {
        let aws = Ministack::shared_for_tests().await.aws();
        let arn = function(&aws, "bus-stays").await;
        let gone = "arn:aws:lambda:us-east-1:000000000000:function:bus-gone";
        let queue = "arn:aws:sqs:us-east-1:000000000000:bus-queue";
        rule(&aws, "bus-1", "mixed", json!({ "Id": "1", "Arn": gone })).await;
        rule(&aws, "bus-2", "mixed", json!({ "Id": "1", "Arn": queue })).await;
        rule(&aws, "bus-3", "mixed", json!({ "Id": "1", "Arn": arn })).await;

        let delivery = Bus::new(aws).route(&push("mixed")).await;
        assert_eq!(delivery.functions, ["bus-stays"]);
        let errors: Vec<String> = delivery.errors.iter().map(|it| format!("{it:#}")).collect();
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert!(
            errors[0].contains("rule bus-1") && errors[0].contains("404"),
            "{errors:?}"
        );
        assert_eq!(
            errors[1],
            format!("rule bus-2: target {queue} is not a Lambda function")
        );
    }

    #[tokio::test]
    async fn a_disabled_rule_hears_nothing() {
        let aws = Ministack::shared_for_tests().await.aws();
        let target = json!({ "Id": "1", "Arn": "arn:aws:lambda:us-east-1:0:function:off" });
        rule(&aws, "bus-off", "silent", target).await;
        let name = json!({ "Name": "bus-off" });
        aws.json("AWSEvents.DisableRule", name).await.unwrap();

        let delivery = Bus::new(aws).route(&push("silent")).await;
        assert!(delivery.functions.is_empty() && delivery.errors.is_empty());
    }

    #[test]
    fn a_function_is_named_by_its_arn() {
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:rollout:live";
        assert_eq!(function_name(arn), Some("rollout"));
        assert_eq!(
            function_name("arn:aws:sqs:us-east-1:000000000000:failures"),
            None
        );
    }

    #[test]
    fn a_target_may_ask_for_a_part_or_for_something_else() {
        let event = json!({ "detail": { "image-tag": "main-1" } });
        assert_eq!(input(&json!({}), &event).unwrap(), event);
        let path = json!({ "InputPath": "$.detail.image-tag" });
        assert_eq!(input(&path, &event).unwrap(), "main-1");
        let constant = json!({ "Input": "{\"sweep\":true}" });
        assert_eq!(input(&constant, &event).unwrap(), json!({ "sweep": true }));
        let transformer = json!({ "InputTransformer": { "InputTemplate": "<a>" } });
        assert!(input(&transformer, &event).is_err());
    }
}
