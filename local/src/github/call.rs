//! A request and its answer, free of HTTP.

use std::collections::BTreeMap;

use serde_json::Value;

use super::refusal::Refusal;

/// A request, read.
pub(super) struct Call {
    /// `http://host:port` as the client knows it.
    pub(super) base: String,
    /// `GET` or `POST`.
    pub(super) method: String,
    /// The path with its query, as it came.
    pub(super) target: String,
    /// The query, decoded.
    pub(super) query: Vec<(String, String)>,
    /// The body, as it came.
    pub(super) body: Vec<u8>,
    /// The header `accept`; empty if it did not come.
    pub(super) accept: String,
}

/// An answer, not yet written.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<&'static str, String>,
    /// A string is sent as it stands, anything else as JSON.
    pub(super) body: Value,
}

impl Call {
    /// The path without its query.
    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A parameter of the query.
    pub(super) fn asked(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }

    /// The body of a form.
    pub(super) fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The path, cut at its slashes.
    pub(super) fn steps(&self) -> Vec<&str> {
        self.path().split('/').skip(1).collect()
    }

    /// A request as it looks when it has arrived, for tests of what comes after.
    #[cfg(test)]
    pub(super) fn get(target: &str) -> Call {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let pairs = query.split('&').filter_map(|it| it.split_once('='));
        Call {
            base: "http://github".to_owned(),
            method: "GET".to_owned(),
            target: target.to_owned(),
            query: pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            body: Vec::new(),
            accept: String::new(),
        }
    }
}

impl Answer {
    /// An answer without headers of its own.
    pub(super) fn new(status: u16, body: Value) -> Answer {
        Answer {
            status,
            headers: BTreeMap::new(),
            body,
        }
    }

    /// The same with one header more.
    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Answer {
        self.headers.insert(name, value.to_string());
        self
    }

    /// The same with links to other pages, if there are any.
    pub(super) fn linked(self, link: Option<String>) -> Answer {
        match link {
            Some(link) => self.with("link", link),
            None => self,
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Answer {
        Answer::new(refusal.status, refusal.body())
    }
}
