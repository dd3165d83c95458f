//! The only file that calls ECR.

use anyhow::{Context, Result};
use aws_sdk_ecr::Client;
use aws_sdk_ecr::operation::describe_images::DescribeImagesError;
use aws_sdk_ecr::types::{DescribeImagesFilter, ImageDetail, ImageIdentifier, TagStatus};
use chrono::DateTime;
use ledger::{Commit, Digest};
use tracing::warn;
use wire::{Download, Lazy, SdkConfig};

use crate::asked::Asked;
use crate::decide::TaggedImage;
use crate::image::{self, Built, Lead, by_config, by_manifest};
use crate::scan::{Scan, scan, together};

/// By their digest, manifests and indexes come as they were pushed if their types are accepted.
/// Source: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-manifest-formats.html>
const MANIFESTS: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// The most that ECR lists at once.
/// Source: <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html>
const PAGE: i32 = 1000;
/// How many pages of images the sweep looks at.
const LISTED: usize = 5;

/// ECR, and the way to the layers whose addresses it gives.
#[derive(Clone, Debug)]
pub struct Ecr {
    client: Lazy<Client>,
    layers: Download,
}

impl Ecr {
    /// A client with the settings of `config`.
    pub fn new(config: &SdkConfig) -> Self {
        Ecr {
            client: Lazy::new(config, Client::new),
            layers: Download::default(),
        }
    }

    /// The image that has `tag` now; `None` if there is none.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html>
    pub async fn tagged(&self, repository: &str, tag: &str) -> Result<Option<TaggedImage>> {
        let id = ImageIdentifier::builder().image_tag(tag).build();
        let described = self.describe(repository, id).await;
        let context = || format!("cannot describe the image {repository}:{tag}");
        match described.with_context(context)? {
            Some(image) => tagged_image(&image).map(Some).with_context(context),
            None => Ok(None),
        }
    }

    /// Whether an image is still there.
    pub async fn has(&self, repository: &str, digest: &Digest) -> Result<bool> {
        let id = ImageIdentifier::builder()
            .image_digest(digest.as_str())
            .build();
        let found = self.describe(repository, id).await;
        let found = found.with_context(|| format!("cannot describe {repository}@{digest}"))?;
        Ok(found.is_some())
    }

    /// The tagged images of a repository, tag by tag, in no order: ECR promises none. Of more than [`LISTED`] pages the
    /// rest is left out, and the log says so.
    pub async fn images(&self, repository: &str) -> Result<Vec<(String, TaggedImage)>> {
        let tagged = DescribeImagesFilter::builder()
            .tag_status(TagStatus::Tagged)
            .build();
        let mut pages = self
            .client
            .describe_images()
            .repository_name(repository)
            .filter(tagged)
            .into_paginator()
            .page_size(PAGE)
            .send();
        let mut images = Vec::new();
        for _ in 0..LISTED {
            let Some(page) = pages.next().await else {
                return Ok(images);
            };
            let page = page.with_context(|| format!("cannot list the images of {repository}"))?;
            for detail in page.image_details() {
                let image = tagged_image(detail)
                    .with_context(|| format!("an image of {repository} is malformed"))?;
                let tags = detail.image_tags().iter();
                images.extend(tags.map(|tag| (tag.clone(), image.clone())));
            }
        }
        warn!(
            ecr.repository = repository,
            "the sweep looked at {} images; the repository has more",
            images.len()
        );
        Ok(images)
    }

    /// What the scans of the images in an index say; `None` if it is no index. An index has no scan of its own: it has
    /// nothing in it that could be scanned.
    pub(crate) async fn scan_within(
        &self,
        asked: &Asked,
        repository: &str,
        digest: &Digest,
    ) -> Result<Option<Scan>> {
        let children = image::children(&self.manifest(asked, repository, digest).await?)?;
        if children.is_empty() {
            return Ok(None);
        }
        let ids = children.iter().map(|child| {
            let id = ImageIdentifier::builder().image_digest(child.as_str());
            id.build()
        });
        let described = self
            .client
            .describe_images()
            .repository_name(repository)
            .set_image_ids(Some(ids.collect()))
            .send()
            .await
            .with_context(|| format!("cannot describe the images of {repository}@{digest}"))?;
        let scans = described.image_details().iter().map(scan_of);
        Ok(Some(together(scans)))
    }

    /// The commit that an image says it was built from; `None` if it says nothing.
    pub(crate) async fn commit(
        &self,
        asked: &Asked,
        repository: &str,
        digest: &Digest,
    ) -> Result<Option<Commit>> {
        let manifest = async |digest: &Digest| self.manifest(asked, repository, digest).await;
        let mut lead = by_manifest(&manifest(digest).await?)?;
        loop {
            lead = match lead {
                Lead::Commit(commit) => return Ok(Some(commit)),
                Lead::End => return Ok(None),
                Lead::Child(digest) => by_manifest(&manifest(&digest).await?)?,
                Lead::Config(digest) => by_config(&self.blob(asked, repository, &digest).await?)?,
            }
        }
    }

    /// The processors that an image was built for, as far as it says.
    pub(crate) async fn architectures(
        &self,
        asked: &Asked,
        repository: &str,
        digest: &Digest,
    ) -> Result<Vec<String>> {
        match image::built(&self.manifest(asked, repository, digest).await?)? {
            Built::For(architectures) => Ok(architectures),
            Built::Config(config) => {
                let config = self.blob(asked, repository, &config).await?;
                Ok(image::architecture(&config)?.into_iter().collect())
            }
        }
    }

    async fn describe(
        &self,
        repository: &str,
        id: ImageIdentifier,
    ) -> Result<Option<ImageDetail>, DescribeImagesError> {
        let answer = self
            .client
            .describe_images()
            .repository_name(repository)
            .image_ids(id)
            .send()
            .await;
        match answer {
            Ok(described) => Ok(described
                .image_details
                .unwrap_or_default()
                .into_iter()
                .next()),
            Err(error) => match error.into_service_error() {
                DescribeImagesError::ImageNotFoundException(_) => Ok(None),
                error => Err(error),
            },
        }
    }

    async fn manifest(&self, asked: &Asked, repository: &str, digest: &Digest) -> Result<String> {
        let ask = self.get_manifest(repository, digest);
        asked.content(digest, ask).await
    }

    async fn blob(&self, asked: &Asked, repository: &str, digest: &Digest) -> Result<String> {
        let ask = self.get_blob(repository, digest);
        asked.content(digest, ask).await
    }

    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html>
    async fn get_manifest(&self, repository: &str, digest: &Digest) -> Result<String> {
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
    async fn get_blob(&self, repository: &str, digest: &Digest) -> Result<String> {
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
        self.layers.text(url).await.with_context(context)
    }
}

fn tagged_image(image: &ImageDetail) -> Result<TaggedImage> {
    let pushed_at = image
        .image_pushed_at()
        .and_then(|time| DateTime::from_timestamp(time.secs(), time.subsec_nanos()))
        .context("it does not say when it was pushed")?;
    Ok(TaggedImage {
        digest: Digest::parse(image.image_digest().unwrap_or_default())?,
        pushed_at,
        scan: scan_of(image),
    })
}

fn scan_of(image: &ImageDetail) -> Scan {
    let status = image.image_scan_status().and_then(|it| it.status());
    let summary = image.image_scan_findings_summary();
    let counts = summary.and_then(|it| it.finding_severity_counts());
    let counts = counts.into_iter().flatten();
    scan(
        status.map(|status| status.as_str()),
        counts.map(|(severity, count)| (severity.as_str(), *count)),
    )
}
