//! A page that asks once a row, gathered into two statements, and the figures that show it.
//!
//! `cargo run -p examples --example query`

use std::{error::Error, sync::Arc};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use tokio::net::TcpListener;
use tooloo_hub::Observe as _;
use tooloo_query::{
    Budget, Database, DatabaseConfig, Gather, GatherConfig, GatherLayer, KeyedRead, Queries as _,
    QueryError, QueryScopeLayer,
};
use tower::Layer as _;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS books (id INTEGER PRIMARY KEY, title TEXT NOT NULL, author_id INTEGER NOT NULL);
    INSERT OR IGNORE INTO authors VALUES (1, 'Ursula K. Le Guin'), (2, 'Terry Pratchett');
    INSERT OR IGNORE INTO books VALUES (1, 'The Dispossessed', 1), (2, 'Mort', 2), (3, 'Small Gods', 2)";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    let address = listener.local_addr()?;
    println!("curl http://{address}/gathered");
    println!("curl http://{address}/figures");
    // Or postgres://user:password@host/database.
    let path = std::env::temp_dir().join("tooloo-example-query.db");
    let app = app(&format!("sqlite:{}", path.display())).await?;
    Ok(axum::serve(listener, app).await?)
}

struct Library {
    queries: Gather<Database>,
    author: KeyedRead,
}

async fn app(url: &str) -> Result<Router, Box<dyn Error>> {
    let database = Database::open(url, DatabaseConfig::new())?;
    database.script(SCHEMA).await?;
    let figures = database.handle();
    let gather = GatherLayer::new(&database, GatherConfig::new());
    let library = Library {
        queries: gather.layer(database),
        author: KeyedRead::new("authors", "id", ["name"]),
    };
    Ok(Router::new()
        .route("/gathered", get(books))
        .with_state(Arc::new(library))
        .route("/figures", get(async move || Json(figures.snapshot())))
        // Around all of it: the queries of one request belong together, and twenty must do.
        .layer(QueryScopeLayer::new().with_budget(Budget::refuse(20))))
}

async fn books(State(library): State<Arc<Library>>) -> Result<Json<Vec<String>>, StatusCode> {
    let books = list(&library).await;
    books.map(Json).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
}

/// A query for the list, and one for each row of it.
async fn list(library: &Library) -> Result<Vec<String>, QueryError> {
    let Library { queries, author } = library;
    let list = "SELECT title, author_id FROM books ORDER BY title LIMIT 100";
    let books = queries.query(list).await?;
    let lines = books.iter().map(async |book| {
        let row = queries
            .query_one(author.by(book.get::<i64>("author_id")?))
            .await?;
        let (title, name): (String, String) = (book.get("title")?, row.get("name")?);
        Ok(format!("{title}, by {name}"))
    });
    // At once: those that wait for each other cannot be gathered.
    futures_util::future::try_join_all(lines).await
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(app: &Router, path: &str) -> String {
        let request = axum::http::Request::get(path).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap();
        String::from_utf8(body.to_bytes().into()).unwrap()
    }

    #[tokio::test]
    async fn a_page_needs_two_statements_however_many_rows_it_has() {
        let path =
            std::env::temp_dir().join(format!("tooloo-example-query-{}.db", std::process::id()));
        let app = app(&format!("sqlite:{}", path.display())).await.unwrap();
        let page = ask(&app, "/gathered").await;
        assert!(page.contains("Mort, by Terry Pratchett"), "{page}");
        assert!(
            page.contains("The Dispossessed, by Ursula K. Le Guin"),
            "{page}"
        );
        let figures = ask(&app, "/figures").await;
        assert!(figures.contains(r#""executed":2,"batched":3"#), "{figures}");
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", path.display()));
        }
    }
}
