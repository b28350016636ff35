//! Counts the instructions of the trace layer beside a bare router and beside its peers.

#![expect(
    missing_docs,
    reason = "the harness makes public items, and documents none"
)]

mod ours;
mod peers;

use axum::Router;
use benches::Load;
use gungraun::{
    Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};

#[library_benchmark(setup = warm)]
#[bench::router(benches::router)]
#[bench::empty_layer(empty_layer)]
fn bare(load: Load) -> Load {
    load.drive()
}

#[library_benchmark(setup = warm, teardown = ours::check_share)]
#[bench::tenth(ours::tenth)]
#[bench::none(ours::none)]
#[bench::all(ours::all)]
#[bench::tenth_with_tracing(ours::tenth_with_tracing)]
fn layer(load: Load) -> Load {
    load.drive()
}

#[library_benchmark(setup = warm)]
#[bench::tower_http(peers::tower_http)]
#[bench::tower_http_with_subscriber(peers::tower_http_with_subscriber)]
#[bench::opentelemetry_instrumentation_tower(peers::opentelemetry_instrumentation_tower)]
#[bench::opentelemetry_instrumentation_tower_with_metrics(
    peers::opentelemetry_instrumentation_tower_with_metrics
)]
#[bench::axum_tracing_opentelemetry(peers::axum_tracing_opentelemetry)]
#[bench::tower_otel(peers::tower_otel)]
fn peer(load: Load) -> Load {
    load.drive()
}

library_benchmark_group!(name = trace, benchmarks = [bare, layer, peer]);

main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = trace
);

fn warm(stack: fn() -> Router) -> Load {
    Load::new(stack())
}

/// What any layer costs: axum boxes each service that it puts a layer on.
fn empty_layer() -> Router {
    benches::router().layer(tower_layer::Identity::new())
}
