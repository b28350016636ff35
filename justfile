# The commands of the project; `just` alone lists them.

set shell := ["bash", "-euo", "pipefail", "-c"]

export RUSTDOCFLAGS := "-D warnings"

_list:
    @just --list --unsorted

# Format, lints, tests, docs, dependency checks: all that a change must pass.
check: format lint test test-engines doc deny

# Check the formatting.
format:
    cargo fmt --all --check

# Check the code with clippy, warnings denied.
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Run the tests that need a Rust toolchain and a C compiler, and nothing else.
test:
    cargo test --workspace

# Run the tests of the cache's disk tier over its other engine, too.
test-engines:
    cargo test -p tooloo-cache --features sled --test disk --test kill

# Run the tests that need servers of the system's packages; a missing server fails them.
test-servers:
    cargo test --no-fail-fast --workspace --features tooloo-cache/redis,tooloo-pool/postgres,tooloo-rate-limit/redis -- --ignored
    cargo run -q -p tooloo-testkit --bin with-postgres -- cargo test -p database -p training -p budget -p coach -p segmentation -p reports -p capabilities

# Build the documentation, warnings denied.
doc:
    cargo doc --workspace --no-deps

# Check licences, bans and sources of the dependencies; installs cargo-deny where it is missing.
deny:
    cargo deny --version >/dev/null 2>&1 || cargo install --locked cargo-deny --version 0.20.2
    cargo deny check bans licenses sources

# Feed random headers to the codecs for some seconds each; needs a nightly toolchain and cargo-fuzz.
fuzz seconds="60":
    cd crates/tooloo-trace && cargo +nightly fuzz run context -- -max_total_time={{ seconds }}
    cd crates/tooloo-cache && cargo +nightly fuzz run fields -- -max_total_time={{ seconds }}

# Run the fleet.
run *arguments:
    cargo run --release -- {{ arguments }}

# Where cargo builds, and where the harness leaves its figures.
target := env("CARGO_TARGET_DIR", "target")

# Run all benchmarks; they fail where a layer costs more than it may.
bench: bench-trace bench-limits bench-cache bench-pool bench-query

# Count the trace layer's instructions beside a bare router and beside its peers; needs valgrind.
bench-trace: _gungraun
    rm -rf {{ target }}/gungraun/benches/trace
    cargo bench -p benches --features trace-peers --bench trace -- --save-summary
    cargo run -q -p benches --bin bounds -- {{ target }}/gungraun/benches/trace/trace

# Time the rate limit and the circuit breaker beside their peers, and count instructions; needs valgrind.
bench-limits: _gungraun
    rm -rf {{ target }}/gungraun/benches/limits
    cargo bench -p benches --features limits-peers --bench limits -- --save-summary
    cargo bench -p benches --features limits-peers --bench limits-times -- "$(realpath {{ target }})/gungraun/benches/limits/limits"

# Time the cache beside its peers, in the process and over HTTP; needs nginx.
bench-cache:
    cargo bench -p benches --features cache-peers --bench cache
    cargo bench -p benches --features cache-peers --bench cache-http

# Time the connection pool beside its peers, without a database and with one; needs PostgreSQL.
bench-pool:
    cargo bench -p benches --features pool-peers --bench pool

# Time queries beside bare drivers and other libraries; needs PostgreSQL.
bench-query:
    cargo bench -p benches --features query-peers --bench query

# Find valgrind, and install the harness's runner in the version that Cargo.lock has of its library.
_gungraun:
    @command -v valgrind >/dev/null || { echo "valgrind is missing: install it with the system's package manager" >&2; exit 1; }
    @version=$(cargo pkgid gungraun-runner | sed 's/.*@//'); \
        gungraun-runner --version 2>/dev/null | grep -qF " $version" \
        || cargo install --locked gungraun-runner --version "$version"
