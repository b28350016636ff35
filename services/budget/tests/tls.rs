//! A provider over TLS.

#![allow(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod rig;

use std::{path::PathBuf, sync::Arc};

use http::StatusCode;
use rig::{Program, assert_problem, completion, within};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;
use tooloo_testkit::{Client, Reply};

/// Starts a provider that answers every connection once, and writes its certificate to a file.
async fn provider(folder: &TempDir) -> (String, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = folder.path().join("trusted.pem");
    std::fs::write(&file, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            // A client that does not trust the certificate breaks off here.
            let Ok(mut tls) = acceptor.accept(socket).await else {
                continue;
            };
            let mut request = [0; 4096];
            let _ = tls.read(&mut request).await.unwrap();
            let body = completion("in private", (1, 1));
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            tls.write_all(format!("{head}{body}").as_bytes())
                .await
                .unwrap();
            tls.shutdown().await.unwrap();
        }
    });
    (format!("https://localhost:{port}/v1"), file)
}

async fn burst(program: &Program) -> Reply {
    let url = program.url("/api/v1/providers/burst");
    within(Client::new().post(url, &json!({"prompt": "psst"}))).await
}

#[tokio::test]
async fn a_provider_is_asked_over_tls_if_its_certificate_is_trusted() {
    let folder = TempDir::new().unwrap();
    let (address, certificate) = provider(&folder).await;
    let program = Program::start(folder.path(), &address, Some(&certificate)).await;
    let reply = burst(&program).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    assert_eq!(reply.json()["text"], "in private");

    // Another certificate for the same name is not enough.
    let (address, _) = provider(&TempDir::new().unwrap()).await;
    let program = Program::start(folder.path(), &address, Some(&certificate)).await;
    assert_problem(&burst(&program).await, 503, "sim cannot be reached");
}
