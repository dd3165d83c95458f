//! What was to be reached, and what was.

use super::table::{Report, Table, number};
use super::{board, cold, growth, size, work};

const TITLE: &str = "Goals";

/// What the image's base adds to the layer that is measured, in MB: what is in Debian's packages base-files, netbase, tzdata
/// and ca-certificates, packed as a layer is.
/// Source: <https://github.com/GoogleContainerTools/distroless/blob/main/base/README.md>
const BASE: f64 = 0.75;

/// Which way is better.
#[derive(Clone, Copy)]
enum Wanted {
    AtMost,
    AtLeast,
}

struct Goal {
    name: &'static str,
    measured: Option<f64>,
    wanted: Wanted,
    must: f64,
    moonshot: f64,
}

/// The goals of this project, with the figures of one run. What was not measured has no row.
pub(super) fn goals(report: &Report) -> Table {
    let how = "Ratios of this run. Cold starts and requests are compared by the processor's time, which other programs on \
               the machine change least.";
    let mut table = Table::new(TITLE, how, &["measured", "must", "moonshot"]);
    for goal in all(report) {
        let Some(measured) = goal.measured else {
            continue;
        };
        let reaches = |wished: f64| match goal.wanted {
            Wanted::AtMost => measured <= wished,
            Wanted::AtLeast => measured >= wished,
        };
        let sign = match goal.wanted {
            Wanted::AtMost => "at most",
            Wanted::AtLeast => "at least",
        };
        let verdict = match (reaches(goal.must), reaches(goal.moonshot)) {
            (_, true) => "moonshot reached".to_owned(),
            (true, false) => "reached".to_owned(),
            (false, false) => format!("**missed**: {sign} {}", number(goal.must)),
        };
        let figures = vec![Some(measured), Some(goal.must), Some(goal.moonshot)];
        table.noted(goal.name, figures, verdict);
    }
    table
}

fn all(report: &Report) -> Vec<Goal> {
    use Wanted::{AtLeast, AtMost};
    let figure = |table: &str, row: &str, column: &str| report.table(table)?.figure(row, column);
    let ratio = |over: Option<f64>, under: Option<f64>| Some(over? / under?);
    let start = |row: &str, column: &str| figure(cold::TITLE, row, column);
    let ours = |column: &str| figure(board::TITLE, board::OURS, column);
    let bare = |column: &str| figure(board::TITLE, board::BARE, column);
    let flask = |column: &str| figure(board::TITLE, board::FLASK, column);
    let functions = ["rollout", "verdict", "report"];
    let peak = functions.map(|name| start(name, "peak MiB"));
    let peak = peak.into_iter().flatten().reduce(f64::max);
    let until_update = |prefix: &str| {
        let calls = &report.table(work::STEPS)?.rows;
        let updated = calls
            .iter()
            .position(|row| row.name == "ECS.UpdateService")?;
        let before = calls[..=updated].iter();
        Some(before.filter(|row| row.name.starts_with(prefix)).count() as f64)
    };
    let requests = |rollouts: &str| figure(growth::BOARD, rollouts, "board's requests");
    let total = "cold total CPU ms";
    let rows: [(_, Option<f64>, _, f64, f64); 17] = [
        (
            "init CPU of `rollout` / bare `lambda_runtime`",
            ratio(
                start("rollout", "init CPU ms"),
                start(cold::HELLO, "init CPU ms"),
            ),
            AtMost,
            2.0,
            1.25,
        ),
        (
            "cold total CPU, Python with boto3 / `rollout`",
            ratio(start(cold::PYTHON, total), start("rollout", total)),
            AtLeast,
            30.0,
            53.0,
        ),
        (
            "cold total CPU, Node with SDK v3 / `rollout`",
            ratio(start(cold::NODE, total), start("rollout", total)),
            AtLeast,
            12.0,
            26.0,
        ),
        (
            "peak memory of the largest function, MiB",
            peak,
            AtMost,
            12.0,
            6.0,
        ),
        (
            "package of `rollout`, MB",
            figure(size::TITLE, "rollout", "packed MB"),
            AtMost,
            3.0,
            2.3,
        ),
        (
            "calls to ECS until UpdateService",
            until_update("ECS."),
            AtMost,
            4.0,
            3.0,
        ),
        (
            "calls to ECR until UpdateService",
            until_update("ECR."),
            AtMost,
            1.0,
            1.0,
        ),
        (
            "calls to the ledger until UpdateService",
            until_update("DynamoDB."),
            AtMost,
            3.0,
            2.0,
        ),
        (
            "CPU of one rollout, `ecs-deploy` / `rollout`",
            ratio(
                figure(work::TITLE, work::ECS_DEPLOY, "CPU ms"),
                figure(work::TITLE, work::OURS, "CPU ms"),
            ),
            AtLeast,
            20.0,
            50.0,
        ),
        (
            "tiny JSON, service / bare hyper",
            ratio(bare("tiny JSON CPU µs"), ours("tiny JSON CPU µs")),
            AtLeast,
            0.85,
            0.92,
        ),
        (
            "history JSON, service / hyper that writes it anew",
            ratio(bare("history JSON CPU µs"), ours("history JSON CPU µs")),
            AtLeast,
            1.0,
            1.4,
        ),
        (
            "tiny JSON, service / Flask with gunicorn",
            ratio(flask("tiny JSON CPU µs"), ours("tiny JSON CPU µs")),
            AtLeast,
            40.0,
            45.0,
        ),
        (
            "p99 at 2,000/s, service / bare hyper",
            ratio(ours("p99 ms at 2,000/s"), bare("p99 ms at 2,000/s")),
            AtMost,
            1.2,
            1.05,
        ),
        (
            "memory of the idle service, MiB",
            ours("idle MiB"),
            AtMost,
            15.0,
            8.0,
        ),
        (
            "memory of the service with 1,000 listeners, MiB",
            ours("MiB with 1,000 listeners"),
            AtMost,
            40.0,
            25.0,
        ),
        (
            "the service's layer of its image, MB",
            figure(size::TITLE, size::IMAGE, "packed MB"),
            AtMost,
            6.0 - BASE,
            3.0 - BASE,
        ),
        (
            "the board's ledger requests, 10⁶ rollouts / 10²",
            ratio(requests("1,000,000"), requests("100")),
            AtMost,
            1.0,
            1.0,
        ),
    ];
    rows.into_iter()
        .map(|(name, measured, wanted, must, moonshot)| Goal {
            name,
            measured,
            wanted,
            must,
            moonshot,
        })
        .collect()
}
