//! The only file that calls ECR.

use anyhow::{Context, Result};
use aws_config::SdkConfig;
use aws_sdk_ecr::Client;
use aws_sdk_ecr::operation::describe_images::DescribeImagesError;
use aws_sdk_ecr::types::ImageIdentifier;
use chrono::DateTime;
use ledger::{Commit, Digest};

use crate::decide::TaggedImage;
use crate::image::{Lead, by_config, by_manifest};
use crate::run;

/// By their digest, manifests and indexes come as they were pushed if their types are accepted.
/// Source: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-manifest-formats.html>
const MANIFESTS: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// ECR, and plain HTTP for the addresses of layers that it gives.
#[derive(Clone, Debug)]
pub struct Ecr {
    client: Client,
    http: reqwest::Client,
}

impl Ecr {
    /// A client with the settings of `config`.
    pub fn new(config: &SdkConfig) -> Result<Self> {
        Ok(Ecr {
            client: Client::new(config),
            http: run::http()?,
        })
    }

    /// The image that has `tag` now; `None` if there is none.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html>
    pub async fn tagged(&self, repository: &str, tag: &str) -> Result<Option<TaggedImage>> {
        let answer = self
            .client
            .describe_images()
            .repository_name(repository)
            .image_ids(ImageIdentifier::builder().image_tag(tag).build())
            .send()
            .await;
        let described = match answer {
            Ok(described) => described,
            Err(error) => match error.into_service_error() {
                DescribeImagesError::ImageNotFoundException(_) => return Ok(None),
                error => {
                    return Err(error)
                        .with_context(|| format!("cannot describe the image {repository}:{tag}"));
                }
            },
        };
        let Some(image) = described.image_details().first() else {
            return Ok(None);
        };
        let pushed_at = image
            .image_pushed_at()
            .and_then(|time| DateTime::from_timestamp(time.secs(), time.subsec_nanos()))
            .with_context(|| format!("ECR does not say when {repository}:{tag} was pushed"))?;
        Ok(Some(TaggedImage {
            digest: Digest::parse(image.image_digest().unwrap_or_default())?,
            pushed_at,
        }))
    }

    /// The commit that an image says it was built from; `None` if it says nothing.
    pub async fn commit(&self, repository: &str, digest: &Digest) -> Result<Option<Commit>> {
        let mut lead = by_manifest(&self.manifest(repository, digest).await?)?;
        loop {
            lead = match lead {
                Lead::Commit(commit) => return Ok(Some(commit)),
                Lead::End => return Ok(None),
                Lead::Child(digest) => by_manifest(&self.manifest(repository, &digest).await?)?,
                Lead::Config(digest) => by_config(&self.blob(repository, &digest).await?)?,
            }
        }
    }

    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html>
    async fn manifest(&self, repository: &str, digest: &Digest) -> Result<String> {
        let id = ImageIdentifier::builder()
            .image_digest(digest.as_str())
            .build();
        let answer = self
            .client
            .batch_get_image()
            .repository_name(repository)
            .image_ids(id)
            .set_accepted_media_types(Some(MANIFESTS.map(str::to_owned).to_vec()))
            .send()
            .await
            .with_context(|| format!("cannot get the manifest {repository}@{digest}"))?;
        answer
            .images
            .and_then(|images| images.into_iter().next()?.image_manifest)
            .with_context(|| format!("ECR has no manifest {repository}@{digest}"))
    }

    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetDownloadUrlForLayer.html>
    async fn blob(&self, repository: &str, digest: &Digest) -> Result<String> {
        let context = || format!("cannot download {repository}@{digest}");
        let answer = self
            .client
            .get_download_url_for_layer()
            .repository_name(repository)
            .layer_digest(digest.as_str())
            .send()
            .await
            .with_context(context)?;
        let url = answer.download_url().with_context(context)?;
        let response = self.http.get(url).send().await.with_context(context)?;
        let blob = response.error_for_status().with_context(context)?;
        blob.text().await.with_context(context)
    }
}
