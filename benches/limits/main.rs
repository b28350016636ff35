//! Counts the instructions of the rate limit and of the circuit breaker beside their peers'.

#![expect(
    missing_docs,
    reason = "the harness makes public items, and documents none"
)]

use axum::Router;
use benches::{
    Load,
    contenders::{
        self, Breaker, Cell, Job, OPERATIONS, Path, Quotas, Store, client, governed,
        governed_with_headers, limited, limited_telling,
    },
};
use gungraun::{
    Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use tooloo_rate_limit::Headers;

#[library_benchmark]
#[bench::ours_admitted(contenders::ours(few(Path::Admitted)).warm())]
#[bench::ours_refused(contenders::ours(few(Path::Refused)).warm())]
#[bench::governor_admitted(contenders::theirs(few(Path::Admitted), Store::Dash).warm())]
#[bench::governor_refused(contenders::theirs(few(Path::Refused), Store::Dash).warm())]
#[bench::governor_hashmap_admitted(contenders::theirs(few(Path::Admitted), Store::Hash).warm())]
#[bench::governor_hashmap_refused(contenders::theirs(few(Path::Refused), Store::Hash).warm())]
#[bench::tower_resilience_admitted(contenders::one_bucket(few(Path::Admitted)).warm())]
#[bench::tower_resilience_refused(contenders::one_bucket(few(Path::Refused)).warm())]
fn check(job: Job) -> Job {
    done(job)
}

#[library_benchmark]
#[bench::bare(contenders::bare(OPERATIONS).warm())]
#[bench::ours_closed(Breaker::Closed.ours(OPERATIONS).warm())]
#[bench::ours_open(Breaker::Open.ours(OPERATIONS).warm())]
#[bench::tower_resilience_closed(Breaker::Closed.theirs(OPERATIONS).warm())]
#[bench::tower_resilience_open(Breaker::Open.theirs(OPERATIONS).warm())]
fn breaker(job: Job) -> Job {
    done(job)
}

#[library_benchmark]
#[bench::bare(warm(benches::router()))]
#[bench::empty_layer(warm(empty_layer()))]
#[bench::ours(warm(limited(Quotas::Ample)))]
#[bench::ours_waning(warm(limited(Quotas::Waning)))]
#[bench::ours_with_two_headers(warm(limited_telling(Headers::Draft, Quotas::Ample)))]
#[bench::ours_with_two_headers_waning(warm(limited_telling(Headers::Draft, Quotas::Waning)))]
#[bench::ours_without_headers(warm(limited_telling(Headers::None, Quotas::Ample)))]
#[bench::tower_governor(warm(governed(Quotas::Ample)))]
#[bench::tower_governor_with_headers(warm(governed_with_headers(Quotas::Ample)))]
#[bench::ours_refusing(warm(limited(Quotas::Spent)))]
#[bench::tower_governor_refusing(warm(governed(Quotas::Spent)))]
#[bench::tower_governor_with_headers_refusing(warm(governed_with_headers(Quotas::Spent)))]
fn http(load: Load) -> Load {
    load.drive()
}

library_benchmark_group!(name = limits, benchmarks = [check, breaker, http]);

main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = limits
);

fn few(path: Path) -> Cell {
    Cell {
        keys: 10,
        threads: 1,
        checks: OPERATIONS,
        path,
    }
}

fn done(mut job: Job) -> Job {
    job.run();
    job
}

fn warm(router: Router) -> Load {
    Load::dressed(router, client)
}

/// What any layer costs: axum boxes each service that it puts a layer on.
fn empty_layer() -> Router {
    benches::router().layer(tower_layer::Identity::new())
}
