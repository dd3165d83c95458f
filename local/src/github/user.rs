//! People, and what each may do with which repository.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What somebody may do with a repository; each may do what those before it may.
/// Source: <https://docs.github.com/organizations/managing-user-access-to-your-organizations-repositories/managing-repository-roles/repository-roles-for-an-organization>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "GitHub's own words")]
pub enum Access {
    Read,
    Triage,
    Write,
    Maintain,
    Admin,
}

/// Whose token a request came with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Who {
    /// The app that tells commits how they fare: sees all there is.
    App,
    /// Somebody who has signed in.
    User(User),
}

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct User {
    /// Their name in addresses.
    pub(super) login: String,
    id: u64,
    access: BTreeMap<String, Access>,
}

impl Access {
    /// The field `permissions` of a repository.
    /// Source: <https://docs.github.com/rest/repos/repos#get-a-repository>
    pub(super) fn permissions(self) -> Value {
        json!({
            "admin": self >= Access::Admin,
            "maintain": self >= Access::Maintain,
            "push": self >= Access::Write,
            "triage": self >= Access::Triage,
            "pull": self >= Access::Read,
        })
    }
}

impl User {
    /// Somebody who sees nothing yet.
    pub(super) fn new(login: &str, id: u64) -> User {
        User {
            login: login.to_owned(),
            id,
            access: BTreeMap::new(),
        }
    }

    /// The same person, seeing nothing.
    pub(super) fn blind(&self) -> User {
        User::new(&self.login, self.id)
    }

    /// From now on they may do this with the repository, whatever they might before.
    pub(super) fn give(&mut self, repository: &str, access: Access) {
        self.access.insert(repository.to_lowercase(), access);
    }

    /// What they may do with a repository; nothing if they may not even see it.
    pub(super) fn may(&self, repository: &str) -> Option<Access> {
        self.access.get(&repository.to_lowercase()).copied()
    }

    /// What they are told about themselves; the fields are those that GitHub's description requires of everybody.
    /// Source: <https://docs.github.com/rest/users/users#get-the-authenticated-user>
    pub(super) fn shape(&self, base: &str) -> Value {
        let login = &self.login;
        let url = format!("{base}/users/{login}");
        json!({
            "login": login,
            "id": self.id,
            "node_id": format!("U_{}", self.id),
            "avatar_url": format!("https://avatars.githubusercontent.com/u/{}?v=4", self.id),
            "gravatar_id": "",
            "url": url,
            "html_url": format!("https://github.com/{login}"),
            "followers_url": format!("{url}/followers"),
            "following_url": format!("{url}/following{{/other_user}}"),
            "gists_url": format!("{url}/gists{{/gist_id}}"),
            "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{url}/subscriptions"),
            "organizations_url": format!("{url}/orgs"),
            "repos_url": format!("{url}/repos"),
            "events_url": format!("{url}/events{{/privacy}}"),
            "received_events_url": format!("{url}/received_events"),
            "type": "User",
            "site_admin": false,
            "name": null,
            "company": null,
            "blog": "",
            "location": null,
            "email": null,
            "hireable": null,
            "bio": null,
            "public_repos": 0,
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "created_at": "2011-01-25T18:44:36Z",
            "updated_at": "2011-01-25T18:44:36Z",
        })
    }
}
