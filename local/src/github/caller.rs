//! A client for the tests: knows the token, and a repository with two commits.

use std::net::SocketAddr;

use reqwest::{RequestBuilder, header};
use serde_json::Value;

use super::{GitHub, Served};

/// The token that is let in.
pub(super) const TOKEN: &str = "ghs_token";
/// The repository that exists.
pub(super) const REPOSITORY: &str = "ada/poems";
/// The head of its default branch.
pub(super) const SHA: &str = "6dcb09b5b57875f334f61aebed695e2e4193db5e";
/// The commit before.
pub(super) const OLDER: &str = "0123456789abcdef0123456789abcdef01234567";

/// A client and the GitHub that it calls.
pub(super) struct Caller {
    pub(super) github: GitHub,
    pub(super) served: Served,
    client: reqwest::Client,
}

/// What came back.
pub(super) struct Heard {
    pub(super) status: u16,
    pub(super) body: Value,
    headers: header::HeaderMap,
}

impl Caller {
    pub(super) async fn new() -> Caller {
        let github = GitHub::new(TOKEN);
        github.add_commit(REPOSITORY, OLDER, "first line");
        github.add_commit(REPOSITORY, SHA, "second line");
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let served = github.serve(address).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().user_agent("couplet");
        Caller {
            github,
            served,
            client: client.build().unwrap(),
        }
    }

    /// The address of something in the repository.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}/repos/{REPOSITORY}/{path}", self.served.url())
    }

    pub(super) async fn get(&self, path: &str) -> Heard {
        self.send(self.client.get(self.url(path))).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Heard {
        self.send(self.client.post(self.url(path)).json(&body))
            .await
    }

    pub(super) async fn get_at(&self, path: &str) -> Heard {
        let url = format!("{}{path}", self.served.url());
        self.send(self.client.get(url)).await
    }

    pub(super) async fn post_at(&self, path: &str, body: Value) -> Heard {
        let url = format!("{}{path}", self.served.url());
        self.send(self.client.post(url).json(&body)).await
    }

    async fn send(&self, request: RequestBuilder) -> Heard {
        let response = request.bearer_auth(TOKEN).send().await.unwrap();
        Heard {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.json().await.unwrap(),
        }
    }
}

impl Heard {
    /// A header; empty if it did not come.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }

    /// One field of every item of a list.
    pub(super) fn all(&self, field: &str) -> Vec<&str> {
        let items = self.body.as_array().unwrap();
        items.iter().map(|it| it[field].as_str().unwrap()).collect()
    }
}
