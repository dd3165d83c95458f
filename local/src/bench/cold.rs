//! Cold start: from the start of a process to its first and its hundredth event, over TLS.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::answers;
use super::child::{Child, Used, forget};
use super::peers::Peers;
use super::runtime::Runtime;
use super::stub::Stub;
use super::table::{Table, median, ms};
use super::{Bench, TABLE, there_and_back};

pub(super) const TITLE: &str = "Cold start";
pub(super) const DISK: &str = "Cold start from the disk";

pub(super) const HELLO: &str = "hello (`lambda_runtime` alone)";
pub(super) const PYTHON: &str = "rollout in Python, boto3";
pub(super) const NODE: &str = "rollout in Node, SDK v3, one file";

pub(super) const COLUMNS: [&str; 9] = [
    "init ms",
    "first ms",
    "cold total ms",
    "warm ms",
    "init CPU ms",
    "first CPU ms",
    "cold total CPU ms",
    "warm CPU ms",
    "peak MiB",
];

/// Who is started, and what it is given.
pub(super) struct Subject {
    pub(super) name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    pub(super) event: Value,
    /// What it reads when it starts.
    files: Vec<PathBuf>,
    is_open: bool,
}

/// One start.
#[derive(Default)]
struct Start {
    init: f64,
    first: f64,
    warm: f64,
    init_cpu: f64,
    first_cpu: f64,
    warm_cpu: f64,
    peak: f64,
}

/// Measures every subject, one after the other, there and back.
pub(super) async fn measure(bench: &Bench, stub: &Stub, peers: &Peers) -> Result<Vec<Table>> {
    let subjects = subjects(bench, peers)?;
    let rounds = if bench.quick { 3 } else { 15 };
    let warm = if bench.quick { 10 } else { 40 };
    let how = format!(
        "A process is started, asks for an event, gets it, and gets {warm} more. It speaks TLS 1.3 to a stub on this machine \
         that answers every call at once, so this is the program's own time. Medians of {rounds} starts each, one after the \
         other and back; init is from the start of the process until it asks for its first event, cold total is init and \
         the first event."
    );
    let tables = [(TITLE, how, rounds, false), {
        let rounds = if bench.quick { 2 } else { 7 };
        let how = format!(
            "The same, but the program itself was taken out of the kernel's cache first: the binary, Python's packages, Node's one \
             file. The interpreters stay in it. Medians of {rounds}."
        );
        (DISK, how, rounds, true)
    }];
    let mut measured = Vec::new();
    for (title, how, rounds, from_disk) in tables {
        let mut starts: Vec<Vec<Start>> = subjects.iter().map(|_| Vec::new()).collect();
        for round in 0..rounds {
            for place in there_and_back(subjects.len(), round) {
                let subject = &subjects[place];
                if from_disk {
                    for file in &subject.files {
                        forget(file)?;
                    }
                }
                let start = start(bench, stub, subject, warm).await;
                starts[place].push(start.with_context(|| subject.name)?);
            }
        }
        let mut table = Table::new(title, &how, &COLUMNS);
        for (subject, starts) in subjects.iter().zip(&starts) {
            table.row(subject.name, row(starts));
        }
        measured.push(table);
    }
    Ok(measured)
}

fn row(starts: &[Start]) -> Vec<Option<f64>> {
    let of = |figure: fn(&Start) -> f64| median(starts.iter().map(figure).collect());
    vec![
        of(|it| it.init),
        of(|it| it.first),
        of(|it| it.init + it.first),
        of(|it| it.warm),
        of(|it| it.init_cpu),
        of(|it| it.first_cpu),
        of(|it| it.init_cpu + it.first_cpu),
        of(|it| it.warm_cpu),
        of(|it| it.peak),
    ]
}

async fn start(bench: &Bench, stub: &Stub, subject: &Subject, warm: u32) -> Result<Start> {
    stub.set(|world| world.is_open = subject.is_open);
    let mut runtime = Runtime::start().await?;
    let command = subject.command(bench, stub, &runtime);
    let child = Child::start(command, &bench.log(subject.name))?;
    let ready = runtime.ready().await? - child.started;
    let after_init = child.used()?;
    let (first, answer) = runtime.invoke(&subject.event).await?;
    ensure!(
        !answer.to_string().contains("ignored"),
        "it did nothing: {answer}"
    );
    runtime.ready().await?;
    let after_first = child.used()?;
    let mut times = Vec::new();
    for _ in 0..warm {
        times.push(ms(runtime.invoke(&subject.event).await?.0));
        runtime.ready().await?;
    }
    let end = child.used()?;
    let cpu = |from: Used, to: Used| ms(to.cpu.saturating_sub(from.cpu));
    Ok(Start {
        init: ms(ready),
        first: ms(first),
        warm: median(times).unwrap_or_default(),
        init_cpu: ms(after_init.cpu),
        first_cpu: cpu(after_init, after_first),
        warm_cpu: cpu(after_first, end) / f64::from(warm.max(1)),
        peak: end.peak_kib / 1024.0,
    })
}

impl Subject {
    /// How it is started, with all that Lambda would have in its environment.
    pub(super) fn command(&self, bench: &Bench, stub: &Stub, runtime: &Runtime) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("AWS_LAMBDA_RUNTIME_API", &runtime.address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
            .env(
                "LAMBDA_TASK_ROOT",
                bench.paths.root.join("local").join("peers"),
            )
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env(
                "AWS_SECRET_ACCESS_KEY",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            )
            .env("AWS_SESSION_TOKEN", "session")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL", &stub.url)
            .envs(stub.hosts.iter().map(|(name, url)| (name, url)))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("COUPLET_LEDGER_TABLE", TABLE)
            .env("COUPLET_GITHUB_API_URL", &stub.url)
            .env("COUPLET_GITHUB_TOKEN_PARAMETER", "/couplet/github-token")
            .env("COUPLET_BOARD_URL", "https://board.example.com")
            .env("COUPLET_FAILURE_QUEUE_URL", format!("{}/queue", stub.url));
        // Python looks for the function where it is started.
        command.current_dir(bench.paths.root.join("local").join("peers"));
        for name in ["SSL_CERT_FILE", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
            command.env(name, &bench.authority);
        }
        command
    }

    /// One of ours.
    pub(super) fn ours(bench: &Bench, name: &'static str, event: Value) -> Subject {
        let program = bench.functions.join(name);
        Subject {
            name,
            files: vec![program.clone()],
            program,
            arguments: Vec::new(),
            event,
            is_open: name == "verdict",
        }
    }
}

fn subjects(bench: &Bench, peers: &Peers) -> Result<Vec<Subject>> {
    let hello = bench.paths.function("hello");
    let mut subjects = vec![
        Subject {
            name: HELLO,
            files: vec![hello.clone()],
            program: hello,
            ..Subject::ours(bench, "hello", answers::push())
        },
        Subject::ours(bench, "rollout", answers::push()),
        Subject::ours(bench, "verdict", answers::completed()),
        Subject::ours(bench, "report", answers::told()?),
        Subject {
            name: PYTHON,
            program: peers.python.clone(),
            arguments: ["-m", "awslambdaric", "rollout.handler"]
                .map(str::to_owned)
                .to_vec(),
            files: vec![bench.folder.join("python")],
            ..Subject::ours(bench, "rollout", answers::push())
        },
    ];
    if let Some(bundle) = &peers.node {
        subjects.push(Subject {
            name: NODE,
            program: "node".into(),
            arguments: vec![bundle.display().to_string()],
            files: vec![bundle.clone()],
            ..Subject::ours(bench, "rollout", answers::push())
        });
    }
    Ok(subjects)
}
