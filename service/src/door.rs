//! Who may act on a target. Nobody, unless the settings open one of three ways in.
//!
//! ```text
//! bearer token ────────┐
//! balancer's header ───┼──► actor ──► right ──► the request, with a name
//! session (GitHub) ────┘
//! ```

mod balancer;
mod github;
mod origin;
mod parameter;
mod session;
mod token;

pub(crate) use balancer::Balancer;
pub(crate) use github::Secret;
pub(crate) use session::{SIGN_IN, SIGN_OUT, SIGNED_IN, sign_in, sign_out, signed_in};
pub(crate) use token::Token;

use chrono::Utc;
use poem::Request;
use poem::http::header::AUTHORIZATION;
use wire::{Http, SdkConfig};

use crate::failure::Failure;
use crate::settings::Doors;
use github::GitHub;
use parameter::Parameter;
use session::Session;

/// The ways in that are open.
#[derive(Debug, Default)]
pub(crate) struct Door {
    github: Option<GitHub>,
    balancer: Option<Balancer>,
    tokens: Vec<Token>,
}

/// Somebody who is known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Actor {
    /// Signed in with GitHub; what they may do is GitHub's to say.
    Member {
        /// Their name at GitHub.
        login: String,
        /// The token by which GitHub is asked in their name.
        token: Secret,
    },
    /// Let in by the load balancer, which asks an identity provider of the installation's choice.
    Colleague(String),
    /// A script with a token.
    Script(String),
}

/// Whether somebody may act on a target, or why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// They may.
    Act,
    /// GitHub says that they may not write to the repository whose commits are rolled out.
    OnlyLook,
    /// GitHub does not know their session any more.
    SignInAgain,
}

impl Door {
    /// The ways in that `doors` opens.
    pub(crate) fn new(doors: &Doors, config: &SdkConfig) -> anyhow::Result<Self> {
        let http = Http::default();
        let secret = |name: &str| Parameter::new(aws_sdk_ssm::Client::new(config), name);
        Ok(Door {
            github: doors
                .github
                .as_ref()
                .map(|app| GitHub::new(http.clone(), app, secret(&app.secret_parameter))),
            balancer: doors
                .balancer
                .as_ref()
                .map(|trusted| Balancer::new(http.clone(), trusted)),
            tokens: doors.tokens.clone(),
        })
    }

    /// Whether people can sign in.
    pub(crate) fn signs_in(&self) -> bool {
        self.github.is_some() || self.balancer.is_some()
    }

    /// GitHub, if people can sign in with it.
    fn github(&self) -> Result<&GitHub, Failure> {
        let closed = || Failure::Missing("way to sign in here".to_owned());
        self.github.as_ref().ok_or_else(closed)
    }

    /// Who sent `request`, if they say so. Whoever says it wrongly is refused, and not taken for a stranger.
    pub(crate) async fn actor(&self, request: &Request) -> Result<Option<Actor>, Failure> {
        if let Some(presented) = request.header(AUTHORIZATION) {
            let name = token::holder(&self.tokens, presented).ok_or(Failure::Unknown)?;
            return Ok(Some(Actor::Script(name.to_owned())));
        }
        if let (Some(balancer), Some(said)) = (&self.balancer, balancer::said(request)) {
            let name = balancer.verified(said, Utc::now()).await?;
            return Ok(Some(Actor::Colleague(name)));
        }
        let session = match &self.github {
            Some(github) => Session::of(request, github).await?,
            None => None,
        };
        Ok(session.map(|session| Actor::Member {
            login: session.login,
            token: session.token,
        }))
    }

    /// Whether `actor` may act on a target whose commits are those of `repository`.
    pub(crate) async fn right(&self, actor: &Actor, repository: &str) -> Result<Right, Failure> {
        match (actor, &self.github) {
            (Actor::Member { login, token }, Some(github)) => {
                github.right(login, token, repository).await
            }
            (Actor::Member { .. }, None) => Ok(Right::SignInAgain),
            (Actor::Colleague(_) | Actor::Script(_), _) => Ok(Right::Act),
        }
    }
}

impl Actor {
    /// What the history calls them.
    pub(crate) fn name(&self) -> String {
        match self {
            Actor::Member { login, .. } => login.clone(),
            Actor::Colleague(name) => name.clone(),
            Actor::Script(name) => format!("token {name}"),
        }
    }

    /// Whether a browser sends what they are known by without being asked, so that another site's page could act in
    /// their name.
    fn is_known_unasked(&self) -> bool {
        !matches!(self, Actor::Script(_))
    }

    /// Refuses what a page of another site has sent in their name.
    pub(crate) fn meant(&self, request: &Request) -> Result<(), Failure> {
        if self.is_known_unasked() && !origin::is_ours(request.headers()) {
            let why = "This came from another site's page, or from a browser that does not say from where.";
            return Err(Failure::Forbidden(why.to_owned()));
        }
        Ok(())
    }
}
