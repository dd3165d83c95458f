//! The chapter in which somebody presses a button on the board: signed in with GitHub, as a browser without scripts does.

use anyhow::{Context, Result, ensure};
use ledger::{Digest, Release, Verdict};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{RequestBuilder, Response, StatusCode};

use super::Story;
use crate::aws::http;
use crate::site::GITHUB_REPOSITORY;

/// Somebody who is signed in.
struct Visitor {
    board: String,
    cookie: String,
}

impl Story<'_> {
    pub(super) async fn press(&self) -> Result<()> {
        self.lines
            .chapter("Somebody presses “Roll back” on the board");
        let wanted = self.another_release().await?;
        let page = format!("/targets/{}", self.service.service());
        let press = format!("{page}/rollback");
        let why = [
            ("digest", wanted.digest.as_str()),
            ("why", "the numbers were right"),
        ];

        let stranger = Visitor::stranger(&self.system.site.board);
        let refused = stranger.post(&press, &why).await?.status();
        self.lines.check(
            "who is not signed in is asked to",
            refused == StatusCode::UNAUTHORIZED,
            refused,
        );
        let eve = Visitor::sign_in(&self.system.site.board, "eve", &page).await?;
        let shown = eve.read(&page).await?;
        let refused = eve.post(&press, &why).await?.status();
        self.lines.check(
            "eve, who may only read the repository, sees no button and is refused",
            !shown.contains(&press) && refused == StatusCode::FORBIDDEN,
            refused,
        );
        let ada = Visitor::sign_in(&self.system.site.board, "ada", &page).await?;
        let shown = ada.read(&page).await?;
        self.lines.check(
            &format!("ada, who may write to it, is offered {}", wanted.label()),
            shown.contains(&format!("value=\"{}\"", wanted.digest)),
            shown.len(),
        );
        let pressed = ada.post(&press, &why).await?;
        let notice = location(&pressed)?;
        self.lines.check(
            "she presses it, and is back on the page",
            pressed.status() == StatusCode::SEE_OTHER && notice.starts_with(&page),
            pressed.status(),
        );
        let line = format!("{} is live again", wanted.label());
        self.lines
            .becomes(&line, Some(wanted.digest.clone()), async || {
                let head = self.ledger.head(&self.service).await?;
                Ok::<Option<Digest>, anyhow::Error>(head.live.map(|live| live.release.digest))
            })
            .await;
        self.lines
            .becomes("her page says what came of it", true, async || {
                let page = ada.read(notice.trim_end_matches("#asked")).await?;
                Ok(page.contains("What you asked for is") && page.contains("succeeded"))
            })
            .await;
        let newest = self.ledger.history(&self.service, 1).await?.remove(0);
        self.lines.check(
            "the history says who asked",
            newest.cause.to_string() == "rollback by ada",
            &newest.cause,
        );
        self.github_says_live(&wanted).await
    }

    /// A release that ran and does not run.
    async fn another_release(&self) -> Result<Release> {
        let live = self.ledger.head(&self.service).await?.live;
        let live = live.context("nothing runs")?.release.digest;
        let history = self.ledger.history(&self.service, 20).await?;
        let mut ran = history
            .into_iter()
            .filter(|rollout| rollout.verdict == Some(Verdict::Succeeded))
            .map(|rollout| rollout.release);
        ran.find(|release| release.digest != live)
            .context("there is no other release")
    }

    /// The newest deployment of the release's commit is a success at GitHub, and its commit says how long it took.
    async fn github_says_live(&self, release: &Release) -> Result<()> {
        let commit = release
            .commit
            .as_ref()
            .context("the release has no commit")?;
        self.lines
            .becomes("GitHub says so too", true, async || {
                let github = &self.system.github;
                let deployments = github.deployments(GITHUB_REPOSITORY);
                let newest = deployments
                    .iter()
                    .rfind(|it| it.sha == commit.as_str())
                    .and_then(|it| it.statuses.last());
                let words = github.statuses(GITHUB_REPOSITORY, commit.as_str());
                let words = words.last().and_then(|it| it.description.clone());
                Ok(newest.is_some_and(|it| it.state.to_string() == "success")
                    && words.is_some_and(|it| it.starts_with("Live in ")))
            })
            .await;
        Ok(())
    }
}

impl Visitor {
    fn stranger(board: &str) -> Visitor {
        let (board, cookie) = (board.to_owned(), String::new());
        Visitor { board, cookie }
    }

    /// By way of GitHub, where `login` says that the board may know them.
    async fn sign_in(board: &str, login: &str, page: &str) -> Result<Visitor> {
        let mut visitor = Visitor::stranger(board);
        let out = visitor.get(&format!("/sign-in?to={page}")).await?;
        visitor.cookie = cookies(&out);
        let consent = http().post(location(&out)?).form(&[("login", login)]);
        let back = location(&consent.send().await?)?;
        let back = back.strip_prefix(board).context("GitHub leads elsewhere")?;
        let back = visitor.get(back).await?;
        ensure!(location(&back)? == page, "signing in leads elsewhere");
        visitor.cookie = cookies(&back);
        Ok(visitor)
    }

    async fn read(&self, path: &str) -> Result<String> {
        Ok(self.get(path).await?.error_for_status()?.text().await?)
    }

    async fn get(&self, path: &str) -> Result<Response> {
        self.send(http().get(format!("{}{path}", self.board))).await
    }

    /// Sends a form of the board's own page, as browsers say it.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Response> {
        let post = http().post(format!("{}{path}", self.board)).form(fields);
        self.send(post.header("sec-fetch-site", "same-origin"))
            .await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let sent = request.header(COOKIE, &self.cookie).send().await;
        sent.context("ask the board")
    }
}

fn location(answer: &Response) -> Result<String> {
    let location = answer.headers().get(LOCATION);
    let location = location.with_context(|| format!("{} leads nowhere", answer.status()))?;
    Ok(location.to_str()?.to_owned())
}

/// The cookies that an answer sets and does not take back.
fn cookies(answer: &Response) -> String {
    let set = answer.headers().get_all(SET_COOKIE).iter();
    let set = set.filter_map(|it| it.to_str().ok());
    let kept = set.filter(|it| !it.contains("Max-Age=0"));
    let pairs = kept.filter_map(|it| it.split(';').next());
    pairs.collect::<Vec<_>>().join("; ")
}
