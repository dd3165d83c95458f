//! What is written to the ledger: targets, and rollouts that go the way of real ones.

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use ledger::table::{Claim, Held, Outline, Raced};
use ledger::transition::Next;
use ledger::{
    Cause, Commit, DeploymentId, Digest, Release, RevisionArn, Rollout, TagPolicy, Target, Tasks,
    Told, Verdict,
};
use serde_json::json;

use super::Outside;

/// `owner/name` of the repository that every target's commits are in.
pub(crate) const REPOSITORY: &str = "ada/poems";

impl Outside {
    /// A target as Terraform writes it.
    pub(crate) async fn target(&self, name: &str, environment: &str) -> Result<Target> {
        let target = Target {
            name: name.into(),
            environment: environment.into(),
            repository: format!("team/{name}"),
            cluster: "main".into(),
            service: name.into(),
            container: "web".into(),
            template: format!("{name}-template"),
            family: name.into(),
            tag_policy: TagPolicy::Glob("main-*".into()),
            github_repository: REPOSITORY.into(),
            deadline_seconds: 900,
            max_severity: None,
            first_count: 1,
            environment_url: Some(format!("https://{name}.example")),
        };
        let item = json!({
            "pk": { "S": "targets" },
            "sk": { "S": format!("{}#{name}", target.repository) },
            "name": { "S": name },
            "environment": { "S": environment },
            "repository": { "S": target.repository },
            "cluster": { "S": target.cluster },
            "service": { "S": target.service },
            "container": { "S": target.container },
            "template": { "S": target.template },
            "family": { "S": target.family },
            "tag_policy": { "M": { "kind": { "S": "glob" }, "pattern": { "S": "main-*" } } },
            "github_repository": { "S": REPOSITORY },
            "deadline_seconds": { "N": "900" },
            "first_count": { "N": "1" },
            "environment_url": { "S": target.environment_url },
        });
        let put = json!({ "TableName": self.table, "Item": item });
        let aws = self.ministack.aws();
        aws.json("DynamoDB_20120810.PutItem", put).await?;
        Ok(target)
    }

    /// The rollout of the release called `number`, claimed `ago`; one of two tasks runs. Every third was asked for by
    /// somebody.
    pub(crate) async fn roll_out(
        &self,
        target: &Target,
        number: u32,
        ago: TimeDelta,
    ) -> Result<Rollout> {
        let asked = number
            .is_multiple_of(3)
            .then(|| format!("{}-{number}", target.name));
        self.carry_out(target, number, ago, asked.as_deref()).await
    }

    /// The same, for the request `asked` if there is one.
    pub(crate) async fn carry_out(
        &self,
        target: &Target,
        number: u32,
        ago: TimeDelta,
        asked: Option<&str>,
    ) -> Result<Rollout> {
        let now = Utc::now() - ago;
        let name = &target.name;
        // Digits that look like those of a hash.
        let digits = format!("{:08x}", number.wrapping_mul(0x9e37_79b1));
        let commit = digits.repeat(5);
        let release = Release {
            repository: target.repository.clone(),
            digest: Digest::parse(&format!("sha256:{}", digits.repeat(8)))?,
            tag: format!("main-{commit}"),
            commit: Some(Commit::parse(&commit)?),
            pushed_at: now - TimeDelta::seconds(3),
        };
        let cause = match asked {
            Some(_) => Cause::Request {
                action: "rollback".into(),
                by: "ada".into(),
                why: Some("prices are wrong".into()),
            },
            None => Cause::Push,
        };
        let mut rollout = Rollout::claimed(target, release, cause, now);
        rollout.request = asked.map(str::to_owned);
        rollout.heard_at = Some(now - TimeDelta::seconds(1));
        let arn = format!("arn:aws:ecs:us-east-1:000000000000:task-definition/{name}:{number}");
        rollout.revision = Some(RevisionArn::parse(&arn)?);
        rollout.registered_at = Some(now + TimeDelta::seconds(1));
        let head = self.ledger.head(&rollout.service).await?;
        let claim = Claim {
            by: asked.unwrap_or(rollout.release.digest.as_str()),
            rollout: &rollout,
            head: &head,
            supersedes: None,
            outline: Some(&outline(number)),
        };
        written(self.ledger.claim(&claim).await?)?;

        let deployment = |number| DeploymentId::parse(&format!("ecs-svc/{number:019}"));
        let (ours, back) = (deployment(number)?, deployment(number.saturating_sub(1))?);
        let updated = now + TimeDelta::seconds(2);
        written(
            self.ledger
                .deploying(&rollout, &ours, Some(&back), updated)
                .await?,
        )?;
        let tasks = Tasks {
            running: 1,
            desired: 2,
        };
        let counted = now + TimeDelta::seconds(20);
        written(self.ledger.counted(&rollout, tasks, counted).await?)?;
        let told = Told {
            deployment: 4_500_000_000 + u64::from(number),
            state: "in_progress".into(),
            at: now + TimeDelta::seconds(3),
            trace: None,
        };
        written(self.ledger.told(&rollout, &told).await?)?;
        Ok(rollout)
    }

    /// Its verdict, given `at`.
    pub(crate) async fn end(
        &self,
        rollout: &Rollout,
        verdict: Verdict,
        at: DateTime<Utc>,
    ) -> Result<()> {
        let reason = (verdict != Verdict::Succeeded)
            .then(|| "container web exited 1: Essential container in task exited".to_owned());
        let end = Next::End { verdict, reason };
        written(self.ledger.apply(rollout, &end, at).await?)
    }

    /// A ledger in which everything that the board shows has happened: `web` is on its way after all that can become of
    /// a rollout, `shop` is held, `new` has no release, and something is wrong with `broken`.
    pub(crate) async fn fill(&self) -> Result<Filled> {
        let web = self.target("web", "production").await?;
        let verdicts = [
            Verdict::Succeeded,
            Verdict::TimedOut,
            Verdict::Stopped,
            Verdict::Superseded,
            Verdict::Failed,
            Verdict::Succeeded,
            Verdict::RolledBack,
        ];
        let mut failed = None;
        for (number, verdict) in (1..).zip(verdicts) {
            let ago = TimeDelta::hours(9 - i64::from(number));
            let rollout = self.roll_out(&web, number, ago).await?;
            let at = rollout.claimed_at + TimeDelta::seconds(70);
            self.end(&rollout, verdict, at).await?;
            failed = Some(rollout);
        }
        let open = self.roll_out(&web, 8, TimeDelta::seconds(40)).await?;

        let shop = self.target("shop", "staging").await?;
        let rollout = self.roll_out(&shop, 9, TimeDelta::days(2)).await?;
        let at = rollout.claimed_at + TimeDelta::seconds(40);
        self.end(&rollout, Verdict::Succeeded, at).await?;
        let held = Held {
            by: "ada".into(),
            why: Some("the sale begins at noon".into()),
            at: Utc::now(),
        };
        let (key, head) = (shop.key(), self.ledger.head(&shop.key()).await?);
        let holding = self
            .ledger
            .hold(&key, &head, Some(held), "hold-1", Utc::now());
        written(holding.await?)?;

        self.target("new", "staging").await?;
        self.break_head("broken").await?;
        Ok(Filled {
            open,
            failed: failed.context("no rollout has failed")?,
        })
    }

    /// A target whose head cannot be read.
    async fn break_head(&self, name: &str) -> Result<()> {
        self.target(name, "production").await?;
        let head = json!({
            "pk": { "S": format!("target#main/{name}") },
            "sk": { "S": "head" },
            "version": { "S": "one" },
        });
        let put = json!({ "TableName": self.table, "Item": head });
        let aws = self.ministack.aws();
        aws.json("DynamoDB_20120810.PutItem", put).await?;
        Ok(())
    }
}

/// What [`Outside::fill`] has left.
pub(crate) struct Filled {
    /// The rollout that is under way.
    pub(crate) open: Rollout,
    /// The one before it, which was rolled back.
    pub(crate) failed: Rollout,
}

/// A task definition of which something differs from release to release.
fn outline(number: u32) -> Outline {
    let lines = [
        ("cpu", "256".to_owned()),
        ("memory", (512 * (1 + number % 2)).to_string()),
        (
            "containerDefinitions.web.image",
            format!("team/web@sha256:{number:064x}"),
        ),
    ];
    lines
        .map(|(path, value)| (path.to_owned(), value))
        .into_iter()
        .collect()
}

fn written(raced: Raced) -> Result<()> {
    ensure!(raced == Raced::No, "somebody else writes to this ledger");
    Ok(())
}
