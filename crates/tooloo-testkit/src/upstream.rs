//! An HTTP server on a real socket, under the test's control.

mod answer;

use std::{
    collections::VecDeque,
    convert::Infallible,
    error::Error,
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Collected, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpListener,
    task::{AbortHandle, JoinSet},
};

pub use self::answer::Answer;

/// How many requests are remembered.
const LOG: usize = 4096;

type Body = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;
type Choose = dyn Fn(&Received) -> Answer + Send + Sync;

/// Answers every request as told, and remembers the newest of them.
///
/// Clones are the same server; it stops, and its connections break, when the last one is dropped.
#[derive(Clone)]
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    _running: Arc<Running>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its method.
    pub method: Method,
    /// Its target, as sent.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its whole body; empty where the client broke off.
    pub body: Bytes,
}

struct Shared {
    choose: Mutex<Arc<Choose>>,
    log: Mutex<VecDeque<Received>>,
}

struct Running(AbortHandle);

impl Upstream {
    /// Starts a server on a free port of the loopback address that answers `200 OK`.
    ///
    /// # Panics
    ///
    /// Panics where the address cannot be bound.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port on the loopback address");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let shared = Arc::new(Shared {
            choose: Mutex::new(Arc::new(|_: &Received| Answer::new(StatusCode::OK))),
            log: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self {
            address,
            shared,
            _running: Arc::new(Running(accepting.abort_handle())),
        }
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of `path` here.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers every request from now on with `answer`.
    pub fn answer(&self, answer: Answer) {
        self.answer_by(move |_| answer.clone());
    }

    /// Answers every request from now on with what `choose` makes of it.
    pub fn answer_by(&self, choose: impl Fn(&Received) -> Answer + Send + Sync + 'static) {
        *lock(&self.shared.choose) = Arc::new(choose);
    }

    /// Returns the newest requests, oldest first.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.log).iter().cloned().collect()
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        while connections.try_join_next().is_some() {}
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(move |request| respond(Arc::clone(&shared), request));
            let mut server = http1::Builder::new();
            let connection = server
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(socket), service);
            // A client that breaks off is the test's doing.
            drop(connection.await);
        });
    }
}

async fn respond(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(Collected::to_bytes)
        .unwrap_or_default();
    let received = Received {
        method: head.method,
        uri: head.uri,
        headers: head.headers,
        body,
    };
    let choose = Arc::clone(&lock(&shared.choose));
    let answer = choose(&received);
    {
        let mut log = lock(&shared.log);
        if log.len() == LOG {
            log.pop_front();
        }
        log.push_back(received);
    }
    Ok(answer.respond().await)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::{Client, Gate};

    #[tokio::test]
    async fn answers_as_told_and_remembers_what_came() {
        let upstream = Upstream::start().await;
        upstream.answer(
            Answer::new(StatusCode::IM_A_TEAPOT)
                .with_header("x-kind", "pot")
                .with_chunks(["a", "b"]),
        );
        let reply = Client::new()
            .post(upstream.url("/brew?size=2"), &json!({"tea": "green"}))
            .await;
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (StatusCode::IM_A_TEAPOT, "ab")
        );
        assert_eq!(reply.header("x-kind"), Some("pot"));
        let received = upstream.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].uri, "/brew?size=2");
        assert_eq!(received[0].body, r#"{"tea":"green"}"#);
    }

    #[tokio::test]
    async fn holds_an_answer_back_at_a_gate() {
        let upstream = Upstream::start().await;
        let gate = Gate::shut();
        upstream.answer(Answer::new(StatusCode::OK).with_gate(gate.clone()));
        let client = Client::new();
        let call = tokio::spawn(async move { client.get(upstream.url("/")).await.status });
        gate.wait_for(1).await;
        gate.open();
        assert_eq!(call.await.unwrap(), StatusCode::OK);
    }

    #[tokio::test]
    async fn breaks_off_in_the_body_where_told_to() {
        let upstream = Upstream::start().await;
        upstream.answer(
            Answer::new(StatusCode::OK)
                .with_chunks(["half"])
                .with_pause(Duration::from_millis(1))
                .broken_off(),
        );
        let request = crate::client::request(Method::GET, upstream.url("/"), None);
        let error = Client::new().try_send(request).await.unwrap_err();
        assert!(
            matches!(error, crate::client::SendError::Body(_)),
            "{error}"
        );
    }
}
