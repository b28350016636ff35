//! Many askers, slow bodies, clients that leave: what one fill does for all.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep},
};
use tooloo_cache::{CacheBody, CacheLayer, CacheService, HttpCacheConfig};
use tower::{Layer, Service, ServiceExt};

const SECOND: Duration = Duration::from_secs(1);

/// A body that a task feeds.
struct Fed(mpsc::UnboundedReceiver<Result<Frame<Bytes>, io::Error>>);

type Script = Arc<dyn Fn(usize, Request<()>) -> Answer + Send + Sync>;

/// What the origin does with one call: when it answers, with which head, and what it feeds when.
#[derive(Clone)]
struct Answer {
    after: Duration,
    status: StatusCode,
    fields: Vec<(&'static str, String)>,
    feed: Vec<(Duration, Piece)>,
}

#[derive(Clone)]
enum Piece {
    Data(Bytes),
    Trailers,
    Error,
}

#[derive(Clone)]
struct Origin {
    script: Script,
    calls: Arc<AtomicUsize>,
}

impl Body for Fed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(cx)
    }
}

impl Answer {
    fn new(cache_control: &str) -> Self {
        Self {
            after: Duration::ZERO,
            status: StatusCode::OK,
            fields: vec![("cache-control", cache_control.to_owned())],
            feed: vec![(Duration::ZERO, Piece::Data("body".into()))],
        }
    }

    fn after(mut self, time: Duration) -> Self {
        self.after = time;
        self
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.fields.push((name, value.to_owned()));
        self
    }

    fn feeding(mut self, feed: Vec<(Duration, Piece)>) -> Self {
        self.feed = feed;
        self
    }
}

impl Origin {
    fn new(script: impl Fn(usize, Request<()>) -> Answer + Send + Sync + 'static) -> Self {
        Self {
            script: Arc::new(script),
            calls: Arc::default(),
        }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Service<Request<()>> for Origin {
    type Response = Response<Fed>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Fed>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let answer = (self.script)(self.calls.fetch_add(1, Ordering::SeqCst), request);
        Box::pin(async move {
            sleep(answer.after).await;
            let (feed, body) = mpsc::unbounded_channel();
            tokio::spawn(async move {
                for (after, piece) in answer.feed {
                    sleep(after).await;
                    let frame = match piece {
                        Piece::Data(bytes) => Ok(Frame::data(bytes)),
                        Piece::Trailers => Ok(Frame::trailers(HeaderMap::new())),
                        Piece::Error => Err(io::Error::other("broken")),
                    };
                    if feed.send(frame).is_err() {
                        return;
                    }
                }
            });
            let mut response = Response::new(Fed(body));
            *response.status_mut() = answer.status;
            for (name, value) in answer.fields {
                let value = HeaderValue::try_from(value).unwrap();
                response.headers_mut().insert(name, value);
            }
            Ok(response)
        })
    }
}

fn stack(origin: &Origin) -> CacheService<Origin> {
    CacheLayer::new(HttpCacheConfig::new()).layer(origin.clone())
}

fn get(path: &str) -> Request<()> {
    let request = Request::get(path).header(header::HOST, "a.example");
    request.body(()).unwrap()
}

async fn send(stack: &CacheService<Origin>, request: Request<()>) -> Response<CacheBody<Fed>> {
    let response = stack.clone().oneshot(request);
    let patience = Duration::from_secs(600);
    let response = tokio::time::timeout(patience, response).await;
    response.expect("an answer in time").unwrap()
}

async fn text(response: Response<CacheBody<Fed>>) -> String {
    let body = response.into_body().collect();
    let body = tokio::time::timeout(Duration::from_secs(600), body).await;
    let body = body.expect("a body in time").expect("a whole body");
    String::from_utf8(body.to_bytes().to_vec()).unwrap()
}

fn status(response: &Response<CacheBody<Fed>>) -> &str {
    response.headers()["cache-status"].to_str().unwrap()
}

fn slowly(pieces: usize, each: Duration) -> Vec<(Duration, Piece)> {
    vec![(each, Piece::Data("0123456789".into())); pieces]
}

#[tokio::test(start_paused = true)]
async fn fifty_cold_askers_make_one_call() {
    for announced in [true, false] {
        let origin = Origin::new(move |_, _| {
            let answer = Answer::new("max-age=60")
                .after(SECOND)
                .feeding(slowly(3, SECOND / 10));
            if announced {
                answer.with("content-length", "30")
            } else {
                answer
            }
        });
        let stack = stack(&origin);
        let mut askers = JoinSet::new();
        for _ in 0..50 {
            let stack = stack.clone();
            askers.spawn(async move { text(send(&stack, get("/x")).await).await });
        }
        while let Some(body) = askers.join_next().await {
            assert_eq!(body.unwrap(), "0123456789".repeat(3));
        }
        assert_eq!(origin.calls(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_miss_gives_its_first_byte_as_the_origin_does() {
    let origin = Origin::new(|_, _| {
        let feed = slowly(12, SECOND / 10);
        Answer::new("max-age=60")
            .with("content-length", "120")
            .feeding(feed)
    });
    let stack = stack(&origin);
    let start = Instant::now();
    let mut leader = send(&stack, get("/x")).await.into_body();
    // Whoever comes meanwhile reads along.
    let mut follower = send(&stack, get("/x")).await.into_body();
    for body in [&mut leader, &mut follower] {
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, "0123456789");
        let since = start.elapsed();
        assert!(
            since < SECOND * 3 / 20,
            "the first byte came after {since:?}"
        );
    }
    assert_eq!(leader.collect().await.unwrap().to_bytes().len(), 110);
    let whole = start.elapsed();
    assert!(
        whole >= SECOND * 12 / 10 && whole < SECOND * 5 / 4,
        "{whole:?}"
    );
    assert_eq!(follower.collect().await.unwrap().to_bytes().len(), 110);
    assert!(status(&send(&stack, get("/x")).await).contains("; hit"));
    assert_eq!(origin.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_leaves_before_the_head_costs_no_second_call() {
    let origin = Origin::new(|_, _| Answer::new("max-age=60").after(SECOND));
    let stack = stack(&origin);
    let leader = tokio::spawn({
        let stack = stack.clone();
        async move { send(&stack, get("/x")).await }
    });
    sleep(SECOND / 2).await;
    let follower = tokio::spawn({
        let stack = stack.clone();
        async move { text(send(&stack, get("/x")).await).await }
    });
    sleep(SECOND / 4).await;
    leader.abort();
    assert_eq!(follower.await.unwrap(), "body");
    assert_eq!(origin.calls(), 1);
    assert!(status(&send(&stack, get("/x")).await).contains("; hit"));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_leaves_within_the_body_costs_no_second_call() {
    let origin = Origin::new(|_, _| Answer::new("max-age=60").feeding(slowly(5, SECOND)));
    let stack = stack(&origin);
    let mut leader = send(&stack, get("/x")).await.into_body();
    leader.frame().await.unwrap().unwrap();
    drop(leader);
    sleep(SECOND * 5).await;
    let response = send(&stack, get("/x")).await;
    assert!(status(&response).contains("; hit"), "{}", status(&response));
    assert_eq!(text(response).await, "0123456789".repeat(5));
    assert_eq!(origin.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_reads_and_that_does_not_end_is_given_up() {
    let origin = Origin::new(|_, _| Answer::new("max-age=60").feeding(slowly(1000, SECOND)));
    let stack = stack(&origin);
    drop(send(&stack, get("/x")).await);
    sleep(SECOND * 40).await;
    // The claim is free again: the next one is a leader.
    let response = send(&stack, get("/x")).await;
    assert_eq!(
        status(&response),
        "tooloo; fwd=uri-miss; fwd-status=200; ttl=60; stored"
    );
    assert_eq!(origin.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_stored_releases_all_who_wait_at_once() {
    let origin = Origin::new(|_, _| Answer::new("no-store").after(SECOND));
    let stack = stack(&origin);
    let start = Instant::now();
    let mut askers = JoinSet::new();
    for _ in 0..50 {
        let stack = stack.clone();
        askers.spawn(async move { text(send(&stack, get("/x")).await).await });
    }
    while let Some(body) = askers.join_next().await {
        assert_eq!(body.unwrap(), "body");
    }
    assert!(
        start.elapsed() < SECOND * 9 / 4,
        "one after the other: {:?}",
        start.elapsed()
    );
    assert_eq!(origin.calls(), 50);
    // It is remembered: the next ones do not even wait for one.
    let start = Instant::now();
    let (one, other) = tokio::join!(send(&stack, get("/x")), send(&stack, get("/x")));
    assert!(start.elapsed() < SECOND * 5 / 4, "{:?}", start.elapsed());
    assert_eq!(status(&one), status(&other));
}

#[tokio::test(start_paused = true)]
async fn a_body_over_the_bound_streams_on_unstored() {
    let most = std::num::NonZeroUsize::new(25).unwrap();
    let config = HttpCacheConfig::new().with_max_body_bytes(most);
    for announced in [true, false] {
        let origin = Origin::new(move |_, _| {
            let answer = Answer::new("max-age=60").feeding(slowly(10, SECOND / 10));
            if announced {
                answer.with("content-length", "100")
            } else {
                answer
            }
        });
        let stack = CacheLayer::new(config.clone()).layer(origin.clone());
        let first = tokio::spawn({
            let stack = stack.clone();
            async move { text(send(&stack, get("/x")).await).await }
        });
        sleep(SECOND / 20).await;
        let second = text(send(&stack, get("/x")).await).await;
        assert_eq!(first.await.unwrap(), "0123456789".repeat(10));
        assert_eq!(second, "0123456789".repeat(10));
        assert_eq!(origin.calls(), 2, "announced: {announced}");
        assert!(!status(&send(&stack, get("/x")).await).contains("hit"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_not_stored() {
    let feed = vec![
        (SECOND / 10, Piece::Data("01234".into())),
        (SECOND / 10, Piece::Error),
    ];
    let origin = Origin::new(move |call, _| match call {
        0 => Answer::new("max-age=60").feeding(feed.clone()),
        _ => Answer::new("max-age=60"),
    });
    let stack = stack(&origin);
    let body = send(&stack, get("/x")).await.into_body();
    let error = body.collect().await.expect_err("the origin's error");
    assert_eq!(error.to_string(), "broken");
    let response = send(&stack, get("/x")).await;
    assert!(
        status(&response).contains("fwd=uri-miss"),
        "{}",
        status(&response)
    );
    assert_eq!(text(response).await, "body");
    assert!(status(&send(&stack, get("/x")).await).contains("; hit"));
}

#[tokio::test(start_paused = true)]
async fn a_body_shorter_than_announced_is_not_stored() {
    let origin = Origin::new(|_, _| {
        let feed = slowly(2, SECOND / 10);
        Answer::new("max-age=60")
            .with("content-length", "30")
            .feeding(feed)
    });
    let stack = stack(&origin);
    for _ in 0..2 {
        let body = send(&stack, get("/x")).await.into_body().collect().await;
        assert_eq!(body.unwrap().to_bytes().len(), 20);
    }
    assert_eq!(origin.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn trailers_reach_the_client_and_are_not_stored() {
    for pause in [Duration::ZERO, SECOND] {
        let feed = vec![
            (pause, Piece::Data("01234".into())),
            (pause, Piece::Trailers),
        ];
        let origin = Origin::new(move |_, _| Answer::new("max-age=60").feeding(feed.clone()));
        let stack = stack(&origin);
        for _ in 0..2 {
            let body = send(&stack, get("/x"))
                .await
                .into_body()
                .collect()
                .await
                .unwrap();
            assert!(body.trailers().is_some());
            assert_eq!(body.to_bytes(), "01234");
        }
        assert_eq!(origin.calls(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn cold_askers_for_two_variants_get_their_own() {
    let origin = Origin::new(|_, request| {
        let language = request.headers()["accept-language"].to_str().unwrap();
        let body = Bytes::from(language.to_owned());
        Answer::new("max-age=60")
            .after(SECOND)
            .with("vary", "accept-language")
            .feeding(vec![(SECOND, Piece::Data(body))])
    });
    let stack = stack(&origin);
    let ask = |language: &'static str| {
        let mut request = get("/x");
        let language = HeaderValue::from_static(language);
        request
            .headers_mut()
            .insert(header::ACCEPT_LANGUAGE, language);
        request
    };
    let mut askers = JoinSet::new();
    for asker in 0..50 {
        let (stack, language) = (stack.clone(), ["de", "en"][asker % 2]);
        askers.spawn(async move { (language, text(send(&stack, ask(language)).await).await) });
    }
    while let Some(answer) = askers.join_next().await {
        let (language, body) = answer.unwrap();
        assert_eq!(body, language);
    }
    assert_eq!(origin.calls(), 2);
    for language in ["de", "en"] {
        let response = send(&stack, ask(language)).await;
        assert!(status(&response).contains("; hit"), "{}", status(&response));
        assert_eq!(text(response).await, language);
    }
}

#[tokio::test(start_paused = true)]
async fn many_who_find_it_stale_refresh_it_once() {
    let origin =
        Origin::new(|_, _| Answer::new("max-age=10, stale-while-revalidate=60").after(SECOND));
    let stack = stack(&origin);
    text(send(&stack, get("/x")).await).await;
    sleep(SECOND * 20).await;
    let start = Instant::now();
    for _ in 0..50 {
        assert_eq!(text(send(&stack, get("/x")).await).await, "body");
    }
    assert!(start.elapsed() < SECOND / 2, "nobody waits for the refresh");
    sleep(SECOND * 2).await;
    assert_eq!(origin.calls(), 2);
    let response = send(&stack, get("/x")).await;
    assert!(
        status(&response).contains("; hit; ttl="),
        "{}",
        status(&response)
    );
}

#[tokio::test(start_paused = true)]
async fn many_who_find_it_stale_share_one_failure() {
    let origin = Origin::new(|call, _| {
        let mut answer = Answer::new("max-age=10, stale-if-error=60").after(SECOND);
        if call > 0 {
            answer.status = StatusCode::SERVICE_UNAVAILABLE;
        }
        answer
    });
    let stack = stack(&origin);
    text(send(&stack, get("/x")).await).await;
    sleep(SECOND * 20).await;
    let mut askers = JoinSet::new();
    for _ in 0..50 {
        let stack = stack.clone();
        askers.spawn(async move { send(&stack, get("/x")).await });
    }
    while let Some(response) = askers.join_next().await {
        let response = response.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert!(status(&response).contains("detail=stale-if-error"));
    }
    assert_eq!(origin.calls(), 2);
}
