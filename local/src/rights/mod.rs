//! Rights, proved in both directions: what the functions and the service's tasks called, and what Lambda does in a
//! function's name, is what their roles allow, no less and no more.
//!
//! The calls are those that went through [`front`](crate::front); the rights are those in IAM. Conditions in policies
//! are not evaluated: a call that only a condition forbids goes unnoticed here.

mod actions;
mod iam;
mod implied;
mod plan;
mod policy;
mod proof;
pub(crate) mod rest;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::aws::Aws;
use crate::front::{Call, Mark, TERRAFORM};
use crate::system::System;
use actions::Need;

/// What does not fit, a sentence each, after everything has been called that is ever called: a right that is missing,
/// one that nothing needed, one that is on something else, a caller whom nobody knows. Nothing if all is proved.
pub async fn prove(system: &System) -> Result<Vec<String>> {
    let aws = system.ministack.aws();
    let subjects = subjects(&aws, &system.site.outputs).await?;
    prove_calls(&aws, &system.calls().all(), &subjects).await
}

/// The actions that Terraform called since `mark` and that `role` may not call on anything.
pub async fn refused(system: &System, mark: Mark, role: &str) -> Result<Vec<String>> {
    let rights = iam::of_role_with_attached(&system.ministack.aws(), role).await?;
    Ok(plan::refused(&system.calls().since(mark), &rights))
}

/// Somebody with a role.
struct Subject {
    role: String,
    /// What is needed without a call of its own.
    implied: Vec<Need>,
}

/// The functions and the service by the names with which they call.
async fn subjects(aws: &Aws, outputs: &Value) -> Result<BTreeMap<String, Subject>> {
    let functions = outputs["functions"]
        .as_object()
        .context("Terraform names no functions")?;
    let mut subjects = BTreeMap::new();
    for name in functions.values().filter_map(Value::as_str) {
        subjects.insert(name.to_owned(), function(aws, name).await?);
    }
    let service = outputs["service"]
        .as_str()
        .context("Terraform names no service")?;
    let task = Subject {
        role: format!("{service}-task"),
        implied: Vec::new(),
    };
    subjects.insert(service.to_owned(), task);
    Ok(subjects)
}

async fn function(aws: &Aws, name: &str) -> Result<Subject> {
    let read = async |path: String| {
        let answer = aws.get("lambda", &path).await?;
        serde_json::from_str::<Value>(&answer).with_context(|| format!("read {path}"))
    };
    let configuration = read(format!("/2015-03-31/functions/{name}/configuration")).await?;
    let path = format!("/2015-03-31/event-source-mappings/?FunctionName={name}");
    let mappings = read(path).await?;
    let events = match read(format!("/2019-09-25/functions/{name}/event-invoke-config")).await {
        // A function without such settings.
        Err(error) if format!("{error:#}").contains("ResourceNotFoundException") => Value::Null,
        answer => answer?,
    };
    let role = configuration["Role"].as_str().unwrap_or_default();
    let role = role.rsplit('/').next().unwrap_or_default();
    Ok(Subject {
        role: role.to_owned(),
        implied: implied::implied(&configuration, &mappings, &events)
            .with_context(|| format!("the function {name}"))?,
    })
}

async fn prove_calls(
    aws: &Aws,
    calls: &[Call],
    subjects: &BTreeMap<String, Subject>,
) -> Result<Vec<String>> {
    let callers: BTreeSet<&str> = calls.iter().map(|call| call.caller.as_str()).collect();
    let strangers = callers.iter().filter(|it| **it != TERRAFORM);
    let mut wrong: Vec<String> = strangers
        .filter(|it| !subjects.contains_key(**it))
        .map(|it| format!("{it} calls AWS and is neither a function nor the service"))
        .collect();
    let secrets = secrets(aws, calls).await?;
    for (name, subject) in subjects {
        if !callers.contains(name.as_str()) {
            wrong.push(format!(
                "{name} called nothing, or does not say its name (AWS_SDK_UA_APP_ID)"
            ));
            continue;
        }
        let mut needs = BTreeSet::from_iter(subject.implied.iter().cloned());
        for call in calls.iter().filter(|call| call.caller == *name) {
            match actions::needs(call, &secrets) {
                Some(needed) => needs.extend(needed),
                None => wrong.push(format!(
                    "{name} called {}, and it is not known here what that is a right on",
                    actions::action(call)
                )),
            }
        }
        let rights = iam::of_role(aws, &subject.role).await?;
        wrong.extend(proof::compare(name, &needs, &rights));
    }
    Ok(wrong)
}

/// Those of the parameters that were read which SSM keeps encrypted.
async fn secrets(aws: &Aws, calls: &[Call]) -> Result<BTreeSet<String>> {
    let read = calls.iter().filter(|call| call.operation == "GetParameter");
    let names = read.filter_map(|call| call.parameters["Name"].as_str());
    let mut secrets = BTreeSet::new();
    for name in names.collect::<BTreeSet<_>>() {
        let answer = aws
            .json("AmazonSSM.GetParameter", json!({ "Name": name }))
            .await?;
        if answer["Parameter"]["Type"] == "SecureString" {
            secrets.insert(name.to_owned());
        }
    }
    Ok(secrets)
}

#[cfg(test)]
mod tests;
