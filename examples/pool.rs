//! Leases one SQLite connection a request, and shows the pool's figures.
//!
//! `cargo run -p examples --example pool`

use std::{error::Error, path::Path, time::Duration};

use axum::{Json, Router, response::IntoResponse, routing::get};
use tokio::net::TcpListener;
use tooloo_hub::Observe as _;
use tooloo_pool::{
    Pool, PoolConfig, PoolError, PoolLayer, RequestConnection,
    sqlite::{SqliteConnection, SqliteConnector},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pool = open(Path::new("notes.db")).await?;
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    let address = listener.local_addr()?;
    println!("curl -X POST -d 'buy milk' http://{address}/notes");
    println!("curl http://{address}/notes");
    println!("curl http://{address}/figures");
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, app(&pool))
        .with_graceful_shutdown(stop)
        .await?;
    // Names the places of leases that are still out, if any.
    pool.close(Duration::from_secs(5)).await?;
    Ok(())
}

async fn open(path: &Path) -> Result<Pool<SqliteConnection>, Box<dyn Error>> {
    let config = PoolConfig::new()
        .with_min(1)
        .with_acquire_timeout(Duration::from_secs(2));
    let pool = Pool::new(SqliteConnector::file(path), config);
    let create = "CREATE TABLE IF NOT EXISTS notes (text TEXT NOT NULL) STRICT";
    pool.get()
        .await?
        .run(move |sqlite| sqlite.execute_batch(create))
        .await?;
    Ok(pool)
}

fn app(pool: &Pool<SqliteConnection>) -> Router {
    // The handle stays when the layer moves into the router.
    let figures = pool.handle();
    Router::new()
        .route("/notes", get(list).post(add))
        .layer(PoolLayer::new(pool.clone()))
        .route("/figures", get(async move || Json(figures.snapshot())))
}

async fn list(
    connection: RequestConnection<SqliteConnection>,
) -> Result<Json<Vec<String>>, Problem> {
    let mut lease = connection.get().await?;
    let notes = lease.run(|sqlite| {
        let mut select = sqlite.prepare_cached("SELECT text FROM notes")?;
        select.query_map((), |row| row.get(0))?.collect()
    });
    Ok(Json(notes.await.map_err(|_| Problem::Broken)?))
}

async fn add(connection: RequestConnection<SqliteConnection>, note: String) -> Result<(), Problem> {
    let mut lease = connection.get().await?;
    let insert = lease.run(|sqlite| sqlite.execute("INSERT INTO notes VALUES (?1)", [note]));
    insert.await.map(drop).map_err(|_| Problem::Broken)
}

/// Why a handler has no answer.
enum Problem {
    Pool(PoolError),
    Broken,
}

impl From<PoolError> for Problem {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        match self {
            Self::Pool(error) => error.into_response(),
            Self::Broken => axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn answer(app: &Router, request: Request<Body>) -> String {
        let response = app.clone().oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap();
        String::from_utf8(body.to_bytes().into()).unwrap()
    }

    #[tokio::test]
    async fn a_request_has_a_connection_and_gives_it_back() {
        let folder = tempfile::tempdir().unwrap();
        let pool = open(&folder.path().join("notes.db")).await.unwrap();
        let app = app(&pool);
        let add = Request::post("/notes")
            .body(Body::from("buy milk"))
            .unwrap();
        answer(&app, add).await;
        let list = Request::get("/notes").body(Body::empty()).unwrap();
        assert_eq!(answer(&app, list).await, r#"["buy milk"]"#);
        let figures = Request::get("/figures").body(Body::empty()).unwrap();
        let figures = answer(&app, figures).await;
        assert!(figures.contains(r#""inUse":0"#), "{figures}");
        assert!(figures.contains(r#""acquired":3"#), "{figures}");
        pool.close(Duration::from_secs(5)).await.unwrap();
    }
}
