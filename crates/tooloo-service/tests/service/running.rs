//! A small service on a port of the system's choice.

use std::{
    collections::HashMap, convert::Infallible, future::Future, net::SocketAddr, time::Duration,
};

use axum::{
    body::Body,
    response::{IntoResponse, sse},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time,
};
use tooloo_service::{
    Answer, App, Definition, Json, Kit, KitConfig, Path, Problem, Query, ServeError, Settings,
    Shutdown, Trigger, serve,
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Longer than any healthy test takes.
const HANG: Duration = Duration::from_secs(10);

pub(crate) const SERVICE: Definition = Definition {
    name: "training",
    port: 3001,
    sampling_rate: 0.15,
    version: "1.2.3",
    summary: "a service under test",
    check: |raw| raw.settings::<Domain>().map(drop),
    build: |raw| Box::pin(async move { Ok(app(&raw.settings::<Domain>()?)) }),
};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Domain {
    pub(crate) rounds: Option<u32>,
    pub(crate) topics: Vec<String>,
}

/// A service that runs.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) app: App,
    trigger: Trigger,
    served: JoinHandle<Result<(), ServeError>>,
    _folder: TempDir,
}

/// An answer as it came off the wire.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Round {
    topic: Topic,
    correct: bool,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Topic {
    name: String,
}

#[derive(Debug, Deserialize, IntoParams)]
struct Since {
    since: Option<u32>,
}

/// Echoes a round.
#[utoipa::path(post, path = "/round", request_body = Round, responses((status = 200, body = Round)))]
async fn round(Json(round): Json<Round>) -> Answer<Round> {
    Answer(round)
}

/// Tells the history.
#[utoipa::path(get, path = "/history", params(Since), responses((status = 200)))]
async fn history(Query(Since { since }): Query<Since>) -> Answer<HashMap<&'static str, u32>> {
    Answer(HashMap::from([("since", since.unwrap_or(0))]))
}

/// Finds a topic.
#[utoipa::path(get, path = "/topics/{id}", responses((status = 200)))]
async fn topic(Path(id): Path<u32>) -> Result<Answer<HashMap<&'static str, u32>>, Problem> {
    match id {
        0 => Err(Problem::not_found("unknown_topic", "there is no topic 0")),
        id => Ok(Answer(HashMap::from([("id", id)]))),
    }
}

/// Panics.
#[utoipa::path(get, path = "/panic", responses((status = 200)))]
async fn panics() -> &'static str {
    panic!("the secret recipe")
}

/// Never answers.
#[utoipa::path(get, path = "/never", responses((status = 200)))]
async fn never() {
    std::future::pending::<()>().await;
}

/// Answers after a while.
#[utoipa::path(get, path = "/slow", responses((status = 200)))]
async fn slow() -> &'static str {
    time::sleep(Duration::from_millis(300)).await;
    "slow"
}

/// Answers an object after a while.
#[utoipa::path(get, path = "/slow-json", responses((status = 200)))]
async fn slow_json() -> Answer<HashMap<&'static str, bool>> {
    time::sleep(Duration::from_millis(100)).await;
    Answer(HashMap::from([("slow", true)]))
}

/// Refuses as a layer would.
#[utoipa::path(get, path = "/refused", responses((status = 429)))]
async fn refused() -> impl IntoResponse {
    let problem = [
        ("content-type", "application/problem+json"),
        ("retry-after", "7"),
    ];
    (
        axum::http::StatusCode::TOO_MANY_REQUESTS,
        problem,
        r#"{"title":"x","retryAfter":7}"#,
    )
}

/// Sends events without end.
#[utoipa::path(get, path = "/events", responses((status = 200)))]
async fn events() -> impl IntoResponse {
    let first = futures_util::stream::iter([Ok::<_, Infallible>(sse::Event::default().data("hi"))]);
    sse::Sse::new(futures_util::StreamExt::chain(
        first,
        futures_util::stream::pending(),
    ))
}

/// Sends a long text.
#[utoipa::path(get, path = "/long", responses((status = 200)))]
async fn long() -> String {
    "mastery ".repeat(1000)
}

/// Sends more than any socket buffers.
#[utoipa::path(get, path = "/huge", responses((status = 200)))]
async fn huge() -> Body {
    Body::from(vec![b'x'; 64 << 20])
}

/// Takes a body without the kit's extractor.
#[utoipa::path(post, path = "/bytes", responses((status = 200)))]
async fn bytes(body: axum::body::Bytes) -> String {
    body.len().to_string()
}

pub(crate) fn app(settings: &Settings<Domain>) -> App {
    let mut kit = Kit::new(&SERVICE, &settings.kit).unwrap();
    kit.check("always", || async { Ok::<_, String>(()) });
    complete(kit)
}

pub(crate) fn complete(kit: Kit) -> App {
    kit.finish(
        OpenApiRouter::new()
            .routes(routes!(round))
            .routes(routes!(history))
            .routes(routes!(topic))
            .routes(routes!(panics))
            .routes(routes!(never))
            .routes(routes!(slow))
            .routes(routes!(slow_json))
            .routes(routes!(refused))
            .routes(routes!(events))
            .routes(routes!(long))
            .routes(routes!(huge))
            .routes(routes!(bytes)),
    )
}

/// Starts the service with settings that `change` has had its way with.
pub(crate) async fn start(change: impl FnOnce(&mut KitConfig)) -> Running {
    start_with(change, app).await
}

pub(crate) async fn start_with(
    change: impl FnOnce(&mut KitConfig),
    build: impl FnOnce(&Settings<Domain>) -> App,
) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::for_tests(&SERVICE, folder.path());
    change(&mut settings.kit);
    let app = build(&settings);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (trigger, shutdown) = Shutdown::manual();
    let served = tokio::spawn(serve(vec![(app.clone(), listener)], shutdown));
    Running {
        address,
        app,
        trigger,
        served,
        _folder: folder,
    }
}

impl Running {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `request` as it stands and reads the one answer on a connection of its own.
    pub(crate) async fn send(&self, request: impl AsRef<[u8]>) -> Reply {
        let mut stream = self.connect().await;
        let (mut read, mut write) = stream.split();
        let sending = async {
            // The server may close while we are still sending.
            let _ = write.write_all(request.as_ref()).await;
        };
        let (reply, ()) = within(async { tokio::join!(Reply::read(&mut read), sending) }).await;
        reply.expect("an answer")
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(get(path)).await
    }

    pub(crate) fn shut_down(&self) {
        self.trigger.shut_down();
    }

    /// Waits until the drain is over.
    pub(crate) async fn drained(self) {
        within(self.served).await.unwrap().unwrap();
    }
}

impl Reply {
    /// Reads one answer; the connection may stay open where the answer tells its length.
    pub(crate) async fn read(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<Self> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().unwrap_or(0);
        let headers: HashMap<_, _> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut body = Vec::new();
        match headers.get("content-length") {
            Some(length) => {
                body.resize(length.parse().unwrap(), 0);
                stream.read_exact(&mut body).await.ok()?;
            }
            None if status != 204 => drop(stream.read_to_end(&mut body).await.ok()?),
            None => {}
        }
        Some(Self {
            status,
            headers,
            body,
        })
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Checks everything that is true of each problem, and returns its members.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str, instance: &str) -> Value {
        let problem = self.json();
        assert_eq!(self.status, status, "{problem}");
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(problem["status"], status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["instance"], instance);
        assert_eq!(problem["error"], problem["title"]);
        let trace = problem["traceId"].as_str().unwrap();
        assert!(self.header("traceresponse").unwrap().contains(trace));
        assert!(self.header("x-request-id").is_some());
        problem
    }

    #[track_caller]
    pub(crate) fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
}

pub(crate) fn post(path: &str, content_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: {content_type}\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

/// Fails where `future` hangs.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    time::timeout(HANG, future)
        .await
        .expect("this should not hang")
}

/// Reads until the server closes the connection, and says how long that took.
pub(crate) async fn closed(mut stream: TcpStream) -> Duration {
    let began = tooloo_clock::now();
    let mut rest = Vec::new();
    // A reset is a close as well.
    let _ = within(stream.read_to_end(&mut rest)).await;
    began.elapsed()
}
