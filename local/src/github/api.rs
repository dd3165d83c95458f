//! Which request asks for what.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::call::{Answer, Call};
use super::model::{Ids, Model};
use super::page::page;
use super::refusal::{COMMITS, Refusal};
use super::repository::Repository;
use super::rules;
use super::shape::Home;
use super::user::{Access, Who};

/// Does what the request asks for.
pub(super) fn answer(model: &mut Model, who: &Who, call: &Call, now: DateTime<Utc>) -> Answer {
    let answer = match call.steps()[..] {
        ["user"] => me(who, call),
        ["repos", owner, name, ref rest @ ..] => {
            let name = format!("{owner}/{name}");
            match (who, call.method.as_str()) {
                (Who::User(user), "GET") if user.may(&name).is_none() => Err(Refusal::not_found()),
                (who, "GET") => model
                    .repository(&name)
                    .and_then(|it| read(it, who, rest, call)),
                (Who::App, "POST") => model
                    .change(&name)
                    .and_then(|(it, ids)| write(it, ids, rest, call, now)),
                (Who::User(_), "POST") => Err(Refusal::not_for_this_token()),
                _ => Err(Refusal::not_found()),
            }
        }
        _ => Err(Refusal::not_found()),
    };
    answer.unwrap_or_else(Answer::from)
}

/// Who asks.
fn me(who: &Who, call: &Call) -> Result<Answer, Refusal> {
    match (who, call.method.as_str()) {
        (Who::User(user), "GET") => Ok(Answer::new(200, user.shape(&call.base))),
        (Who::App, "GET") => Err(Refusal::not_for_this_token()),
        _ => Err(Refusal::not_found()),
    }
}

/// The permission that a fine-grained token needs, in the words of `x-accepted-github-permissions`.
/// Source: <https://docs.github.com/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens>
pub(super) fn permission(call: &Call) -> String {
    let resource = match call.steps()[..] {
        ["repos", _, _, "statuses", _] => "statuses",
        ["repos", _, _, "commits", _, "status" | "statuses"] => "statuses",
        ["repos", _, _, "deployments", ..] => "deployments",
        ["repos", _, _, "commits", _] => "contents",
        _ => "metadata",
    };
    let access = if call.method == "GET" {
        "read"
    } else {
        "write"
    };
    format!("{resource}={access}")
}

/// Everything that can be asked about a repository. Lists are newest first.
fn read(it: &Repository, who: &Who, steps: &[&str], call: &Call) -> Result<Answer, Refusal> {
    let home = Home {
        base: &call.base,
        repository: &it.name,
    };
    match steps {
        // Source: https://docs.github.com/rest/repos/repos#get-a-repository
        [] => {
            let mut shape = home.described();
            if let Who::User(user) = who {
                shape["permissions"] = user.may(&it.name).map(Access::permissions).into();
            }
            Ok(Answer::new(200, shape))
        }
        ["commits", reference] => {
            let commit = it.commit(reference);
            let commit = commit.ok_or_else(|| Refusal::no_commit(reference, COMMITS))?;
            Ok(Answer::new(200, home.commit(commit)))
        }
        // "Statuses are returned in reverse chronological order."
        // Source: https://docs.github.com/rest/commits/statuses#list-commit-statuses-for-a-reference
        ["commits", reference, "statuses"] => {
            let commit = it.commit(reference).ok_or_else(Refusal::not_found)?;
            let statuses = commit.statuses.iter().rev();
            Ok(list(call, statuses, |it| home.status(&commit.sha, it)))
        }
        ["commits", reference, "status"] => {
            let commit = it.commit(reference).ok_or_else(Refusal::not_found)?;
            let (shown, link) = page(call, commit.latest());
            Ok(Answer::new(200, home.combined(commit, &shown)).linked(link))
        }
        // The filters: https://docs.github.com/rest/deployments/deployments#list-deployments
        ["deployments"] => {
            let fits = |field, value: &str| call.asked(field).is_none_or(|it| it == value);
            let deployments = it.deployments.iter().rev().filter(|it| {
                fits("sha", &it.sha)
                    && fits("ref", &it.reference)
                    && fits("task", &it.task)
                    && fits("environment", &it.environment)
            });
            Ok(list(call, deployments, |it| home.deployment(it)))
        }
        ["deployments", id] => Ok(Answer::new(
            200,
            home.deployment(it.deployment(number(id)?)?),
        )),
        ["deployments", id, "statuses"] => {
            let deployment = it.deployment(number(id)?)?;
            let statuses = deployment.statuses.iter().rev();
            Ok(list(call, statuses, |it| {
                home.deployment_status(deployment.id, it)
            }))
        }
        _ => Err(Refusal::not_found()),
    }
}

/// Everything that can be told to a repository.
fn write(
    it: &mut Repository,
    ids: &mut Ids,
    steps: &[&str],
    call: &Call,
    now: DateTime<Utc>,
) -> Result<Answer, Refusal> {
    let name = it.name.clone();
    let home = Home {
        base: &call.base,
        repository: &name,
    };
    let made = match steps {
        ["statuses", sha] => {
            let new = rules::new_status(sha, &call.body)?;
            home.status(sha, it.add_status(ids, sha, new, now)?)
        }
        ["deployments"] => {
            let new = rules::new_deployment(&call.body)?;
            home.deployment(it.add_deployment(ids, new, now)?)
        }
        ["deployments", id, "statuses"] => {
            let id = it.deployment(number(id)?)?.id;
            let new = rules::new_deployment_status(&call.body)?;
            home.deployment_status(id, it.add_deployment_status(ids, id, new, now)?)
        }
        _ => return Err(Refusal::not_found()),
    };
    Ok(Answer::new(201, made))
}

fn list<'a, T: 'a>(
    call: &Call,
    items: impl Iterator<Item = &'a T>,
    shape: impl Fn(&T) -> Value,
) -> Answer {
    let (shown, link) = page(call, items.collect());
    Answer::new(200, shown.into_iter().map(shape).collect()).linked(link)
}

fn number(id: &str) -> Result<u64, Refusal> {
    id.parse().map_err(|_| Refusal::not_found())
}
