//! The stream by which a page hears that something has changed. It says that, and not what: the page fetches
//! itself again, so that there is one way in which anything is shown.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use poem::web::Data;
use poem::{Body, Response, handler};
use tokio::sync::watch::Receiver;
use tokio::time::timeout;

use crate::app::Service;
use crate::failure::Failure;
use crate::watch::News;

/// Where pages listen.
pub(crate) const PATH: &str = "/events";

/// A stream costs a connection and a few kilobytes; this many fit into the smallest task.
const MOST: usize = 2000;
/// A load balancer closes what has been silent for 60 seconds unless it is told otherwise.
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>
const SILENCE: Duration = Duration::from_secs(20);
/// After how long a browser comes back, in milliseconds, and a comment that nobody hears.
const HELLO: &str = "retry: 2000\n\n";
const STILL_HERE: &str = ": still here\n\n";

/// Server-sent events. Source: <https://html.spec.whatwg.org/multipage/server-sent-events.html>
#[handler]
pub(crate) fn events(service: Data<&Arc<Service>>) -> Result<Response, Failure> {
    if service.watch.listeners() >= MOST {
        return Err(Failure::Crowded);
    }
    let mut news = service.watch.listen();
    // What is known already is told at once: something may have changed since the page was made.
    news.mark_changed();
    Ok(Response::builder()
        .content_type("text/event-stream")
        .header("cache-control", "no-store")
        .body(Body::from_bytes_stream(told(news))))
}

/// Ends when the service stops.
fn told(news: Receiver<News>) -> impl Stream<Item = Result<String, io::Error>> + Send {
    stream::unfold((news, true), async |(mut news, first)| {
        if first {
            return Some((Ok(HELLO.to_owned()), (news, false)));
        }
        let text = next(&mut news).await?;
        Some((Ok(text), (news, false)))
    })
}

async fn next(news: &mut Receiver<News>) -> Option<String> {
    loop {
        if news.borrow().closing {
            return None;
        }
        match timeout(SILENCE, news.changed()).await {
            Err(_) => return Some(STILL_HERE.to_owned()),
            Ok(changed) => changed.ok()?,
        }
        let News { print, closing } = news.borrow_and_update().clone();
        if let (Some(print), false) = (print, closing) {
            return Some(format!("id: {print}\ndata: {print}\n\n"));
        }
    }
}
