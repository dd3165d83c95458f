//! What a developer does.

use std::collections::BTreeMap;

use local::image::{File, Image, REVISION, push_index};
use serde_json::{Value, json};

use super::{LIVES, Outside, REPOSITORY, sha};

impl Outside {
    /// Pushes the image of the commit of this letter, and hears of it.
    pub(crate) async fn push(&mut self, commit: char, program: &str) -> Value {
        self.push_as(&format!("main-{}", sha(commit)), commit, program)
            .await
    }

    /// Pushes an image of this commit under another tag, and hears of it. A letter that is no hexadecimal digit gives
    /// an image that names no commit.
    pub(crate) async fn push_as(&mut self, tag: &str, commit: char, program: &str) -> Value {
        self.github.add_commit(REPOSITORY, &sha(commit), "a change");
        let image = image(commit, program, "amd64");
        let pushed = image
            .push(&self.aws.url, &self.repository, tag)
            .await
            .unwrap();
        self.words
            .know(&pushed.digest, &format!("<image {commit}>"));
        self.event(|it| it["source"] == "aws.ecr").await
    }

    /// Deletes the image of this commit.
    pub(crate) async fn delete_image(&self, commit: char) {
        let tag = format!("main-{}", sha(commit));
        let image = json!({ "repositoryName": self.repository, "imageIds": [{ "imageTag": tag }] });
        let target = "AmazonEC2ContainerRegistry_V20150921.BatchDeleteImage";
        self.call(target, image).await;
    }

    /// Pushes an image for two architectures, and hears of it and its parts.
    pub(crate) async fn push_index(&mut self, tag: &str, commit: char) -> Vec<Value> {
        let images = ["amd64", "arm64"].map(|it| image(commit, LIVES, it));
        let url = self.aws.url.clone();
        let pushed = push_index(&url, &self.repository, tag, &images)
            .await
            .unwrap();
        self.words
            .know(&pushed.digest, &format!("<index {commit}>"));
        let mut events = Vec::new();
        for _ in 0..=pushed.children.len() {
            events.push(self.event(|it| it["source"] == "aws.ecr").await);
        }
        events
    }
}

fn image(commit: char, program: &str, architecture: &str) -> Image {
    Image {
        files: vec![File {
            path: "web".to_owned(),
            bytes: program.into(),
            mode: 0o755,
        }],
        entrypoint: vec!["/web".to_owned()],
        env: BTreeMap::new(),
        labels: BTreeMap::from([(REVISION.to_owned(), sha(commit))]),
        architecture: architecture.to_owned(),
    }
}
