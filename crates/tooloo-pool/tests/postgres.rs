//! A real PostgreSQL: transactions that are left open, cancelled statements, restarts under load, silence.
#![cfg(all(feature = "axum", feature = "postgres"))]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    routing::post,
};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_postgres::{Config, SimpleQueryMessage};
use tooloo_hub::Observe as _;
use tooloo_pool::{
    Connection as _, Lease, Pool, PoolConfig, PoolLayer, RequestConnection,
    postgres::{PostgresConnection, PostgresConnector},
};
use tooloo_testkit::PostgresServer;
use tower::{Service, ServiceExt as _, service_fn};
use tower_http::catch_panic::CatchPanicLayer;

const SOON: Duration = Duration::from_secs(60);

type Lent = Lease<PostgresConnection>;

fn connector(url: &str) -> PostgresConnector {
    let config: Config = url.parse().unwrap();
    PostgresConnector::new(config)
}

fn pool(server: &PostgresServer, max: usize) -> Pool<PostgresConnection> {
    Pool::new(connector(&server.url()), config(max))
}

fn config(max: usize) -> PoolConfig {
    PoolConfig::new().with_max(max.try_into().unwrap())
}

async fn get(pool: &Pool<PostgresConnection>) -> Lent {
    let got = timeout(SOON, pool.get()).await;
    got.expect("it ends").expect("there is one")
}

async fn execute(connection: &mut PostgresConnection, sql: &str) {
    let done = connection.run(async |client| client.batch_execute(sql).await);
    done.await.unwrap();
}

async fn process(connection: &mut PostgresConnection) -> i32 {
    let row = connection.run(async |client| client.query_one("SELECT pg_backend_pid()", &[]).await);
    row.await.unwrap().get(0)
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_transaction_that_is_left_open_is_rolled_back() {
    let server = PostgresServer::start().await;
    let pool = pool(&server, 1);
    let mut lease = get(&pool).await;
    let first = process(&mut lease).await;
    assert!(!lease.is_dirty());
    execute(&mut lease, "BEGIN; CREATE TABLE lost (id int)").await;
    assert!(lease.in_transaction());
    drop(lease);
    let mut lease = get(&pool).await;
    assert!(!lease.in_transaction());
    assert_eq!(process(&mut lease).await, first);
    // One that failed is left as much.
    execute(&mut lease, "BEGIN").await;
    lease
        .run(async |client| client.batch_execute("SELECT * FROM lost").await)
        .await
        .unwrap_err();
    drop(lease);
    let mut lease = get(&pool).await;
    assert_eq!(process(&mut lease).await, first);
    let figures = pool.handle().snapshot();
    assert_eq!((figures.created, figures.dirty), (1, 2));
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_transaction_object_that_is_dropped_is_rolled_back() {
    let server = PostgresServer::start().await;
    let pool = pool(&server, 1);
    let mut lease = get(&pool).await;
    execute(&mut lease, "CREATE TABLE notes (text text)").await;
    lease
        .run(async |client| {
            let transaction = client.transaction().await?;
            transaction
                .execute("INSERT INTO notes VALUES ('lost')", &[])
                .await
        })
        .await
        .unwrap();
    drop(lease);
    let mut lease = get(&pool).await;
    let count = lease.run(async |client| client.query_one("SELECT count(*) FROM notes", &[]).await);
    assert_eq!(count.await.unwrap().get::<_, i64>(0), 0);
    assert!(!lease.in_transaction());
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_statement_that_nobody_waits_for_is_cancelled() {
    let server = PostgresServer::start().await;
    let pool = pool(&server, 1);
    let mut lease = get(&pool).await;
    let first = process(&mut lease).await;
    let slow = "BEGIN; SELECT pg_sleep(600)";
    let cut = timeout(Duration::from_millis(100), execute(&mut lease, slow)).await;
    assert!(cut.is_err() && lease.is_dirty());
    drop(lease);
    let start = Instant::now();
    let mut lease = get(&pool).await;
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    assert!(!lease.in_transaction());
    assert_eq!(
        process(&mut lease).await,
        first,
        "the same connection, clean"
    );
    // Nothing of the cancelling reaches later statements.
    for _ in 0..50 {
        execute(&mut lease, "SELECT pg_sleep(0.001)").await;
    }
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn begin_that_is_dropped_before_it_is_sent_is_rolled_back() {
    let server = PostgresServer::start().await;
    let pool = pool(&server, 1);
    for polls in 1..4 {
        let mut lease = get(&pool).await;
        {
            let mut begin = std::pin::pin!(execute(&mut lease, "BEGIN"));
            for _ in 0..polls {
                let mut once = std::future::poll_fn(|cx| {
                    std::task::Poll::Ready(begin.as_mut().poll(cx).is_ready())
                });
                if (&mut once).await {
                    break;
                }
            }
        }
        drop(lease);
        let mut lease = get(&pool).await;
        // In a simple query outside of a transaction the two are one.
        let asked = "SELECT now() = statement_timestamp()";
        let rows = lease.run(async |client| client.simple_query(asked).await);
        let rows = rows.await.unwrap();
        let fresh = rows.iter().any(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0) == Some("t"),
            _ => false,
        });
        assert!(fresh, "inside of an old transaction");
        assert!(!lease.in_transaction());
    }
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn begin_in_a_handler_that_panics_or_is_cancelled_is_rolled_back() {
    let server = PostgresServer::start().await;
    let pool = pool(&server, 1);
    execute(&mut *get(&pool).await, "CREATE TABLE notes (text text)").await;
    let handler = async |connection: RequestConnection<PostgresConnection>, deed: String| {
        let mut postgres = connection.get().await.unwrap();
        execute(&mut postgres, "BEGIN; INSERT INTO notes VALUES ('lost')").await;
        match deed.as_str() {
            "panic" => panic!("as the test wants it"),
            "hang" => std::future::pending().await,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    };
    let app = Router::new()
        .route("/", post(handler))
        .layer(PoolLayer::new(pool.clone()))
        .layer(CatchPanicLayer::new());
    for deed in ["panic", "hang", "fail"] {
        let request = Request::post("/").body(Body::from(deed)).unwrap();
        drop(timeout(Duration::from_millis(300), app.clone().oneshot(request)).await);
        let mut lease = get(&pool).await;
        assert!(!lease.in_transaction(), "{deed}");
        let count =
            lease.run(async |client| client.query_one("SELECT count(*) FROM notes", &[]).await);
        assert_eq!(count.await.unwrap().get::<_, i64>(0), 0, "{deed}");
    }
    assert_eq!(pool.handle().snapshot().created, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs postgres"]
async fn a_restart_under_load_costs_no_more_than_the_outage() {
    const AT_ONCE: usize = 3;
    let mut server = PostgresServer::start().await;
    let connecting = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let deadline = Duration::from_secs(2);
    let settings = config(8)
        .with_max_connecting(AT_ONCE.try_into().unwrap())
        .with_acquire_timeout(deadline);
    let counted = counted(connector(&server.url()), connecting, Arc::clone(&most));
    let pool = Pool::new(counted, settings);

    let good = Arc::new(watch::Sender::new(Instant::now()));
    let over = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..32)
        .map(|_| {
            let (pool, good, over) = (pool.clone(), Arc::clone(&good), Arc::clone(&over));
            tokio::spawn(async move {
                let mut longest = Duration::ZERO;
                while !over.load(SeqCst) {
                    let start = Instant::now();
                    let lease = pool.get().await;
                    longest = longest.max(start.elapsed());
                    let Ok(mut lease) = lease else { continue };
                    let answer = lease.run(async |client| client.query_one("SELECT 1", &[]).await);
                    if answer.await.is_ok() {
                        good.send_replace(Instant::now());
                    }
                }
                longest
            })
        })
        .collect();
    for _ in 0..2 {
        sleep(Duration::from_millis(300)).await;
        server.kill().await;
        sleep(Duration::from_millis(1500)).await;
        let mut answers = good.subscribe();
        answers.mark_unchanged();
        server.start_again().await;
        let back = Instant::now();
        timeout(SOON, answers.changed()).await.unwrap().unwrap();
        let recovery = back.elapsed();
        assert!(recovery <= Duration::from_millis(250), "{recovery:?}");
    }
    over.store(true, SeqCst);
    for task in load {
        let longest = timeout(SOON, task).await.unwrap().unwrap();
        assert!(
            longest < deadline + Duration::from_millis(250),
            "{longest:?}"
        );
    }
    assert!(most.load(SeqCst) <= AT_ONCE);
    let figures = pool.handle().snapshot();
    assert_eq!((figures.in_use, figures.waiting), (0, 0), "{figures:?}");
    pool.close(Duration::from_secs(10)).await.unwrap();
}

/// Counts how many connections are being made at once.
fn counted(
    connector: PostgresConnector,
    connecting: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
) -> impl Service<(), Response = PostgresConnection, Error = tooloo_pool::BoxError, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    service_fn(move |()| {
        let (mut connector, connecting, most) = (
            connector.clone(),
            Arc::clone(&connecting),
            Arc::clone(&most),
        );
        async move {
            most.fetch_max(connecting.fetch_add(1, SeqCst) + 1, SeqCst);
            let connected = connector.call(()).await;
            connecting.fetch_sub(1, SeqCst);
            Ok(connected?)
        }
    })
}

/// A way to the server that can fall silent, as a firewall that drops packets does.
struct Firewall {
    port: u16,
    // Told of, the connections there are fall silent.
    silence: watch::Sender<()>,
}

impl Firewall {
    async fn before(server: &PostgresServer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let silence = watch::Sender::new(());
        let (to, watched) = (server.port(), silence.clone());
        tokio::spawn(async move {
            loop {
                let inner = listener.accept().await?.0;
                tokio::spawn(pass(inner, to, watched.subscribe()));
            }
            #[expect(unreachable_code, reason = "names the task's error")]
            io::Result::Ok(())
        });
        Self { port, silence }
    }

    fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

async fn pass(mut inner: TcpStream, to: u16, mut silence: watch::Receiver<()>) -> io::Result<()> {
    let mut outer = TcpStream::connect(("127.0.0.1", to)).await?;
    let silent = tokio::select! {
        _ = copy_bidirectional(&mut inner, &mut outer) => false,
        _ = silence.changed() => true,
    };
    if silent {
        // Both sockets stay open, and nothing passes any more.
        std::future::pending::<()>().await;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_silent_socket_costs_one_deadline_and_no_permit() {
    let server = PostgresServer::start().await;
    let firewall = Firewall::before(&server).await;
    let pool = Pool::new(connector(&firewall.url()), config(2));
    let leases = [get(&pool).await, get(&pool).await];
    drop(leases);
    sleep(Duration::from_millis(600)).await;
    firewall.silence.send_replace(());
    let start = Instant::now();
    let mut lease = get(&pool).await;
    let waited = start.elapsed();
    assert!(
        (900..1400).contains(&waited.as_millis()),
        "one deadline of a second: {waited:?}"
    );
    process(&mut lease).await;
    let other = get(&pool).await;
    assert_eq!(pool.handle().snapshot().in_use, 2, "both permits are there");
    drop((lease, other));
    timeout(SOON, pool.close(Duration::from_secs(10)))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_wrong_database_is_named() {
    let server = PostgresServer::start().await;
    let url = server.url().replace("/postgres", "/nowhere");
    let url = url.replacen("//nowhere", "//postgres", 1);
    let settings = config(1).with_acquire_timeout(Duration::from_millis(300));
    let error = Pool::new(connector(&url), settings)
        .get()
        .await
        .unwrap_err();
    let cause = std::error::Error::source(&error).unwrap();
    let mut told = cause.to_string();
    if let Some(cause) = cause.source() {
        told += &cause.to_string();
    }
    assert!(told.contains("nowhere"), "{told}");
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_session_with_tls_is_watched_inside_of_the_encryption() {
    let server = PostgresServer::start_with_tls().await;

    let mut roots = rustls::RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(server.certificate()).unwrap();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let url = server.url().replace("127.0.0.1", "localhost");
    let pool = Pool::new(connector(&url).with_tls(Arc::new(tls)), config(1));

    let mut lease = get(&pool).await;
    let first = process(&mut lease).await;
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let row = lease.run(async |client| client.query_one(encrypted, &[]).await);
    assert!(row.await.unwrap().get::<_, bool>(0));
    assert!(!lease.is_dirty());
    let slow = "BEGIN; SELECT pg_sleep(600)";
    let cut = timeout(Duration::from_millis(100), execute(&mut lease, slow)).await;
    assert!(cut.is_err() && lease.is_dirty());
    drop(lease);
    let mut lease = get(&pool).await;
    assert!(!lease.in_transaction());
    assert_eq!(
        process(&mut lease).await,
        first,
        "its statement was cancelled, by TLS too"
    );
}
