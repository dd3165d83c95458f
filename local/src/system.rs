//! All of it, brought up and taken down.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::ecs::{self, Controller, Pace};
use crate::event::{Events, REGION};
use crate::front::{self, Front, FrontSettings};
use crate::github::{Access, App, GitHub, Served};
use crate::ministack::{self, Ministack};
use crate::paths::Paths;
use crate::progress::{Progress, Step};
use crate::site::{GITHUB_REPOSITORY, Site};
use crate::terraform::{Terraform, Variables};
use crate::{balancer, bus, package, state};

/// The parameter in which the key of the GitHub App is kept.
const KEY_PARAMETER: &str = "/couplet/github-app-key";
/// What GitHub takes from others than the App: nobody has it.
const TOKEN: &str = "ghp_of-a-person";
/// The app with which people sign in on the board, and the parameter in which its secret is kept.
const CLIENT_ID: &str = "Iv23couplet";
const CLIENT_SECRET_PARAMETER: &str = "/couplet/github-client-secret";
const CLIENT_SECRET: &str = "the-board-of-this-laptop";

/// Four ports in a row, all on the loopback interface.
#[derive(Clone, Copy, Debug)]
pub struct Ports(u16);

impl Ports {
    /// The ports from `first` on.
    pub fn new(first: u16) -> Ports {
        Ports(first)
    }

    /// Fails with what to do if something else listens on one of them.
    fn are_free(self) -> Result<()> {
        for port in self.0..=self.github() {
            match TcpListener::bind(loopback(port)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
                    "port {port} is taken; stop what listens there or choose others with --port"
                ),
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot listen on port {port}"));
                }
            }
        }
        Ok(())
    }

    fn aws(self) -> u16 {
        self.0
    }

    fn ministack(self) -> u16 {
        self.0 + 1
    }

    fn balancer(self) -> u16 {
        self.0 + 2
    }

    fn github(self) -> u16 {
        self.0 + 3
    }
}

/// What runs.
pub struct System {
    /// Where it can be reached.
    pub site: Site,
    /// AWS, but for ECS.
    pub ministack: Ministack,
    /// ECS.
    pub ecs: Arc<Controller>,
    /// GitHub.
    pub github: GitHub,
    /// Where an event can be put that AWS itself would send.
    pub events: Events,
    /// What was applied.
    pub terraform: Arc<Terraform>,
    /// Every event that went through the bus.
    heard: Arc<Mutex<Vec<Value>>>,
    paths: Paths,
    front: Front,
    served: Served,
    balancer: JoinHandle<std::io::Result<()>>,
    /// Held as long as anything runs.
    _lock: File,
}

impl System {
    /// Brings everything up, with what an earlier start has left unless that ended badly or `fresh` forgets it.
    pub async fn start(
        paths: &Paths,
        ports: Ports,
        fresh: bool,
        progress: &Progress,
    ) -> Result<System> {
        let lock = state::lock(paths)?;
        ports.are_free()?;
        if fresh {
            state::forget(paths)?;
        }
        state::take_up(paths)?;
        let variables = Variables {
            github_repository: GITHUB_REPOSITORY.to_owned(),
            github_api_url: url(ports.github()),
            github_app: App::COUPLET.id,
            github_key_parameter: KEY_PARAMETER.to_owned(),
            board_url: url(ports.balancer()),
            client_id: CLIENT_ID.to_owned(),
            client_secret_parameter: CLIENT_SECRET_PARAMETER.to_owned(),
        };
        let packaged = async {
            let step = progress.step("Building the functions and the service");
            package::build(paths, &step).await?;
            package::functions(paths)?;
            step.done();
            Ok(())
        };
        let terraform = Terraform::new(paths, &url(ports.aws()), &variables).await?;
        let terraform = Arc::new(terraform);
        let initialised = async {
            let step = progress.step("Initialising Terraform");
            terraform.initialise().await?;
            step.done();
            Ok(())
        };
        let started = async {
            let step = progress.step("Starting AWS and GitHub");
            let system = System::start_clouds(paths, ports, lock, Arc::clone(&terraform)).await?;
            step.done();
            Ok::<_, anyhow::Error>(system)
        };
        let prepared = async { tokio::try_join!(packaged, initialised) };
        // The clouds are waited for even if the build fails: only what has started can be stopped in good order.
        let (prepared, started) = tokio::join!(prepared, started);
        let mut system = started?;
        let finished = match prepared {
            Ok(((), ())) => system.finish(progress).await,
            Err(error) => Err(error),
        };
        match finished {
            Ok(()) => Ok(system),
            Err(error) => match system.stop().await {
                Ok(()) => Err(error),
                Err(stopped) => Err(anyhow!("{error:#}\nand then: {stopped:#}")),
            },
        }
    }

    /// Makes AWS what Terraform says, unless it is so already.
    async fn finish(&mut self, progress: &Progress) -> Result<()> {
        let (paths, terraform) = (&self.paths, &self.terraform);
        let stamp = paths.state().join("applied");
        let fingerprint = terraform.fingerprint(&paths.packages())?;
        if fs::read_to_string(&stamp).is_ok_and(|applied| applied == fingerprint) {
            progress.say("  ✓ Terraform: nothing has changed since it was applied");
        } else {
            let step = progress.step("Applying terraform/");
            self.apply(&step).await?;
            fs::write(&stamp, fingerprint).with_context(|| format!("write {}", stamp.display()))?;
            step.done();
        }
        self.site.outputs = terraform.outputs().await?;
        self.site.save(paths)
    }

    /// Makes AWS what Terraform says. The next start looks again: what is applied by half, or with a variable of the
    /// moment, is neither what it was nor what it will be.
    pub async fn apply(&self, step: &Step) -> Result<()> {
        let _ = fs::remove_file(self.paths.state().join("applied"));
        self.terraform.apply(step).await
    }

    /// Takes away all that Terraform made.
    pub async fn destroy(&self, step: &Step) -> Result<()> {
        let _ = fs::remove_file(self.paths.state().join("applied"));
        self.terraform.destroy(step).await
    }

    async fn start_clouds(
        paths: &Paths,
        ports: Ports,
        lock: File,
        terraform: Arc<Terraform>,
    ) -> Result<System> {
        let ministack = Ministack::start(ministack::Options {
            python_env_dir: paths.python_env(),
            port: ports.ministack(),
            endpoint: Some(url(ports.aws())),
            state_dir: Some(paths.state().join("ministack")),
            log: paths.log("ministack"),
        })
        .await?;
        let github = GitHub::new(TOKEN);
        if let Ok(saved) = fs::read(paths.state().join("github.json")) {
            github
                .restore(serde_json::from_slice(&saved).context("GitHub's state is malformed")?)?;
        }
        github.install(App::COUPLET, GITHUB_REPOSITORY);
        let board = url(ports.balancer());
        github.oauth(CLIENT_ID, CLIENT_SECRET, &format!("{board}/signed-in"));
        // Two people: one may write to the repository, the other may only read it.
        github.give("ada", GITHUB_REPOSITORY, Access::Write);
        github.give("eve", GITHUB_REPOSITORY, Access::Read);
        let served = github.serve(loopback(ports.github())).await?;
        let (events, receiver) = Events::channel();
        let ecs = Controller::start(ecs::Settings {
            events: events.clone(),
            registry: ministack.url().to_owned(),
            task_environment: task_environment(ports),
            work_dir: paths.state().join("ecs"),
            pace: Pace::laptop(),
        })
        .await?;
        let front = front::serve(FrontSettings {
            address: loopback(ports.aws()),
            ministack_url: ministack.url().to_owned(),
            events: events.clone(),
            ecs: Arc::clone(&ecs),
            public_url: None,
            state_dir: Some(paths.state().join("front")),
        })
        .await?;
        let balancer = balancer::serve(Arc::clone(&ecs), loopback(ports.balancer())).await?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let memory = Arc::clone(&heard);
        bus::run(receiver, ministack.aws(), move |event, _| {
            if let Ok(mut heard) = memory.lock() {
                heard.push(event.clone());
            }
        });
        // Secrets are written out of band, as in an account: Terraform knows their names and never their values.
        for (name, value) in [
            (KEY_PARAMETER, App::COUPLET.key),
            (CLIENT_SECRET_PARAMETER, CLIENT_SECRET),
        ] {
            let parameter = json!({
                "Name": name, "Value": value, "Type": "SecureString", "Overwrite": true,
            });
            ministack
                .aws()
                .json("AmazonSSM.PutParameter", parameter)
                .await?;
        }
        Ok(System {
            site: Site {
                aws: url(ports.aws()),
                github: url(ports.github()),
                board: url(ports.balancer()),
                outputs: Value::Null,
            },
            ministack,
            ecs,
            github,
            events,
            terraform,
            heard,
            paths: paths.clone(),
            front,
            served,
            balancer,
            _lock: lock,
        })
    }

    /// The events that went through the bus and that `wanted` wants, oldest first.
    pub fn heard(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let Ok(heard) = self.heard.lock() else {
            return Vec::new();
        };
        heard
            .iter()
            .filter(|event| wanted(event))
            .cloned()
            .collect()
    }

    /// Who called what at the address of AWS.
    pub fn calls(&self) -> &front::Calls {
        self.front.calls()
    }

    /// Takes everything down in good order, so that the next start can go on from here. Every part is stopped,
    /// whatever the others answer; the first error is the one that is told.
    pub async fn stop(self) -> Result<()> {
        self.ecs.stop().await;
        self.balancer.abort();
        let front = self.front.stop().await;
        let ministack = self.ministack.stop().await;
        let saved = self.github.save().to_string();
        self.served.stop().await;
        let state = self.paths.state();
        let _ = fs::remove_file(state.join("site.json"));
        let github = fs::write(state.join("github.json"), saved).context("keep GitHub's state");
        front.and(ministack).and(github)?;
        fs::write(state.join("clean"), "").context("note that all was stopped in good order")
    }
}

/// What the Fargate agent gives to a task, as far as it differs here.
fn task_environment(ports: Ports) -> Vec<(String, String)> {
    [
        ("AWS_ENDPOINT_URL", url(ports.aws()).as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", REGION),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
