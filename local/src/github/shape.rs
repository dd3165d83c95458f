//! How GitHub writes things down as JSON; the fields are those that its OpenAPI description requires.
//! Source: <https://github.com/github/rest-api-description>

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::commit::{Commit, CommitStatus};
use super::deployment::{Deployment, DeploymentStatus};
use super::repository::DEFAULT_BRANCH;

/// Who everything here was made by: the app that the token belongs to.
const LOGIN: &str = "couplet[bot]";

/// Every address of a repository that its description has to list, after `/repos/{owner}/{repo}`.
const ADDRESSES: [(&str, &str); 34] = [
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    (
        "notifications_url",
        "/notifications{?since,all,participating}",
    ),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
];

/// Where a repository stands; the start of the addresses of all that belongs to it.
pub(super) struct Home<'a> {
    /// The API's own address.
    pub(super) base: &'a str,
    /// `owner/name`.
    pub(super) repository: &'a str,
}

impl Home<'_> {
    /// A commit.
    pub(super) fn commit(&self, commit: &Commit) -> Value {
        let sha = &commit.sha;
        let url = self.api(&format!("/commits/{sha}"));
        let person = json!({
            "name": LOGIN,
            "email": "couplet@users.noreply.github.com",
            "date": time(commit.pushed_at),
        });
        json!({
            "url": url,
            "sha": sha,
            "node_id": format!("C_{sha}"),
            "html_url": self.web(&format!("/commit/{sha}")),
            "comments_url": format!("{url}/comments"),
            "commit": {
                "url": self.api(&format!("/git/commits/{sha}")),
                "author": person,
                "committer": person,
                "message": commit.message,
                "comment_count": 0,
                "tree": { "sha": sha, "url": self.api(&format!("/git/trees/{sha}")) },
            },
            "author": self.user(LOGIN),
            "committer": self.user(LOGIN),
            "parents": [],
        })
    }

    /// A commit status.
    pub(super) fn status(&self, sha: &str, status: &CommitStatus) -> Value {
        let mut shape = self.simple_status(sha, status);
        shape["creator"] = self.user(LOGIN);
        shape
    }

    /// The statuses of a commit taken together; `shown` is the page of them that was asked for.
    pub(super) fn combined(&self, commit: &Commit, shown: &[&CommitStatus]) -> Value {
        let sha = &commit.sha;
        let statuses = shown.iter().map(|it| self.simple_status(sha, it));
        json!({
            "state": commit.combined(),
            "sha": sha,
            "total_count": commit.latest().len(),
            "statuses": statuses.collect::<Vec<_>>(),
            "repository": self.described(),
            "commit_url": self.api(&format!("/commits/{sha}")),
            "url": self.api(&format!("/commits/{sha}/status")),
        })
    }

    /// A deployment.
    pub(super) fn deployment(&self, deployment: &Deployment) -> Value {
        let id = deployment.id;
        let url = self.api(&format!("/deployments/{id}"));
        json!({
            "url": url,
            "id": id,
            "node_id": format!("DE_{id}"),
            "sha": deployment.sha,
            "ref": deployment.reference,
            "task": deployment.task,
            "payload": deployment.payload,
            "original_environment": deployment.original_environment,
            "environment": deployment.environment,
            "description": deployment.description,
            "creator": self.user(LOGIN),
            "created_at": time(deployment.created_at),
            "updated_at": time(deployment.updated_at),
            "statuses_url": format!("{url}/statuses"),
            "repository_url": self.api(""),
            "transient_environment": deployment.transient_environment,
            "production_environment": deployment.production_environment,
            "performed_via_github_app": null,
        })
    }

    /// A deployment status.
    pub(super) fn deployment_status(&self, deployment: u64, status: &DeploymentStatus) -> Value {
        let id = status.id;
        let url = self.api(&format!("/deployments/{deployment}"));
        json!({
            "url": format!("{url}/statuses/{id}"),
            "id": id,
            "node_id": format!("DES_{id}"),
            "state": status.state,
            "creator": self.user(LOGIN),
            "description": status.description,
            "environment": status.environment,
            "target_url": status.log_url,
            "created_at": time(status.created_at),
            "updated_at": time(status.created_at),
            "deployment_url": url,
            "repository_url": self.api(""),
            "environment_url": status.environment_url,
            "log_url": status.log_url,
            "performed_via_github_app": null,
        })
    }

    /// A GitHub App's presence on the repository's account.
    pub(super) fn installation(&self, id: u64, app: u64, permissions: Map<String, Value>) -> Value {
        let (owner, _) = self.repository.split_once('/').unwrap_or_default();
        let url = format!("{}/app/installations/{id}", self.base);
        json!({
            "id": id,
            "account": self.user(owner),
            "repository_selection": "selected",
            "access_tokens_url": format!("{url}/access_tokens"),
            "repositories_url": format!("{}/installation/repositories", self.base),
            "html_url": format!("https://github.com/settings/installations/{id}"),
            "app_id": app,
            "app_slug": "couplet",
            "target_id": 1,
            "target_type": "User",
            "permissions": permissions,
            "events": [],
            "created_at": time(DateTime::UNIX_EPOCH),
            "updated_at": time(DateTime::UNIX_EPOCH),
            "single_file_name": null,
            "suspended_by": null,
            "suspended_at": null,
        })
    }

    fn simple_status(&self, sha: &str, status: &CommitStatus) -> Value {
        json!({
            "url": self.api(&format!("/statuses/{sha}")),
            "avatar_url": avatar(),
            "id": status.id,
            "node_id": format!("SC_{}", status.id),
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": time(status.created_at),
            "updated_at": time(status.created_at),
        })
    }

    /// The repository itself.
    pub(super) fn described(&self) -> Value {
        let (owner, name) = self.repository.split_once('/').unwrap_or_default();
        let mut shape = json!({
            "id": 1,
            "node_id": "R_1",
            "name": name,
            "full_name": self.repository,
            "owner": self.user(owner),
            "private": true,
            "html_url": self.web(""),
            "description": null,
            "fork": false,
            "url": self.api(""),
            "teams_url": self.api("/teams"),
            "trees_url": self.api("/git/trees{/sha}"),
            "default_branch": DEFAULT_BRANCH,
        });
        for (field, path) in ADDRESSES {
            shape[field] = self.api(path).into();
        }
        shape
    }

    fn user(&self, login: &str) -> Value {
        let url = format!("{}/users/{}", self.base, login.replace(['[', ']'], ""));
        json!({
            "login": login,
            "id": 1,
            "node_id": "U_1",
            "avatar_url": avatar(),
            "gravatar_id": "",
            "url": url,
            "html_url": "https://github.com/apps/couplet",
            "followers_url": format!("{url}/followers"),
            "following_url": format!("{url}/following{{/other_user}}"),
            "gists_url": format!("{url}/gists{{/gist_id}}"),
            "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{url}/subscriptions"),
            "organizations_url": format!("{url}/orgs"),
            "repos_url": format!("{url}/repos"),
            "events_url": format!("{url}/events{{/privacy}}"),
            "received_events_url": format!("{url}/received_events"),
            "type": "Bot",
            "site_admin": false,
        })
    }

    fn api(&self, path: &str) -> String {
        format!("{}/repos/{}{path}", self.base, self.repository)
    }

    fn web(&self, path: &str) -> String {
        format!("https://github.com/{}{path}", self.repository)
    }
}

fn avatar() -> &'static str {
    "https://avatars.githubusercontent.com/in/1?v=4"
}

/// GitHub's times have a resolution of one second.
pub(super) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
