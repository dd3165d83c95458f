//! A server with nothing between hyper and the answer: what the runtime of the board can do at most. It serves the files of
//! the folder that is named, each with the headers of the file beside it; those that end in `.json` are read once and written
//! as JSON for every request.

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::{env, fs};

use anyhow::{Context, Result};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

struct Content {
    headers: HeaderMap,
    body: Body,
}

enum Body {
    Bytes(Bytes),
    Json(Value),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = env::args().nth(1).context("name a folder")?;
    let port: u16 = env::var("PORT").context("PORT is not set")?.parse()?;
    let contents = Rc::new(read(Path::new(&folder))?);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let contents = Rc::clone(&contents);
                tokio::task::spawn_local(async move {
                    let answer = service_fn(async |request| answer(&contents, &request));
                    // A connection that breaks off is the client's affair.
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answer)
                        .await;
                });
            }
        })
        .await
}

fn read(folder: &Path) -> Result<HashMap<String, Content>> {
    let mut contents = HashMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Ok(headers) = fs::read_to_string(path.with_file_name(format!("{name}.headers"))) else {
            continue;
        };
        let bytes = fs::read(&path)?;
        let body = match name.ends_with(".json") {
            true => Body::Json(serde_json::from_slice(&bytes)?),
            false => Body::Bytes(bytes.into()),
        };
        let headers = headers.lines().map(header).collect::<Result<_>>()?;
        contents.insert(format!("/{name}"), Content { headers, body });
    }
    Ok(contents)
}

fn answer(
    contents: &HashMap<String, Content>,
    request: &Request<Incoming>,
) -> Result<Response<Full<Bytes>>> {
    let Some(content) = contents.get(request.uri().path()) else {
        let missing = Response::builder().status(StatusCode::NOT_FOUND);
        return Ok(missing.body(Full::default())?);
    };
    let body = match &content.body {
        Body::Bytes(bytes) => bytes.clone(),
        Body::Json(value) => serde_json::to_vec(value)?.into(),
    };
    let mut response = Response::new(Full::new(body));
    *response.headers_mut() = content.headers.clone();
    Ok(response)
}

fn header(line: &str) -> Result<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(": ").context("a header without a value")?;
    Ok((name.parse()?, value.parse()?))
}
