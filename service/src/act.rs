//! What people and scripts ask for. It becomes an event, and `rollout` carries it out: this service may touch nothing.

use std::sync::Arc;

use ledger::Digest;
use poem::http::StatusCode;
use poem::http::header::LOCATION;
use poem::web::{Data, Form, Json, Path, Redirect};
use poem::{IntoResponse, Request, Response, handler};
use serde::{Deserialize, Serialize};

use crate::api;
use crate::app::Service;
use crate::door::Right;
use crate::failure::Failure;
use crate::find;

/// A request fits into this many bytes.
pub(crate) const LARGEST: usize = 8 * 1024;
/// And its reason into this many characters: it stands in a table.
const LONGEST_WHY: usize = 200;

/// The detail of a "Rollout Requested" event, as `docs/rollout-requested.schema.json` describes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Ask {
    pub(crate) action: Action,
    pub(crate) target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    pub(crate) by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
}

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Rollback,
    Redeploy,
    Promote,
    Hold,
    Release,
}

/// What was sent.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    digest: Option<String>,
    from: Option<String>,
    why: Option<String>,
}

#[derive(Deserialize)]
struct Call {
    action: Action,
    #[serde(flatten)]
    wanted: Wanted,
}

/// That something was asked for.
#[derive(Serialize)]
struct Asked<'a> {
    /// The event's id, by which its rollout is found.
    id: &'a str,
    #[serde(flatten)]
    ask: &'a Ask,
}

/// What has become of a request.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    /// The request's id.
    pub(crate) id: String,
    /// Whether it was carried out: a rollout was begun, or the target was held or released.
    pub(crate) answered: bool,
    /// The rollout that it has led to.
    pub(crate) rollout: Option<ledger::Rollout>,
}

/// Asks from a page, and goes back to it.
#[handler]
pub(crate) async fn by_form(
    request: &Request,
    service: Data<&Arc<Service>>,
    Path((name, action)): Path<(String, String)>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Failure> {
    let action = Action::called(&action)
        .ok_or_else(|| Failure::Missing(format!("action called `{action}`")))?;
    // A form sends the empty text for what nobody has filled in.
    let wanted = Wanted {
        digest: filled(wanted.digest),
        from: filled(wanted.from),
        why: wanted.why,
    };
    let (id, ask) = ask(request, &service, &name, action, wanted).await?;
    let page = format!("/targets/{}?asked={id}#asked", ask.target);
    Ok(Redirect::see_other(page).into_response())
}

/// Asks from a script.
#[handler]
pub(crate) async fn by_script(
    request: &Request,
    service: Data<&Arc<Service>>,
    Path(name): Path<String>,
    body: Vec<u8>,
) -> Result<Response, Failure> {
    let call: Call = serde_json::from_slice(&body)
        .map_err(|error| Failure::Refused(format!("The body is not a request: {error}.")))?;
    let (id, ask) = ask(request, &service, &name, call.action, call.wanted).await?;
    let asked = Asked { id: &id, ask: &ask };
    Ok(Json(asked)
        .with_status(StatusCode::ACCEPTED)
        .with_header(
            LOCATION,
            format!("{}/targets/{name}/requests/{id}", api::PATH),
        )
        .into_response())
}

/// Puts what `request` wants on the bus, in the name of whoever sent it.
async fn ask(
    request: &Request,
    service: &Service,
    name: &str,
    action: Action,
    wanted: Wanted,
) -> Result<(String, Ask), Failure> {
    let actor = service.door.actor(request).await?.ok_or(Failure::Unknown)?;
    actor.meant(request)?;
    let by = actor.name();
    let seen = service.watch.seen().await?;
    let target = &find::target(&seen, name)?.target;
    let repository = &target.github_repository;
    match service.door.right(&actor, repository).await? {
        Right::Act => {}
        Right::SignInAgain => return Err(Failure::Unknown),
        Right::OnlyLook => {
            let why = format!("{by} may not write to {repository}, and so may only look.");
            return Err(Failure::Forbidden(why));
        }
    }
    service.pace.act(&by)?;
    let ask = read(action, name, by, wanted)?;
    let put = service.bus.put(&ask).await;
    let id = put.map_err(|error| Failure::Unreachable("EventBridge", error))?;
    tracing::info!(
        actor.name = ask.by,
        target.name = ask.target,
        request.id = id,
        request.action = action.as_str(),
        request.digest = ask.digest.as_ref().map(Digest::as_str),
        request.from = ask.from,
        request.why = ask.why,
        "{} asks for {} of {}",
        ask.by,
        action.as_str(),
        ask.target
    );
    Ok((id, ask))
}

/// What is wanted, or why it makes no sense.
fn read(action: Action, target: &str, by: String, wanted: Wanted) -> Result<Ask, Failure> {
    let long = |why: &String| why.chars().count() > LONGEST_WHY;
    if wanted.why.as_ref().is_some_and(long) {
        let why = format!("The reason has more than {LONGEST_WHY} characters.");
        return Err(Failure::Refused(why));
    }
    let digest = match wanted.digest {
        Some(digest) => Some(
            Digest::parse(&digest)
                .map_err(|_| Failure::Refused(format!("`{digest}` is not a digest.")))?,
        ),
        None => None,
    };
    match (action, &wanted.from) {
        (Action::Promote, None) => {
            let why = "A promotion says `from` which target.".to_owned();
            return Err(Failure::Refused(why));
        }
        (Action::Promote, Some(from)) if from == target => {
            let why = "A target is not promoted to itself.".to_owned();
            return Err(Failure::Forbidden(why));
        }
        // It may be a target of another installation, whose ledger `rollout` may read and this service may not.
        _ => {}
    }
    Ok(Ask {
        action,
        target: target.to_owned(),
        digest,
        from: wanted.from,
        by,
        why: filled(wanted.why),
    })
}

/// A text, unless it says nothing.
fn filled(text: Option<String>) -> Option<String> {
    let text = text.unwrap_or_default().trim().to_owned();
    (!text.is_empty()).then_some(text)
}

impl Action {
    const ALL: [Action; 5] = [
        Action::Rollback,
        Action::Redeploy,
        Action::Promote,
        Action::Hold,
        Action::Release,
    ];

    fn called(name: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|it| it.as_str() == name)
    }

    /// The word for it, in events and in addresses.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Action::Rollback => "rollback",
            Action::Redeploy => "redeploy",
            Action::Promote => "promote",
            Action::Hold => "hold",
            Action::Release => "release",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sent(wanted: &Value) -> Wanted {
        serde_json::from_value(wanted.clone()).expect("wanted")
    }

    #[test]
    fn what_is_asked_is_what_the_schema_describes() {
        let schema = include_str!("../../docs/rollout-requested.schema.json");
        let schema: Value = serde_json::from_str(schema).expect("schema");
        let schema = jsonschema::validator_for(&schema).expect("schema");
        let digest = format!("sha256:{:064x}", 7);
        for (action, wanted) in [
            (Action::Rollback, json!({ "why": " prices are wrong " })),
            (Action::Rollback, json!({ "digest": digest, "why": " " })),
            (Action::Redeploy, json!({})),
            (Action::Promote, json!({ "from": "shop-staging-web" })),
            (Action::Hold, json!({})),
            (Action::Release, json!({})),
        ] {
            let ask = read(action, "web", "ada".into(), sent(&wanted)).expect("ask");
            let detail = serde_json::to_value(&ask).expect("JSON");
            let wrong = schema.iter_errors(&detail).map(|error| error.to_string());
            assert_eq!(wrong.collect::<Vec<_>>(), Vec::<String>::new(), "{detail}");
            assert_ne!(detail["why"], "", "{detail}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for (action, wanted, expected) in [
            (
                Action::Promote,
                json!({}),
                "A promotion says `from` which target.",
            ),
            (
                Action::Promote,
                json!({ "from": "web" }),
                "A target is not promoted to itself.",
            ),
            (
                Action::Rollback,
                json!({ "digest": "latest" }),
                "`latest` is not a digest.",
            ),
            (
                Action::Hold,
                json!({ "why": "é".repeat(201) }),
                "The reason has more than 200 characters.",
            ),
        ] {
            let refused = read(action, "web", "ada".into(), sent(&wanted));
            assert_eq!(refused.expect_err("refused").to_string(), expected);
        }
    }
}
