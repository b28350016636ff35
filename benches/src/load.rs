//! A router of the size that services have, and requests to drive through it.

use std::{convert::Infallible, fmt, hint::black_box};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request},
    http::header,
    routing::get,
};
use http_body_util::BodyExt as _;
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};
use tower_service::Service as _;

/// Requests in one load: so many that what happens once weighs nothing.
pub const REQUESTS: usize = 5_000;

/// With this seed, tooloo-trace samples exactly a tenth of a load's requests at a rate of a tenth.
const SEED: u64 = 9;

const RESOURCES: [&str; 5] = ["orders", "people", "places", "rounds", "topics"];

/// A router under measurement, warm, and the requests it has yet to answer.
pub struct Load {
    runtime: Runtime,
    router: Router,
    requests: Vec<Request>,
}

#[derive(Serialize)]
struct Item {
    id: u64,
    name: &'static str,
}

/// Returns a router of twenty routes, most with parameters, that answer a little JSON.
pub fn router() -> Router {
    RESOURCES.iter().fold(Router::new(), |router, resource| {
        let all = format!("/api/v1/{resource}");
        router
            .route(&all, get(async || Json(Vec::<Item>::new())))
            .route(&format!("{all}/{{id}}"), get(read))
            .route(&format!("{all}/{{id}}/history"), get(read))
            .route(&format!("{all}/{{id}}/history/{{entry}}"), get(read_entry))
    })
}

impl Load {
    /// Answers as many requests as the load has, so that what happens once is over, and makes the load.
    ///
    /// # Panics
    ///
    /// Panics where the system has no runtime to give.
    pub fn new(router: Router) -> Self {
        Self::dressed(router, |_, _| ())
    }

    /// Does as [`new`](Self::new) does, with requests that `dress` completes, each with its number.
    ///
    /// # Panics
    ///
    /// Panics where the system has no runtime to give.
    pub fn dressed(router: Router, dress: fn(usize, &mut Request)) -> Self {
        let runtime = Builder::new_current_thread()
            .build()
            .expect("a runtime without drivers needs nothing of the system");
        let load = Self {
            runtime,
            // As axum::serve does: it makes the routes once, and not for each request.
            router: router.with_state(()),
            requests: requests(dress),
        };
        fastrand::seed(SEED);
        let warm = load.drive();
        fastrand::seed(SEED);
        Self {
            requests: requests(dress),
            ..warm
        }
    }

    /// Answers the requests one after another, each to the end of its body.
    ///
    /// # Panics
    ///
    /// Panics where a body breaks off.
    #[must_use]
    pub fn drive(mut self) -> Self {
        let requests = std::mem::take(&mut self.requests);
        let router = &mut self.router;
        self.runtime.block_on(async {
            for request in requests {
                let answered: Result<_, Infallible> = router.call(request).await;
                let Ok(response) = answered;
                let body = response.into_body().collect().await;
                black_box(body.expect("the body is in memory"));
            }
        });
        self
    }
}

impl fmt::Debug for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Load")
            .field("requests", &self.requests.len())
            .finish_non_exhaustive()
    }
}

fn requests(dress: fn(usize, &mut Request)) -> Vec<Request> {
    let request = |n: usize| {
        let resource = RESOURCES[n % RESOURCES.len()];
        let mut request = Request::get(format!("/api/v1/{resource}/{n}"))
            .header(header::HOST, "127.0.0.1:3000")
            .header(header::USER_AGENT, "benches")
            .header(header::ACCEPT, "*/*")
            .body(Body::empty())
            .expect("its parts are valid");
        dress(n, &mut request);
        request
    };
    (0..REQUESTS).map(request).collect()
}

async fn read(Path(id): Path<u64>) -> Json<Item> {
    Json(Item { id, name: "item" })
}

async fn read_entry(Path((_, entry)): Path<(u64, u64)>) -> Json<Item> {
    Json(Item {
        id: entry,
        name: "entry",
    })
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn every_request_is_answered_by_a_route() {
        let mut load = Load::new(router());
        let requests = std::mem::take(&mut load.requests);
        assert_eq!(requests.len(), REQUESTS);
        for request in requests {
            let answered = load.runtime.block_on(load.router.call(request));
            assert_eq!(answered.unwrap().status(), StatusCode::OK);
        }
    }
}
