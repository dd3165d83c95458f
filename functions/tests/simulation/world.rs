//! A world made from a number: what is pushed and asked, which events come when and how often, and what befalls the
//! functions. Only the moments at which ECS has done its part are the clock's.

use std::sync::{Arc, Mutex};

use anyhow::Result;
use fastrand::Rng;
use serde_json::{Value, json};

use super::promises::{Promises, Pushed};
use super::rest::{Hears, Rest, ecs_rests};
use super::run::{Function, Instance, sweep};
use crate::outside::{Fault, Outside, a_minute_old, request, schedule};

/// It runs until it is stopped, and costs nothing meanwhile.
pub(crate) const SLEEPS: &str = "#!/bin/sh\nexec sleep 600\n";

/// It cannot even be started. One that ends soon could count as healthy before, on a machine that is slow.
pub(crate) const BROKEN: &str = "#!/no/such/interpreter\n";

/// What happened, for whoever looks for the mistake.
pub(crate) type Trace = Arc<Mutex<Vec<String>>>;

/// An event on its way to a function.
#[derive(Clone, Debug)]
struct Letter {
    function: Function,
    event: Value,
    due: usize,
    tries: usize,
}

/// Everything.
pub(crate) struct World {
    outside: Outside,
    instances: Vec<Instance>,
    seed: u64,
    rng: Rng,
    step: usize,
    letters: Vec<Letter>,
    /// How many events came and how many invocations began: each has its own fate.
    counted: [usize; 2],
    pushed: Vec<Pushed>,
    promises: Promises,
    trace: Trace,
}

impl World {
    /// All from the beginning to the end.
    pub(crate) async fn live(seed: u64, trace: Trace) -> Result<()> {
        let outside = Box::pin(Outside::start()).await;
        let other = Instance::beside(&outside).await;
        let mut world = World {
            instances: vec![Instance::of(&outside), other],
            outside,
            seed,
            rng: Rng::with_seed(seed),
            step: 0,
            letters: Vec::new(),
            counted: [0; 2],
            pushed: Vec::new(),
            promises: Promises::default(),
            trace,
        };
        let lived = world.live_on().await;
        world.outside.ecs.stop().await;
        lived
    }

    async fn live_on(&mut self) -> Result<()> {
        let pushes = self.rng.usize(2..=4);
        let asks = self.rng.usize(..10) < 3;
        let mut asked = false;
        while self.pushed.len() < pushes || self.step < 8 * pushes {
            self.step += 1;
            match self.rng.usize(..12) {
                0..=1 if self.pushed.len() < pushes => self.push().await,
                2 if asks && !asked && self.pushed.len() > 1 => {
                    asked = true;
                    let detail = json!({ "action": "rollback", "target": "web", "by": "ada" });
                    self.say("somebody asks to go back");
                    self.post(Function::Rollout, request("an-ask", detail), 0);
                }
                3 => {
                    self.post(Function::Rollout, sweep(), 0);
                    self.post(Function::Verdict, sweep(), 0);
                }
                4..=6 => ecs_rests(&self.outside).await,
                _ => self.deliver().await,
            }
            self.listen();
            self.promises.hold_now(&self.outside).await?;
        }
        self.say("nothing goes wrong any more");
        let hears = match self.rng.bool() {
            true => Hears::Events,
            false => Hears::Nothing,
        };
        self.letters.retain(|it| it.event["source"] == "couplet");
        while !self.letters.is_empty() {
            let letter = self.letters.remove(0);
            let answer = letter.function.run_well(&self.outside, letter.event).await;
            self.say(&format!("{:?} {answer:?}", letter.function));
        }
        let rest = Rest::after(&mut self.outside, hears).await;
        self.say(&format!("in the end: {rest:?}"));
        self.promises
            .hold_at_rest(&self.outside, &self.pushed)
            .await
    }

    async fn push(&mut self) {
        let commit = ['a', 'b', 'c', 'd'][self.pushed.len()];
        let good = self.rng.usize(..10) < 7;
        let program = if good { SLEEPS } else { BROKEN };
        let event = self.outside.push(commit, program).await;
        let digest = event["detail"]["image-digest"].as_str().unwrap();
        self.say(&format!("{commit} is pushed, good {good}: {digest}"));
        let digest = digest.to_owned();
        self.pushed.push(Pushed { digest, good });
        self.send(event);
    }

    /// Gives one or two functions what is due to them.
    async fn deliver(&mut self) {
        let due: Vec<usize> = (0..self.letters.len())
            .filter(|place| self.letters[*place].due <= self.step)
            .collect();
        let Some(first) = self.rng.choice(due) else {
            return;
        };
        let mut taken = vec![self.letters.remove(first)];
        let next = self.letters.iter().position(|it| it.due <= self.step);
        if let Some(next) = next.filter(|_| self.rng.bool()) {
            taken.push(self.letters.remove(next));
        }
        // A sweep comes every minute, and Lambda tries again after one.
        if taken.iter().any(|it| it.tries > 0 || swept(it)) {
            self.outside.a_minute_passes().await;
        }
        for letter in taken.iter_mut().filter(|it| it.tries > 0) {
            letter.event = a_minute_old(&letter.event);
        }
        if let [one, other] = &mut taken[..]
            && one.function == other.function
        {
            // What another function does right now is not a minute ago.
            for letter in [one, other].into_iter().filter(|it| swept(it)) {
                letter.event = schedule();
            }
        }
        let fates: Vec<_> = taken.iter().map(|it| self.fate(it)).collect();
        let instances = self.instances.clone();
        let mut invocations = Vec::new();
        for (letter, (instance, fate)) in taken.iter().zip(instances.iter().zip(fates)) {
            let (calls, times, fault) = fate.unwrap_or((usize::MAX, 0, Fault::Fail));
            let died = instance.recorder.plan(calls, times, fault);
            let running = letter.function.run(instance, letter.event.clone(), died);
            invocations.push(running);
        }
        let second = invocations.pop();
        let mut answers = Vec::new();
        match (invocations.pop(), second) {
            (Some(first), Some(second)) => {
                let (first, second) = tokio::join!(first, second);
                answers.extend([first, second]);
            }
            (_, Some(only)) => answers.push(only.await),
            (_, None) => {}
        }
        for instance in &instances {
            instance.recorder.forget_plan();
        }
        for (letter, answer) in taken.into_iter().zip(answers) {
            self.outcome(letter, answer);
        }
    }

    /// What befalls an invocation: from which call on, how many calls, and what.
    fn fate(&mut self, letter: &Letter) -> Option<(usize, usize, Fault)> {
        self.counted[1] += 1;
        let mut dice = self.dice(1);
        let faults = [
            Fault::DieBefore,
            Fault::DieAfter,
            Fault::Fail,
            Fault::FailAfter,
            Fault::Throttle,
        ];
        let befalls = dice.usize(..10) < 5;
        let fate = (
            dice.usize(..12),
            dice.usize(1..=4),
            faults[dice.usize(..faults.len())],
        );
        let fate = befalls.then_some(fate);
        let about = letter.event["detail"]["eventName"].as_str();
        let about = about.or(letter.event["detail-type"].as_str());
        self.say(&format!("{:?} hears {about:?}, {fate:?}", letter.function));
        fate
    }

    fn outcome(&mut self, mut letter: Letter, answer: Option<Result<Value>>) {
        let well = matches!(answer, Some(Ok(_)));
        match answer {
            Some(Ok(answer)) => self.say(&format!("  {:?} answers {answer}", letter.function)),
            Some(Err(error)) => self.say(&format!("  {:?} fails: {error:#}", letter.function)),
            None => self.say(&format!("  {:?} dies", letter.function)),
        }
        if !well && letter.tries < 2 {
            letter.tries += 1;
            letter.due = self.step + self.rng.usize(1..6);
            self.letters.push(letter);
        }
    }

    fn listen(&mut self) {
        for event in self.outside.heard() {
            self.send(event);
        }
    }

    /// An event may be lost, or late, or come twice.
    fn send(&mut self, event: Value) {
        self.counted[0] += 1;
        let mut dice = self.dice(0);
        let times = match dice.usize(..20) {
            0..=2 => 0,
            3..=5 => 2,
            _ => 1,
        };
        for _ in 0..times {
            let late = dice.usize(..5);
            self.post(Function::of(&event), event.clone(), late);
        }
    }

    fn post(&mut self, function: Function, event: Value, late: usize) {
        let due = self.step + late;
        self.letters.push(Letter {
            function,
            event,
            due,
            tries: 0,
        });
    }

    /// The fate of the newest event (0) or invocation (1), whatever came before.
    fn dice(&self, which: usize) -> Rng {
        let place = (self.counted[which] * 2 + which) as u64;
        Rng::with_seed(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ place << 32)
    }

    fn say(&self, what: &str) {
        let line = format!("{:3} {what}", self.step);
        self.trace.lock().unwrap().push(line);
    }
}

fn swept(letter: &Letter) -> bool {
    letter.event["source"] == "aws.events"
}
