//! What differs between a rollout's task definition and the one that ran before.

use ledger::Rollout;
use maud::{Markup, html};

use crate::difference::{Change, Kind, Value};
use crate::watch::Comparison;

/// How the paths of images end.
const IMAGE: &str = ".image";

/// What differs, in a sentence and line by line, the images first.
pub(super) fn changes(rollout: &Rollout, comparison: &Comparison) -> Markup {
    let mut changes: Vec<_> = comparison.changes.iter().flatten().collect();
    changes.sort_by_key(|change| !change.path.ends_with(IMAGE));
    html! {
        div.panel {
            p { (sentence(rollout, comparison)) }
            @if !changes.is_empty() {
                dl.changes {
                    @for change in changes {
                        dt { (path(&change.path)) }
                        dd { (kind(&change.kind)) }
                    }
                }
            }
        }
    }
}

fn sentence(rollout: &Rollout, comparison: &Comparison) -> String {
    match (&comparison.changes, &comparison.before, &rollout.revision) {
        (Some(changes), ..) => match (
            changes.len(),
            changes.iter().any(|it| is_image(it, rollout)),
        ) {
            (0, _) => "The same as what ran before, with the same image.".to_owned(),
            (1, true) => "Nothing but the image differs from what ran before.".to_owned(),
            (2, true) => "The image and one line more differ from what ran before:".to_owned(),
            (lines, true) => format!(
                "The image and {} lines more differ from what ran before:",
                lines - 1
            ),
            (1, false) => "The same image, and one line differs from what ran before:".to_owned(),
            (lines, false) => {
                format!("The same image, and {lines} lines differ from what ran before:")
            }
        },
        (None, _, None) if rollout.verdict.is_none() => "None is registered yet.".to_owned(),
        (None, _, None) => "None was registered.".to_owned(),
        (None, None, _) => "What ran before is not known.".to_owned(),
        (None, Some(_), _) => {
            "Not known: what is in one of the two task definitions was not noted.".to_owned()
        }
    }
}

/// Whether this is the image that the rollout brings.
fn is_image(change: &Change, rollout: &Rollout) -> bool {
    let digest = rollout.release.digest.as_str();
    let after = match &change.kind {
        Kind::Added { after } | Kind::Changed { after, .. } => after,
        Kind::Removed { .. } => return false,
    };
    change.path.ends_with(IMAGE) && matches!(after, Value::Plain(it) if it.ends_with(digest))
}

/// A path without the words that say nothing, broken where it may be.
fn path(path: &str) -> Markup {
    let path = path.strip_prefix("containerDefinitions.").unwrap_or(path);
    let path = path.strip_suffix(".value").unwrap_or(path);
    html! {
        code {
            @for (place, part) in path.split('.').enumerate() {
                @if place > 0 { "." wbr; }
                (part)
            }
        }
    }
}

fn kind(kind: &Kind) -> Markup {
    match kind {
        Kind::Changed {
            before: Value::Secret,
            after: Value::Secret,
        } => html! { "another value, kept secret" },
        Kind::Changed { before, after } => match (image(before), image(after)) {
            (Some((name, old)), Some((same, new))) if name == same => html! {
                code { (name) } " " (swapped(&digest(old), &digest(new)))
            },
            _ => swapped(&value(before), &value(after)),
        },
        Kind::Added {
            after: Value::Secret,
        } => html! { "new, its value kept secret" },
        Kind::Removed {
            before: Value::Secret,
        } => html! { "gone, its value kept secret" },
        Kind::Added { after } => html! { "new: " ins { (value(after)) } },
        Kind::Removed { before } => html! { "gone: " del { (value(before)) } },
    }
}

fn swapped(before: &Markup, after: &Markup) -> Markup {
    html! { del { (before) } " " span aria-hidden="true" { "→" } " " ins { (after) } }
}

fn value(value: &Value) -> Markup {
    match (value, image(value)) {
        (_, Some((name, hash))) => html! { code { (name) } " " (digest(hash)) },
        (Value::Plain(text), None) => html! { code { (text) } },
        (Value::Secret, None) => html! { "a value kept secret" },
    }
}

/// The name of an image and its digest's digits.
fn image(value: &Value) -> Option<(&str, &str)> {
    let Value::Plain(text) = value else {
        return None;
    };
    let named = text.split_once("@sha256:");
    named.filter(|(_, hash)| hash.len() == 64 && hash.is_ascii())
}

/// A digest's beginning, as everywhere; the whole of it when pointed at.
fn digest(hash: &str) -> Markup {
    html! { code title={ "sha256:" (hash) } { (&hash[..12]) } }
}

#[cfg(test)]
mod tests {
    use ledger::Verdict;

    use super::*;
    use crate::board::fixtures::{ended, open, target};

    fn changed(path: &str, before: &str, after: &str) -> Change {
        let plain = |text: &str| Value::Plain(text.to_owned());
        Change {
            path: path.to_owned(),
            kind: Kind::Changed {
                before: plain(before),
                after: plain(after),
            },
        }
    }

    fn image(rollout: &Rollout) -> Change {
        let before = format!("1.dkr/shop/web@sha256:{}", "a".repeat(64));
        let after = format!("1.dkr/shop/web@{}", rollout.release.digest);
        changed("containerDefinitions.web.image", &before, &after)
    }

    fn shown(rollout: &Rollout, changes: Option<Vec<Change>>) -> String {
        let before = Some(ended(&target("web", "production"), 1, Verdict::Succeeded));
        super::changes(rollout, &Comparison { before, changes }).into_string()
    }

    #[test]
    fn what_differs_is_said_in_words() {
        let rollout = open(&target("web", "production"), 500);
        let (image, cpu) = (image(&rollout), changed("cpu", "256", "512"));
        let sidecar = changed("containerDefinitions.logs.image", "logs:1", "logs:2");
        let rows = [
            (vec![], "The same as what ran before, with the same image."),
            (vec![image.clone()], "Nothing but the image differs"),
            (
                vec![image.clone(), cpu.clone()],
                "The image and one line more",
            ),
            (
                vec![image, cpu.clone(), sidecar.clone()],
                "The image and 2 lines more",
            ),
            (
                vec![sidecar.clone()],
                "The same image, and one line differs",
            ),
            (vec![sidecar, cpu], "The same image, and 2 lines differ"),
        ];
        for (changes, expected) in rows {
            let page = shown(&rollout, Some(changes));
            assert!(page.contains(expected), "{expected} is missing in {page}");
        }
    }

    #[test]
    fn what_is_not_known_is_said_too() {
        let web = target("web", "production");
        let (mut open, mut ended) = (open(&web, 500), ended(&web, 500, Verdict::Failed));
        assert!(shown(&open, None).contains("Not known: what is in one of the two"));
        let page = changes(&open, &Comparison::default()).into_string();
        assert!(page.contains("What ran before is not known."), "{page}");
        (open.revision, ended.revision) = (None, None);
        assert!(shown(&open, None).contains("None is registered yet."));
        assert!(shown(&ended, None).contains("None was registered."));
    }

    #[test]
    fn lines_are_short_and_whole_when_pointed_at() {
        let rollout = open(&target("web", "production"), 500);
        let page = shown(&rollout, Some(vec![image(&rollout)]));
        for expected in [
            "<code>web.<wbr>image</code>",
            "<dd><code>1.dkr/shop/web</code> <del><code title=\"sha256:aaaaaaaaaaaaaaaa",
            ">aaaaaaaaaaaa</code></del>",
            "<ins><code title=\"sha256:00000000",
        ] {
            assert!(page.contains(expected), "{expected} is missing in {page}");
        }
    }

    #[test]
    fn images_come_first() {
        let rollout = open(&target("web", "production"), 500);
        let command = changed("containerDefinitions.web.essential", "true", "false");
        let page = shown(&rollout, Some(vec![command, image(&rollout)]));
        assert!(
            page.find("<wbr>image") < page.find("<wbr>essential"),
            "{page}"
        );
    }

    #[test]
    fn a_secret_is_told_in_words() {
        let rollout = open(&target("web", "production"), 500);
        let path = "containerDefinitions.web.environment.LOG_LEVEL.value";
        let rows = [
            (
                Kind::Changed {
                    before: Value::Secret,
                    after: Value::Secret,
                },
                "<dd>another value, kept secret</dd>",
            ),
            (
                Kind::Added {
                    after: Value::Secret,
                },
                "<dd>new, its value kept secret</dd>",
            ),
            (
                Kind::Removed {
                    before: Value::Secret,
                },
                "<dd>gone, its value kept secret</dd>",
            ),
        ];
        for (kind, expected) in rows {
            let path = path.to_owned();
            let page = shown(&rollout, Some(vec![Change { path, kind }]));
            assert!(page.contains(expected), "{expected} is missing in {page}");
            let name = "<code>web.<wbr>environment.<wbr>LOG_LEVEL</code>";
            assert!(page.contains(name), "{page}");
        }
    }
}
