//! A service that can be looked at: real HTTP, and as good or bad as a test wants it.

use std::{
    future::pending,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

const SOON: Duration = Duration::from_secs(30);

/// A running upstream.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    stage: Arc<Stage>,
    requests: mpsc::UnboundedReceiver<Asked>,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

/// A request that the upstream saw.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) user_agent: String,
    pub(crate) conditional: bool,
}

/// What the upstream gives for its document.
pub(crate) enum Document {
    Good(Value),
    /// With this tag, and `304 Not Modified` to whoever has it.
    Tagged(&'static str, Value),
    Raw(String),
    Status(StatusCode),
    /// Nothing at all.
    Silent,
}

struct Stage {
    document: Mutex<Document>,
    figures: Mutex<Option<Value>>,
    asked: mpsc::UnboundedSender<Asked>,
}

impl Upstream {
    pub(crate) async fn start(document: Document) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let (asked, requests) = mpsc::unbounded_channel();
        let stage = Arc::new(Stage {
            document: Mutex::new(document),
            figures: Mutex::default(),
            asked,
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&stage));
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(async move {
            let serve = axum::serve(listener, router).with_graceful_shutdown(async {
                drop(stopped.await);
            });
            serve.await.expect("a server that ends when told");
        });
        Self {
            address,
            stage,
            requests,
            stop: Some(stop),
            server,
        }
    }

    /// Changes the document.
    pub(crate) fn now_gives(&self, document: Document) {
        *self
            .stage
            .document
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = document;
    }

    /// Changes the figures of the routes.
    pub(crate) fn now_counts(&self, routes: &Value) {
        let figures = json!({"tracer": {"routes": routes}});
        *self
            .stage
            .figures
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(figures);
    }

    /// Waits for the next request to `path`.
    pub(crate) async fn asked_for(&mut self, path: &str) -> Asked {
        let asked = async {
            loop {
                let asked = self.requests.recv().await.expect("an upstream that runs");
                if asked.path == path {
                    return asked;
                }
            }
        };
        timeout(SOON, asked).await.expect("a request in time")
    }

    /// Waits for the next request to `path`, and fails on one to `unwanted`.
    pub(crate) async fn asked_for_unless(&mut self, path: &str, unwanted: &str) {
        let asked = async {
            loop {
                let asked = self.requests.recv().await.expect("an upstream that runs");
                assert_ne!(asked.path, unwanted, "{asked:?}");
                if asked.path == path {
                    return;
                }
            }
        };
        timeout(SOON, asked).await.expect("a request in time");
    }

    /// Counts the requests to `path` so far.
    pub(crate) fn count(&mut self, path: &str) -> usize {
        let asked = std::iter::from_fn(|| self.requests.try_recv().ok());
        asked.filter(|asked| asked.path == path).count()
    }

    /// Forgets the requests so far.
    pub(crate) fn forget(&mut self) {
        while self.requests.try_recv().is_ok() {}
    }

    /// Closes the port and every connection.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        timeout(SOON, self.server)
            .await
            .expect("an end in time")
            .expect("no panic");
    }
}

async fn answer(State(stage): State<Arc<Stage>>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    let header = |name| {
        request
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let path = request.uri.path();
    let asked = Asked {
        path: path.to_owned(),
        user_agent: header(header::USER_AGENT).unwrap_or_default().to_owned(),
        conditional: header(header::IF_NONE_MATCH).is_some(),
    };
    drop(stage.asked.send(asked));
    match path {
        "/openapi.json" => {
            let known = header(header::IF_NONE_MATCH);
            {
                let document = stage
                    .document
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                match &*document {
                    Document::Good(document) => return Json(document).into_response(),
                    Document::Tagged(tag, _) if known == Some(tag) => {
                        return StatusCode::NOT_MODIFIED.into_response();
                    }
                    Document::Tagged(tag, document) => {
                        return ([(header::ETAG, *tag)], Json(document)).into_response();
                    }
                    Document::Raw(text) => return text.clone().into_response(),
                    Document::Status(status) => return status.into_response(),
                    Document::Silent => {}
                }
            }
            pending().await
        }
        "/api/v1/system/observability" => {
            let figures = stage
                .figures
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            figures.map_or_else(
                || StatusCode::NOT_FOUND.into_response(),
                |f| Json(f).into_response(),
            )
        }
        "/fails" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        _ => Json(json!({})).into_response(),
    }
}

/// A document with a GET operation for each name, at `/name`.
pub(crate) fn offering(names: &[&str]) -> Value {
    let paths: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| (format!("/{name}"), json!({"get": {"operationId": name}})))
        .collect();
    json!({"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": paths})
}
