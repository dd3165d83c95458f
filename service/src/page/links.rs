//! Links to GitHub and AWS, and to where one signs in with it.

use ledger::{Commit, Release, Rollout};
use maud::{Markup, html};

use super::View;

/// Where somebody signs in who wants to come back to `from`, a path of ours.
pub(super) fn sign_in(from: &str) -> String {
    format!("{}?to={from}", crate::door::SIGN_IN)
}

/// A link to a commit.
pub(super) fn commit(commit: &Commit, text: &str, repository: &str, view: View<'_>) -> Markup {
    let url = format!("{}/{repository}/commit/{commit}", view.github_url);
    html! { a.commit href=(url) { (text) } }
}

/// A link to what changes when `to` takes the place of `from`, if both are known and differ. GitHub shows what
/// the second of two commits has and the first has not, so a step back is shown as what it takes away.
pub(super) fn compare(
    from: &Release,
    to: &Release,
    repository: &str,
    view: View<'_>,
) -> Option<Markup> {
    let back = to.pushed_at < from.pushed_at;
    let (old, new) = if back { (to, from) } else { (from, to) };
    let (old, new) = (old.commit.as_ref()?, new.commit.as_ref()?);
    let url = format!("{}/{repository}/compare/{old}...{new}", view.github_url);
    let (words, name) = match back {
        true => ("takes back", "What it takes back"),
        false => ("changes", "What it changes"),
    };
    let title = format!("{name}: {}...{}", old.short(), new.short());
    (old != new).then(|| html! { a.compare href=(url) title=(title) { (words) } })
}

/// A link to the environment's deployments, among them this rollout's.
pub(super) fn deployments(rollout: &Rollout, view: View<'_>) -> Markup {
    let url = format!(
        "{}/{}/deployments/{}",
        view.github_url,
        rollout.github_repository,
        encoded(&rollout.environment)
    );
    html! { a href=(url) { (rollout.environment) } }
}

/// A rollout's trace, with a link to X-Ray in the region that its task definition is registered in.
pub(super) fn trace(id: &str, rollout: &Rollout) -> Markup {
    let arn = rollout.revision.as_ref().map_or("", |it| it.as_str());
    match arn.split(':').nth(3) {
        Some(region) => {
            let console = format!("https://{region}.console.aws.amazon.com/cloudwatch/home");
            html! { a href={ (console) "?region=" (region) "#xray:traces/" (id) } { code { (id) } } }
        }
        None => html! { code { (id) } },
    }
}

/// A name as a part of a path. Source: <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>
fn encoded(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::fixtures::{at, open, target};
    use crate::page::reader::Reader;

    #[test]
    fn a_step_back_is_shown_as_what_it_takes_away() {
        let web = target("web", "production");
        let (old, new) = (open(&web, 100).release, open(&web, 200).release);
        let view = View {
            github_url: "https://github.com",
            now: at(1000),
            print: "print",
            reader: &Reader::Anybody,
        };
        let forward = compare(&old, &new, "owner/web", view).expect("a link");
        let back = compare(&new, &old, "owner/web", view).expect("a link");
        let url = format!("/owner/web/compare/{:040x}...{:040x}", 100, 200);
        let (forward, back) = (forward.into_string(), back.into_string());
        assert!(forward.contains(&url) && forward.contains(">changes<"));
        assert!(back.contains(&url) && back.contains(">takes back<"));
        assert!(compare(&old, &old, "owner/web", view).is_none());
        let unknown = Release {
            commit: None,
            ..new
        };
        assert!(compare(&old, &unknown, "owner/web", view).is_none());
    }

    #[test]
    fn an_environment_may_be_called_anything() {
        assert_eq!(encoded("prod/eu west"), "prod%2Feu%20west");
    }
}
