//! Identifiers that could be swapped by mistake.

use std::fmt;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The text as it stands in AWS, GitHub and the ledger.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = anyhow::Error;

            fn try_from(text: String) -> Result<Self> {
                Self::parse(&text)
            }
        }
    };
}

name! {
    /// An image's content address: `sha256:` and 64 hexadecimal digits.
    Digest
}

name! {
    /// A whole commit id: 40 hexadecimal digits. GitHub refuses statuses on shortened ones.
    Commit
}

name! {
    /// An ECS deployment, `ecs-svc/` and digits: the only name of it that events carry.
    DeploymentId
}

name! {
    /// The ARN of a registered task definition with its revision number.
    RevisionArn
}

name! {
    /// One rollout of one target. Sorts in the order in which rollouts were claimed.
    RolloutId
}

name! {
    /// `<cluster>/<service>`: what a target is to ECS, and the ledger's partition of it.
    ServiceKey
}

impl Digest {
    /// Fails on anything but `sha256:` and 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self> {
        let hex = text.strip_prefix("sha256:").unwrap_or_default();
        ensure!(is_hex(hex, 64), "`{text}` is not a sha256 digest");
        Ok(Digest(text.to_owned()))
    }

    /// The first twelve hexadecimal digits, for people.
    pub fn short(&self) -> &str {
        &self.0["sha256:".len()..][..12]
    }
}

impl Commit {
    /// Fails on anything but 40 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self> {
        ensure!(is_hex(text, 40), "`{text}` is not a whole commit id");
        Ok(Commit(text.to_owned()))
    }

    /// The first seven hexadecimal digits, as GitHub shows them.
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

impl DeploymentId {
    /// Fails unless the text begins with `ecs-svc/`.
    pub fn parse(text: &str) -> Result<Self> {
        ensure!(
            text.strip_prefix("ecs-svc/")
                .is_some_and(|id| !id.is_empty()),
            "`{text}` is not the id of an ECS deployment"
        );
        Ok(DeploymentId(text.to_owned()))
    }
}

impl RevisionArn {
    /// Fails on an ARN without `task-definition/<family>:<revision>` at its end.
    pub fn parse(text: &str) -> Result<Self> {
        let revision = text
            .rsplit_once(":task-definition/")
            .and_then(|(_, name)| name.rsplit_once(':'))
            .is_some_and(|(_, number)| number.parse::<u64>().is_ok());
        ensure!(revision, "`{text}` is not the ARN of a task definition");
        Ok(RevisionArn(text.to_owned()))
    }
}

impl RolloutId {
    /// A new id: the time of the claim in milliseconds, then something of what is claimed.
    pub fn new(claimed_at: DateTime<Utc>, digest: &Digest) -> Self {
        let time = claimed_at
            .to_rfc3339_opts(SecondsFormat::Millis, true)
            .replace(['-', ':', '.'], "");
        RolloutId(format!("{time}-{}", digest.short()))
    }

    /// Fails on an empty id.
    pub fn parse(text: &str) -> Result<Self> {
        ensure!(!text.is_empty(), "a rollout's id is empty");
        Ok(RolloutId(text.to_owned()))
    }
}

impl ServiceKey {
    /// The key of `service` in `cluster`.
    pub fn new(cluster: &str, service: &str) -> Self {
        ServiceKey(format!("{cluster}/{service}"))
    }

    /// Fails unless the text is `<cluster>/<service>`.
    pub fn parse(text: &str) -> Result<Self> {
        let parts: Vec<_> = text.split('/').collect();
        ensure!(
            parts.len() == 2 && parts.iter().all(|part| !part.is_empty()),
            "`{text}` is not <cluster>/<service>"
        );
        Ok(ServiceKey(text.to_owned()))
    }

    /// From `arn:<partition>:ecs:<region>:<account>:service/<cluster>/<service>`.
    /// The older form without a cluster is refused: nothing says where such a service runs.
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html>
    pub fn from_service_arn(arn: &str) -> Result<Self> {
        arn.rsplit_once(":service/")
            .and_then(|(_, name)| Self::parse(name).ok())
            .with_context(|| format!("`{arn}` is not the ARN of an ECS service"))
    }

    /// The name of the cluster.
    pub fn cluster(&self) -> &str {
        self.0.split_once('/').map_or("", |(cluster, _)| cluster)
    }

    /// The name of the service.
    pub fn service(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, service)| service)
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_name_is_refused_with_the_text_in_the_message() {
        let hex = "0".repeat(64);
        assert!(Digest::parse(&format!("sha256:{hex}")).is_ok());
        for wrong in ["", "sha256:", "sha256:ABC", &hex, &format!("sha512:{hex}")] {
            let message = Digest::parse(wrong).expect_err(wrong).to_string();
            assert!(message.contains(wrong), "{message}");
        }
        assert!(Commit::parse("0123456").is_err());
        assert!(DeploymentId::parse("ecs-svc/").is_err());
        assert!(RevisionArn::parse("arn:aws:ecs:eu-west-1:1:task-definition/web").is_err());
        assert!(RevisionArn::parse("arn:aws:ecs:eu-west-1:1:task-definition/web:7").is_ok());
    }

    #[test]
    fn a_service_is_known_by_its_arn_in_every_partition() {
        for arn in [
            "arn:aws:ecs:eu-west-1:123456789012:service/production/web",
            "arn:aws-cn:ecs:cn-north-1:123456789012:service/production/web",
        ] {
            let key = ServiceKey::from_service_arn(arn).expect(arn);
            assert_eq!((key.cluster(), key.service()), ("production", "web"));
        }
        assert!(ServiceKey::from_service_arn("arn:aws:ecs:eu-west-1:1:service/web").is_err());
    }

    #[test]
    fn rollouts_sort_by_the_time_of_their_claim() {
        let digest = Digest::parse(&format!("sha256:{}", "a".repeat(64))).expect("digest");
        let at = |millis| {
            RolloutId::new(
                DateTime::from_timestamp_millis(millis).expect("time"),
                &digest,
            )
        };
        assert!(at(1_800_000_000_009) < at(1_800_000_000_010));
        assert_eq!(
            at(1_800_000_000_009).as_str(),
            "20270115T080000009Z-aaaaaaaaaaaa"
        );
    }
}
