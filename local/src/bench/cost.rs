//! What a month costs: measured milliseconds and counted calls, at published prices.

use std::fmt::Write;

use anyhow::{Context, Result};

use super::table::Report;
use super::{end, work};

/// us-east-1, November 2026. Lambda's are those of arm64.
/// Sources: <https://aws.amazon.com/lambda/pricing/>, <https://aws.amazon.com/dynamodb/pricing/on-demand/>
const INVOCATION: f64 = 0.20 / 1e6;
const GIGABYTE_SECOND: f64 = 0.000_013_333_4;
const WRITE: f64 = 0.625 / 1e6;
const READ: f64 = 0.125 / 1e6;
/// Source: <https://aws.amazon.com/cloudwatch/pricing/>
const ALARM: f64 = 0.10;
const LOGGED_GIGABYTE: f64 = 0.50;
/// Source: <https://aws.amazon.com/fargate/pricing/>, arm64
const VCPU_HOUR: f64 = 0.032_38;
const GIGABYTE_HOUR: f64 = 0.003_56;
/// An hour of a balancer, and of one unit of its capacity, which is more than a board needs.
/// Source: <https://aws.amazon.com/elasticloadbalancing/pricing/>
const BALANCER_HOUR: f64 = 0.0225 + 0.008;
/// A minute of an action of a V2 pipeline; each begins with its first second.
/// Source: <https://aws.amazon.com/codepipeline/pricing/>
const ACTION_MINUTE: f64 = 0.002;
/// A minute of GitHub's Linux runner with two processors, for a private repository.
/// Source: <https://docs.github.com/en/billing/reference/actions-runner-pricing>
const RUNNER_MINUTE: f64 = 0.006;

const HOURS: f64 = 730.0;
/// What Terraform gives to a function, in gigabytes.
const MEMORY: f64 = 0.5;
/// The clock strikes once a minute, for `rollout` and for `verdict`.
const SWEEPS: f64 = HOURS * 60.0;
/// One rollout writes about a dozen items of up to a kilobyte, nearly all of them in transactions, which count twice, and
/// reads as many; a sweep over one target reads eight.
const WRITES: f64 = 32.0;
const READS: f64 = 24.0;
const SWEEP_READS: f64 = 8.0;
/// A line of the log, with what Lambda writes around an invocation, in gigabytes.
const LOGGED: f64 = 1e-6;
/// The alarms of `terraform/modules/pipeline`.
const ALARMS: f64 = 13.0;
/// How long somebody else waits for a deployment, in minutes: the tuned one of docs/performance.md, begun minutes count.
const WAITED: f64 = 1.0;
/// And for one with the settings that a service has by default.
const WAITED_BY_DEFAULT: f64 = 7.0;

const ROLLOUTS: [u32; 4] = [10, 100, 1_000, 10_000];

/// The page, by the figures of a run.
pub(super) fn page(report: &Report) -> Result<String> {
    let billed = |row: &str| {
        let table = report.table(work::BILLED)?;
        table.figure(row, "billed ms")
    };
    let time = |row: &str| billed(row).with_context(|| format!("{row} was not measured"));
    let invoked = |row: &str| {
        let table = report.table(end::EVENTS);
        let invoked = table.and_then(|table| table.figure(row, "invocations"));
        invoked.with_context(|| format!("how often {row} is invoked was not counted"))
    };
    let price = |ms: f64| INVOCATION + ms / 1000.0 * MEMORY * GIGABYTE_SECOND;
    let mut rollout = WRITES * WRITE + READS * READ;
    for name in ["rollout", "verdict", "report"] {
        let (count, ms) = (invoked(name)?, time(name)?);
        rollout += count * (price(ms) + LOGGED * LOGGED_GIGABYTE);
    }
    let sweeps = SWEEPS
        * (price(time(work::ROLLOUT_SWEEP)?)
            + price(time(work::VERDICT_SWEEP)?)
            + 2.0 * LOGGED * LOGGED_GIGABYTE
            + SWEEP_READS * READ);
    let board = HOURS * (0.25 * VCPU_HOUR + 0.5 * GIGABYTE_HOUR);
    let rows: [(&str, &dyn Fn(f64) -> f64); 8] = [
        ("the rollouts themselves", &|count| count * rollout),
        ("the two sweeps, every minute", &|_| sweeps),
        ("the alarms", &|_| ALARMS * ALARM),
        ("**the control plane**", &|count| {
            count * rollout + sweeps + ALARMS * ALARM
        }),
        ("the board's smallest task, if there is one", &|_| board),
        ("the board's balancer, if it has its own", &|_| {
            HOURS * BALANCER_HOUR
        }),
        ("CodePipeline V2, source and deploy", &|count| {
            count * (1.0 + WAITED) * ACTION_MINUTE
        }),
        ("a runner that waits", &|count| {
            count * WAITED * RUNNER_MINUTE
        }),
    ];
    let mut text = String::from("| USD a month |");
    for count in ROLLOUTS {
        let _ = write!(text, " {count} rollouts |");
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(ROLLOUTS.len()));
    text.push('\n');
    for (name, cost) in rows {
        let _ = write!(text, "| {name} |");
        for count in ROLLOUTS {
            let _ = write!(text, " {:.2} |", cost(f64::from(count)));
        }
        text.push('\n');
    }
    let _ = write!(
        text,
        "\nOne rollout costs {:.6} USD; {WAITED_BY_DEFAULT:.0} minutes of a runner that waits for a service with ECS's own \
         settings cost {:.3}.\n",
        rollout,
        WAITED_BY_DEFAULT * RUNNER_MINUTE
    );
    Ok(text)
}
