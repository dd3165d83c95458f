//! Who looks at a page, and what they may do.

use maud::{Markup, html};
use poem::Request;

use super::act::Acting;
use super::links;
use crate::app::Service;
use crate::door::{self, Actor, Right};

/// Who looks at a page.
#[derive(Debug)]
pub(super) enum Reader {
    /// Nobody can sign in here.
    Anybody,
    /// Not known yet.
    Stranger {
        /// The path of the page they are on.
        from: String,
    },
    /// Known.
    Known(Actor),
}

impl Reader {
    /// Who sent `request`. That it cannot be found out keeps nobody from looking.
    pub(super) async fn of(request: &Request, service: &Service) -> Reader {
        match service.door.actor(request).await {
            Ok(Some(actor)) => return Reader::Known(actor),
            Ok(None) => {}
            Err(failure) => tracing::warn!("who looks is not known: {failure:?}"),
        }
        match service.door.signs_in() {
            true => Reader::Stranger {
                from: request.uri().path().to_owned(),
            },
            false => Reader::Anybody,
        }
    }

    /// Whether they may act on a target whose commits are those of `repository`.
    pub(super) async fn acting(&self, service: &Service, repository: &str) -> Acting {
        let actor = match self {
            Reader::Anybody => return Acting::Nobody,
            Reader::Stranger { .. } => return Acting::SignIn,
            Reader::Known(actor) => actor,
        };
        match service.door.right(actor, repository).await {
            Ok(Right::Act) => Acting::Act,
            Ok(Right::OnlyLook) => Acting::OnlyLook(actor.name()),
            Ok(Right::SignInAgain) => Acting::SignIn,
            Err(failure) => {
                let name = actor.name();
                tracing::warn!(
                    actor.name = name,
                    "what they may do is not known: {failure:?}"
                );
                Acting::Nobody
            }
        }
    }
}

/// Who reads, at the head of a page. Whom the balancer or a token has let in cannot be signed out here.
pub(super) fn shown(reader: &Reader) -> Markup {
    html! {
        @match reader {
            Reader::Anybody => {},
            Reader::Stranger { from } => a.sign-in href=(links::sign_in(from)) { "Sign in" },
            Reader::Known(Actor::Member { login, .. }) => form.reader method="post" action=(door::SIGN_OUT) {
                span { (login) } " " button { "Sign out" }
            },
            Reader::Known(actor) => span.reader { (actor.name()) },
        }
    }
}
