//! Times connection pools beside each other, without a database and with one, and says whether the bounds are kept.
//!
//! The contenders take turns in one process, round by round; a ratio is the middle one of all rounds.

mod noop;
mod postgres;
mod work;

use std::process::ExitCode;

use benches::{Bound, Rounds};
use rustix::time::ClockId;
use tokio::runtime::Builder;

use self::noop::{Bb8, Deadpool, Ours};

/// Leases of one contender in one round.
const LEASES: usize = 100_000;
const ROUNDS: usize = 15;

fn main() -> ExitCode {
    let mut bounds = vec![];
    uncontended(&mut bounds);
    contended(1, &mut bounds);
    contended(2, &mut bounds);
    bounds.extend(postgres::measure());
    println!();
    for bound in &bounds {
        println!("{bound}");
    }
    if bounds.iter().all(Bound::holds) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// One task, and always a connection for it.
fn uncontended(bounds: &mut Vec<Bound>) {
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime needs nothing of the system");
    let (ours, bb8) = (Ours::new(8), runtime.block_on(Bb8::new(8)));
    let (plain, timed) = (Deadpool::new(8, false), Deadpool::new(8, true));
    let mut rounds = Rounds::new(
        "uncontended lease and return, CPU ns",
        ClockId::ProcessCPUTime,
    );
    for _ in 0..ROUNDS {
        rounds.time("tooloo-pool", LEASES, || {
            runtime.block_on(work::alone(&ours, LEASES));
        });
        rounds.time("deadpool", LEASES, || {
            runtime.block_on(work::alone(&plain, LEASES));
        });
        rounds.time("deadpool with timeouts", LEASES, || {
            runtime.block_on(work::alone(&timed, LEASES));
        });
        rounds.time("bb8", LEASES, || {
            runtime.block_on(work::alone(&bb8, LEASES));
        });
    }
    println!("{rounds}");
    println!(
        "sqlx's pool lends connections of whole database drivers only, and asks each that comes back whether it is\n\
         there: it has no row without a database\n"
    );
    // Ours always has its deadlines and figures: like for like is the second. The first is held to the same bound.
    for (name, measure) in [
        ("deadpool", "pool-uncontended-over-deadpool"),
        (
            "deadpool with timeouts",
            "pool-uncontended-over-deadpool-with-timeouts",
        ),
    ] {
        bounds.push(Bound::new(measure, rounds.ratio("tooloo-pool", name), 0.4));
    }
}

/// Many tasks over few connections, each held for one turn of the scheduler.
fn contended(threads: usize, bounds: &mut Vec<Bound>) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_time()
        .build();
    let runtime = runtime.expect("a runtime needs nothing of the system");
    let title = format!("64 tasks over 8 connections, {threads} thread(s), CPU ns");
    let mut rounds = Rounds::new(title, ClockId::ProcessCPUTime);
    let ours = Ours::new(8);
    let (plain, timed) = (Deadpool::new(8, false), Deadpool::new(8, true));
    let bb8 = runtime.block_on(Bb8::new(8));
    let mut fairness = Vec::new();
    for _ in 0..ROUNDS {
        rounds.time("tooloo-pool", LEASES, || {
            fairness.push(runtime.block_on(work::together(&ours, LEASES)));
        });
        rounds.time("deadpool", LEASES, || {
            runtime.block_on(work::together(&plain, LEASES));
        });
        rounds.time("deadpool with timeouts", LEASES, || {
            runtime.block_on(work::together(&timed, LEASES));
        });
        rounds.time("bb8", LEASES, || {
            runtime.block_on(work::together(&bb8, LEASES));
        });
    }
    println!("{rounds}");
    let ratio = rounds.ratio("tooloo-pool", "deadpool");
    let measure = format!("pool-contended-over-deadpool-{threads}-threads");
    bounds.push(Bound::new(measure, ratio, 1.0));
    fairness.sort_by(f64::total_cmp);
    println!(
        "most over least served of ours: {:.3}\n",
        fairness[ROUNDS / 2]
    );
    let measure = format!("pool-most-over-least-served-{threads}-threads");
    bounds.push(Bound::new(measure, fairness[ROUNDS / 2], 1.5));
}
