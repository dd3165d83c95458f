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
}

/// What shall happen to the next call of an operation.
#[derive(Debug)]
enum Order {
    Lose,
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
    let order = {
        let mut orders = state.orders.lock().unwrap();
        let place = orders.iter().position(|(of, _)| *of == operation);
        place.map(|place| orders.remove(place).1)
    };
    let lost = matches!(order, Some(Order::Lose));
    if let Some(Order::Hold(arrives, goes)) = order {
        arrives.send(()).unwrap();
        goes.await.unwrap();
    }
    let url = format!("{}{path}", state.beyond.lock().unwrap());
    let answer = HTTP
        .request(parts.method, url)
        .headers(end_to_end(parts.headers))
        .body(body)
        .send()
        .await
        .unwrap();
    if lost {
        return Response::builder()
            .status(StatusCode::BAD_REQUEST)
            .content_type("application/x-amz-json-1.1")
            .body(r#"{"__type":"Lost","message":"the answer was lost"}"#);
    }
    let mut response = Response::builder().status(answer.status()).finish();
    *response.headers_mut() = end_to_end(answer.headers().clone());
    response.set_body(answer.bytes().await.unwrap());
    response
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
