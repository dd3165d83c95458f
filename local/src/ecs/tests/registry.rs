use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use poem::endpoint::make_sync;
use poem::http::StatusCode;
use poem::listener::TcpAcceptor;
use poem::{IntoResponse, Response, Server};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A registry of images that are one script each.
pub(super) struct Registry {
    pub(super) base: String,
    /// Path → what stands there.
    content: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl Registry {
    pub(super) async fn start() -> Registry {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
        let content = Arc::new(Mutex::new(HashMap::<String, Vec<u8>>::new()));
        let shelf = Arc::clone(&content);
        let answer = make_sync(move |request| -> Response {
            match shelf.lock().unwrap().get(request.uri().path()) {
                Some(bytes) => bytes.clone().into_response(),
                None => StatusCode::NOT_FOUND.into_response(),
            }
        });
        tokio::spawn(Server::new_with_acceptor(acceptor).run(answer));
        Registry { base, content }
    }

    pub(super) fn push(&self, repository: &str, tag: &str, script: &str) {
        let mut layer = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(script.len() as u64);
        header.set_mode(0o755);
        header.set_cksum();
        layer
            .append_data(&mut header, "service", script.as_bytes())
            .unwrap();
        let layer = self.blob(repository, layer.into_inner().unwrap());
        let config = json!({"os": "linux", "config": {"Entrypoint": ["/service"]}});
        let config = self.blob(repository, config.to_string().into_bytes());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config,
            "layers": [layer],
        });
        self.put(
            &format!("/v2/{repository}/manifests/{tag}"),
            manifest.to_string().into_bytes(),
        );
    }

    pub(super) fn blob(&self, repository: &str, bytes: Vec<u8>) -> Value {
        let hex: String = Sha256::digest(&bytes)
            .iter()
            .map(|it| format!("{it:02x}"))
            .collect();
        let digest = format!("sha256:{hex}");
        self.put(&format!("/v2/{repository}/blobs/{digest}"), bytes);
        json!({"digest": digest})
    }

    pub(super) fn put(&self, path: &str, bytes: Vec<u8>) {
        self.content.lock().unwrap().insert(path.to_owned(), bytes);
    }
}
