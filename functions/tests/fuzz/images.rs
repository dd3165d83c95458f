//! Whatever an image says of itself is a lead, an end or an error.

use functions::image::{Lead, architecture, built, by_config, by_manifest};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::given::{commit, config, digest, json, members, object, text, with, without};

const REGRESSIONS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fuzz/regressions/images.txt"
);

const REVISION: &str = "org.opencontainers.image.revision";

fn manifest() -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": { "mediaType": "a/b", "digest": digest(1), "size": 7 },
        "layers": [{ "digest": digest(2), "size": 9 }],
        "annotations": { REVISION: commit(1), "other": "words" },
    })
}

fn index() -> Value {
    let platform = |os: &str| json!({ "os": os, "architecture": os, "variant": "v8" });
    json!({
        "schemaVersion": 2,
        "manifests": [
            { "digest": digest(3), "platform": platform("unknown") },
            { "digest": digest(4), "platform": platform("linux"), "annotations": { "a": "b" } },
            { "digest": digest(5) },
        ],
        "annotations": { "other": "words" },
    })
}

fn configuration() -> Value {
    json!({
        "os": "linux", "architecture": "arm64", "rootfs": { "type": "layers" },
        "config": { "Cmd": ["/web"], "Labels": { REVISION: commit(1) } },
    })
}

/// Go, in which most images are made, writes an empty list or map as null.
#[test]
fn a_null_is_as_good_as_nothing() {
    for document in [manifest(), index(), configuration()] {
        for pointer in members(&document) {
            let absent = without(document.clone(), &pointer).to_string();
            let null = with(document.clone(), &pointer, Value::Null).to_string();
            for read in [
                |text: &str| told(by_manifest(text)),
                |text: &str| told(by_config(text)),
                |text: &str| told(built(text)),
                |text: &str| told(architecture(text)),
            ] {
                if let Ok(lead) = read(&absent) {
                    // A word of an annotation or a label is never null.
                    if let Ok(same) = read(&null) {
                        assert_eq!(lead, same, "{pointer}");
                    } else {
                        let word =
                            pointer.contains("/annotations/") || pointer.contains("/Labels/");
                        assert!(word, "{pointer}: null");
                    }
                }
            }
        }
    }
}

fn told<T: std::fmt::Debug>(read: anyhow::Result<T>) -> Result<String, String> {
    read.map(|read| format!("{read:?}"))
        .map_err(|error| error.to_string())
}

proptest! {
    #![proptest_config(config(REGRESSIONS))]

    #[test]
    fn any_text_is_a_lead_or_an_error(text in text(), json in json()) {
        for text in [text, json.to_string()] {
            for read in [told(by_manifest(&text)), told(built(&text))] {
                prop_assert!(read.is_ok() || read == Err("the image's manifest is malformed".into()));
            }
            for read in [told(by_config(&text)), told(architecture(&text))] {
                let malformed = "the image's configuration is malformed";
                prop_assert!(read.is_ok() || read == Err(malformed.into()));
            }
        }
    }

    #[test]
    fn unknown_members_and_words_hide_no_commit(
        number: u32, place in select(members(&configuration())),
        new in object("[A-Z]{1,5}", json()), word in text(),
    ) {
        let sha = commit(number);
        let mut manifest = manifest();
        let mut configuration = configuration();
        manifest["annotations"] = json!({ "new": word, REVISION: sha });
        configuration["config"]["Labels"] = json!({ "new": word, REVISION: sha });
        for document in [&mut manifest, &mut configuration] {
            document["brandNew"] = new.clone();
        }
        if !place.starts_with("/config/Labels")
            && let Some(Value::Object(object)) = configuration.pointer_mut(&place)
        {
            object.insert("brandNew".into(), new);
        }
        let found = by_manifest(&manifest.to_string()).expect("a manifest");
        prop_assert_eq!(found, Lead::Commit(sha.clone()));
        let found = by_config(&configuration.to_string()).expect("a configuration");
        prop_assert_eq!(found, Lead::Commit(sha));
    }

    #[test]
    fn an_index_leads_to_its_first_child_that_runs(
        systems in prop::collection::vec("linux|unknown|windows", 0..6),
    ) {
        let child = |(number, os): (usize, &String)| {
            json!({ "digest": digest(number as u32), "platform": { "os": os } })
        };
        let children = systems.iter().enumerate().map(child).collect::<Value>();
        let index = json!({ "manifests": children });
        let expected = match systems.iter().position(|os| os != "unknown") {
            Some(first) => Lead::Child(digest(first as u32)),
            None => Lead::End,
        };
        prop_assert_eq!(by_manifest(&index.to_string()).expect("an index"), expected);
    }
}
