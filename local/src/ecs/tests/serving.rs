use std::net::Ipv4Addr;
use std::sync::Arc;

use poem::http::StatusCode;
use serde_json::json;

use super::stage::{Stage, breaker, primary};
use crate::balancer;

/// An HTTP server that answers with its release, and with one event of a stream that never ends. It starts quickly, for its
/// checks begin at once: `http.server` alone takes Python longer than all of this.
const ANSWERS: &str = r#"#!/bin/sh
exec python3 -I -S -c '
import os, socket, threading, time

def answer(client):
    asked = client.recv(65536).split(b" ")
    client.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
    if asked[1:2] == [b"/events"]:
        client.sendall(b"data: 1\n\n")
        time.sleep(600)
    client.sendall(os.environ["RELEASE"].encode())
    client.close()

server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=128)
while True:
    client, _ = server.accept()
    threading.Thread(target=answer, args=[client], daemon=True).start()
'
"#;

#[tokio::test]
async fn the_balancer_answers_all_through_a_rollout() {
    let mut stage = Stage::new().await;
    stage.push("v1", ANSWERS);
    stage.push("v2", ANSWERS);
    stage.register("poems:v1").await;
    stage.register("poems:v2").await;
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let proxy = balancer::serve(Arc::clone(&stage.controller), address)
        .await
        .unwrap();
    let get = || async move {
        let response = reqwest::get(format!("http://{address}/version"))
            .await
            .unwrap();
        (response.status(), response.text().await.unwrap())
    };
    assert_eq!(get().await.0, StatusCode::SERVICE_UNAVAILABLE);

    let group = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/1";
    let mut more = breaker(true);
    more["loadBalancers"] =
        json!([{"targetGroupArn": group, "containerName": "web", "containerPort": 8080}]);
    let first = primary(&stage.create_of("web:1", 2, more).await).to_owned();
    stage.next_completed(&first).await;
    assert_eq!(stage.controller.healthy_targets(Some("poems")).len(), 2);
    assert_eq!(get().await, (StatusCode::OK, "poems:v1".to_owned()));

    let stream = reqwest::get(format!("http://{address}/events"));
    let mut stream = stream.await.unwrap();
    assert_eq!(stream.chunk().await.unwrap().unwrap(), "data: 1\n\n");
    drop(stream);

    let second = primary(&stage.update("web:2").await).to_owned();
    let mut seen = Vec::new();
    while stage.service().await["deployments"][0]["rolloutState"] != "COMPLETED" {
        let (status, text) = get().await;
        assert_eq!(status, StatusCode::OK, "{text}");
        seen.push(text);
        assert!(seen.len() < 20_000, "the rollout never completed");
    }
    seen.push(get().await.1);
    assert!(
        seen.contains(&"poems:v1".to_owned()),
        "the first release answered for a while"
    );
    assert_eq!(seen.last().unwrap(), "poems:v2");
    assert_eq!(stage.running(), [second.clone(), second]);
    proxy.abort();
}
