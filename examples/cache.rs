//! Serves reports from a cache, and forgets them by tag.
//!
//! `cargo run -p examples --example cache`, then `curl localhost:8080/reports/7`, twice;
//! `curl -X POST localhost:8080/trained/7` and the next report is made anew.

use std::{convert::Infallible, io, time::Duration};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use tokio::net::TcpListener;
use tooloo_cache::{Cache, CacheConfig, ConfigError, EntryOptions, Fill, Purge};

type Reports = Cache<String, String>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    serve(listener, reports()?).await?;
    Ok(())
}

fn reports() -> Result<Reports, ConfigError> {
    let config = CacheConfig::new()
        .with_ttl(Duration::from_secs(60))
        // What is stored at once does not expire at once.
        .with_jitter(0.1)?
        // Nobody waits for a refresh: it comes a little early, or behind a stale answer.
        .with_early_refresh(1.0)?
        .with_stale_while_revalidate(Duration::from_secs(30))
        .with_stale_if_error(Duration::from_secs(3600));
    // Without a weigher, only the string's own three words would count.
    let weigher = |key: &String, report: &String| (key.len() + report.len()) as u64;
    Ok(Cache::builder(config).with_weigher(weigher).build())
}

async fn serve(listener: TcpListener, reports: Reports) -> io::Result<()> {
    let app = Router::new()
        .route("/reports/{user}", get(report))
        .route("/trained/{user}", post(trained))
        .with_state(reports);
    axum::serve(listener, app).await
}

async fn report(State(reports): State<Reports>, Path(user): Path<u32>) -> Result<String, String> {
    let fill = move || async move {
        // However many ask while it is made, it is made once, also when the first of them has left.
        let options = EntryOptions::new().with_tag(format!("user:{user}"));
        Ok::<_, Infallible>(Fill::new(format!("all is well with {user}\n")).with_options(options))
    };
    let report = reports.get_or_fill(&format!("report/{user}"), fill).await;
    report
        .map(|report| report.value().clone())
        .map_err(|error| error.to_string())
}

async fn trained(State(reports): State<Reports>, Path(user): Path<u32>) -> StatusCode {
    reports.purge(Purge::tag(format!("user:{user}"))).await;
    StatusCode::NO_CONTENT
}

#[cfg(test)]
mod tests {
    use tooloo_hub::Observe as _;

    use super::*;

    #[tokio::test]
    async fn a_report_is_made_once_and_again_after_training() {
        let reports = reports().unwrap();
        let ask = || report(State(reports.clone()), Path(7));
        let first = ask().await.unwrap();
        assert_eq!(ask().await.unwrap(), first);
        assert_eq!(reports.handle().snapshot().writes, 1);
        trained(State(reports.clone()), Path(7)).await;
        assert_eq!(ask().await.unwrap(), first);
        assert_eq!(reports.handle().snapshot().writes, 2);
    }
}
