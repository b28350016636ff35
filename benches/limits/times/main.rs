//! Times rate limits and circuit breakers beside their peers', and says whether the bounds are kept.
//!
//! It takes the folder of what the benchmark `limits` counted, and shows that too.

mod counted;
mod memory;
mod pair;

use std::{env, io, path::PathBuf, process::ExitCode};

use benches::{
    Bound, Counts,
    contenders::{self, Breaker, Cell, Path, Store},
};

use self::pair::Pair;

/// Calls that one job makes through a breaker.
const CALLS: usize = 20_000;

fn main() -> io::Result<ExitCode> {
    // The harness adds options of its own.
    let folder = env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    // First, while the process has freed nothing that it could use again.
    let mut bounds = vec![memory::measure()?];
    bounds.extend(times());
    if let Some(folder) = folder {
        let counts = Counts::read(&PathBuf::from(folder))?;
        bounds.extend(counted::show(&counts)?);
    }
    println!();
    for bound in &bounds {
        println!("{bound}");
    }
    Ok(if bounds.iter().all(Bound::holds) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Times ours beside the peers', and returns the bounds on the ratios.
fn times() -> Vec<Bound> {
    pair::title();
    let mut bounds = Vec::new();
    for (place, keys, threads, checks) in [
        ("10-keys", 10, 1, 50_000),
        ("100000-keys", 100_000, 1, 100_000),
        ("1-key-2-threads", 1, 2, 100_000),
    ] {
        for (what, path) in [("admitted", Path::Admitted), ("refused", Path::Refused)] {
            let cell = Cell {
                keys,
                threads,
                checks,
                path,
            };
            let ours = || contenders::ours(cell);
            let governor = Pair::measure(ours, || contenders::theirs(cell, Store::Dash));
            governor.show(&format!("check, {place}, {what}: governor"));
            let measure = format!("check-{place}-{what}-over-governor");
            bounds.push(Bound::new(measure, governor.ratio(), 1.0));
            let locked = Pair::measure(ours, || contenders::theirs(cell, Store::Hash));
            locked.show(&format!("check, {place}, {what}: governor, hash map"));
            if keys == 10 {
                let one = Pair::measure(ours, || contenders::one_bucket(cell));
                one.show(&format!(
                    "check, {place}, {what}: tower-resilience, one bucket"
                ));
            }
        }
    }
    for (what, breaker, most) in [
        ("closed", Breaker::Closed, 0.1),
        ("open", Breaker::Open, 0.06),
    ] {
        let pair = Pair::measure(|| breaker.ours(CALLS), || breaker.theirs(CALLS));
        pair.show(&format!("breaker, {what}: tower-resilience"));
        let measure = format!("breaker-{what}-over-tower-resilience");
        bounds.push(Bound::new(measure, pair.ratio(), most));
    }
    let breaker = || Breaker::Closed.ours(CALLS);
    Pair::measure(breaker, || contenders::bare(CALLS)).show("breaker, closed: no breaker");
    bounds
}
