//! A proxy before AWS or GitHub: it writes every call down, in order, and passes it on.

use std::sync::{Arc, LazyLock, Mutex};

use poem::http::StatusCode;
use poem::http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::{Request, Response, Server, endpoint};
use serde_json::Value;
use tokio::sync::oneshot;

/// One for all tests: to load the certificates that nobody needs here takes longer than a test. A connection dies with
/// the runtime of its test, so none is kept.
static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| {
    let builder = reqwest::Client::builder().no_proxy();
    builder.pool_max_idle_per_host(0).build().unwrap()
});

/// The proxy.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    pub(crate) url: String,
    state: Arc<State>,
}

/// One call that a function made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    /// As in `ECS.UpdateService`; method and path where there is no such name.
    pub(crate) operation: String,
    /// Null where there is none.
    pub(crate) body: Value,
}

/// A call that waits at the proxy until it is let go.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) arrived: oneshot::Receiver<()>,
    pub(crate) let_go: oneshot::Sender<()>,
}

#[derive(Debug)]
struct State {
    /// Where calls go to, once that is known.
    beyond: Mutex<String>,
    calls: Mutex<Vec<Call>>,
    orders: Mutex<Vec<(String, Order)>>,
    plan: Mutex<Option<Plan>>,
    scan: Mutex<Option<Value>>,
}

/// What goes wrong with one call, whichever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The function ends before it is made.
    DieBefore,
    /// It is made, and the function ends before its answer arrives.
    DieAfter,
    /// AWS fails before it has done anything.
    Fail,
    /// It is done, and AWS says that it failed.
    FailAfter,
    /// Too many calls.
    Throttle,
}

#[derive(Debug)]
struct Plan {
    /// How many calls go well before.
    calls: usize,
    /// How many go wrong then.
    times: usize,
    fault: Fault,
    died: Option<oneshot::Sender<()>>,
}

/// What shall happen to the next call of an operation.
#[derive(Debug)]
enum Order {
    Lose,
    Answer(u16, Value),
    Hold(oneshot::Sender<()>, oneshot::Receiver<()>),
}

impl Recorder {
    pub(crate) async fn start() -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0");
        let acceptor = listener.into_acceptor().await.unwrap();
        let address = acceptor.local_addr()[0].as_socket_addr().copied().unwrap();
        let state = Arc::new(State {
            beyond: Mutex::default(),
            calls: Mutex::default(),
            orders: Mutex::default(),
            plan: Mutex::default(),
            scan: Mutex::default(),
        });
        let recorder = Recorder {
            url: format!("http://{address}"),
            state: Arc::clone(&state),
        };
        let endpoint = endpoint::make(move |request| {
            let state = Arc::clone(&state);
            async move { Ok::<_, poem::Error>(pass(&state, request).await) }
        });
        tokio::spawn(Server::new_with_acceptor(acceptor).run(endpoint));
        recorder
    }

    /// Calls go to `url` from now on.
    pub(crate) fn pass_to(&self, url: &str) {
        *self.state.beyond.lock().unwrap() = url.to_owned();
    }

    /// The calls since this was last asked.
    pub(crate) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.state.calls.lock().unwrap())
    }

    /// The next call of `operation` is carried out, but its answer does not arrive, as when Lambda ends a function
    /// in the middle.
    pub(crate) fn lose_answer_of(&self, operation: &str) {
        self.order(operation, Order::Lose);
    }

    /// The next call of `operation` is not carried out, but answered like this.
    pub(crate) fn answer(&self, operation: &str, status: u16, body: Value) {
        self.order(operation, Order::Answer(status, body));
    }

    /// After so many calls from now, `fault` befalls the next `times`. What is returned hears of a function's death.
    pub(crate) fn plan(&self, calls: usize, times: usize, fault: Fault) -> oneshot::Receiver<()> {
        let (dies, died) = oneshot::channel();
        *self.state.plan.lock().unwrap() = Some(Plan {
            calls,
            times,
            fault,
            died: Some(dies),
        });
        died
    }

    /// Every image was scanned like this, as DescribeImages says it: the emulator scans nothing.
    pub(crate) fn scanned(&self, scan: Value) {
        *self.state.scan.lock().unwrap() = Some(scan);
    }

    /// All calls go well from now on.
    pub(crate) fn forget_plan(&self) {
        *self.state.plan.lock().unwrap() = None;
    }

    /// The next call of `operation` waits.
    pub(crate) fn hold(&self, operation: &str) -> Held {
        let (arrives, arrived) = oneshot::channel();
        let (let_go, goes) = oneshot::channel();
        self.order(operation, Order::Hold(arrives, goes));
        Held { arrived, let_go }
    }

    fn order(&self, operation: &str, order: Order) {
        let mut orders = self.state.orders.lock().unwrap();
        orders.push((operation.to_owned(), order));
    }
}

impl State {
    /// What goes wrong with the call that has just come.
    fn fault(&self) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap();
        let plan = plan.as_mut()?;
        if plan.calls > 0 {
            plan.calls -= 1;
            return None;
        }
        plan.times = plan.times.checked_sub(1)?;
        Some(plan.fault)
    }

    /// Whoever runs the function ends it; no answer ever comes.
    async fn die(&self) -> ! {
        let died = self.plan.lock().unwrap().as_mut().map(|it| it.died.take());
        if let Some(Some(died)) = died {
            let _ = died.send(());
        }
        std::future::pending().await
    }
}

async fn pass(state: &State, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().unwrap().as_str();
    let body = body.into_vec().await.unwrap();
    let operation = match parts.headers.get("x-amz-target") {
        Some(target) => named(target.to_str().unwrap()),
        None => format!("{} {path}", parts.method),
    };
    state.calls.lock().unwrap().push(Call {
        operation: operation.clone(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    });
    let fault = state.fault();
    match fault {
        Some(Fault::DieBefore) => state.die().await,
        Some(Fault::Fail) => return refusal(500, "InternalServerError"),
        Some(Fault::Throttle) => return refusal(400, "ThrottlingException"),
        Some(Fault::DieAfter | Fault::FailAfter) | None => {}
    }
    let order = {
        let mut orders = state.orders.lock().unwrap();
        let place = orders.iter().position(|(of, _)| *of == operation);
        place.map(|place| orders.remove(place).1)
    };
    let lost = matches!(order, Some(Order::Lose));
    match order {
        Some(Order::Answer(status, body)) => return answered(status, body.to_string()),
        Some(Order::Hold(arrives, goes)) => {
            arrives.send(()).unwrap();
            goes.await.unwrap();
        }
        Some(Order::Lose) | None => {}
    }
    let url = format!("{}{path}", state.beyond.lock().unwrap());
    let answer = HTTP
        .request(parts.method, url)
        .headers(end_to_end(parts.headers))
        .body(body)
        .send()
        .await
        .unwrap();
    let mut response = Response::builder().status(answer.status()).finish();
    *response.headers_mut() = end_to_end(answer.headers().clone());
    let body = answer.bytes().await.unwrap();
    response.set_body(match state.scan.lock().unwrap().as_ref() {
        Some(scan) if operation == "ECR.DescribeImages" => with_scan(&body, scan).into(),
        _ => body,
    });
    match fault {
        Some(Fault::DieAfter) => state.die().await,
        Some(Fault::FailAfter) => refusal(500, "InternalServerError"),
        _ if lost => refusal(400, "Lost"),
        _ => response,
    }
}

fn with_scan(body: &[u8], scan: &Value) -> Vec<u8> {
    let mut answer: Value = serde_json::from_slice(body).unwrap();
    let images = answer["imageDetails"].as_array_mut().into_iter().flatten();
    for image in images.filter(|image| !is_index(image)) {
        for (name, value) in scan.as_object().unwrap() {
            image[name] = value.clone();
        }
    }
    serde_json::to_vec(&answer).unwrap()
}

fn is_index(image: &Value) -> bool {
    let kind = image["imageManifestMediaType"].as_str();
    kind.is_some_and(|kind| kind.contains("index") || kind.contains("list"))
}

fn refusal(status: u16, kind: &str) -> Response {
    let body = format!(r#"{{"__type":"{kind}","message":"as the test wants it"}}"#);
    answered(status, body)
}

fn answered(status: u16, body: String) -> Response {
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .content_type("application/x-amz-json-1.1")
        .body(body)
}

/// `DynamoDB_20120810.GetItem` is known as `DynamoDB.GetItem`.
fn named(target: &str) -> String {
    let (service, operation) = target.split_once('.').unwrap();
    let service = match service.split('_').next() {
        Some("AmazonEC2ContainerRegistry") => "ECR",
        Some("AmazonEC2ContainerServiceV20141113") => "ECS",
        Some("AmazonSSM") => "SSM",
        Some(other) => other,
        None => service,
    };
    format!("{service}.{operation}")
}

fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers
}
