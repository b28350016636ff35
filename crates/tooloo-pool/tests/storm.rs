//! Random cancellations, panics, failures and resizes: every connection stays accounted for, and nobody is stuck.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod fake;

use std::{env, num::NonZeroUsize, time::Duration};

use fake::{Fake, Server, config, nonzero, snapshot, with_times};
use fastrand::Rng;
use futures_util::FutureExt as _;
use tokio::{
    task::yield_now,
    time::{sleep, timeout},
};
use tooloo_pool::{Pool, PoolConfig, Share};

/// How many leases are asked for; more where the environment says so.
const LEASES: usize = 60_000;
const MORE: &str = "TOOLOO_STORM";

const TASKS: usize = 24;

/// What befell the askers, to show that the storm was one.
#[derive(Debug, Default)]
struct Seen {
    leases: usize,
    cancelled: usize,
    panicked: usize,
    broken: usize,
    dirty: usize,
    refused: usize,
}

#[tokio::test(start_paused = true)]
async fn every_connection_is_accounted_for_after_a_storm() {
    let leases: usize = env::var(MORE).map_or(LEASES, |more| more.parse().expect("a number"));
    // Several seeds: each has its own weather.
    for seed in 0..4 {
        let seen = storm(seed, leases / 4).await;
        println!("seed {seed}: {seen:?}");
        assert!(seen.leases > leases / 8, "{seen:?}");
        for count in [seen.cancelled, seen.panicked, seen.broken, seen.dirty] {
            assert!(count > leases / 4000, "{seen:?}");
        }
    }
}

async fn storm(seed: u64, leases: usize) -> Seen {
    let server = Server::new();
    let pool = server.pool(settings(seed));
    let mut rng = Rng::with_seed(seed);
    let each = leases / TASKS;
    let weather = {
        let (pool, server, rng) = (pool.clone(), server.clone(), rng.fork());
        tokio::spawn(weather(pool, server, rng))
    };
    let mut tasks = Vec::new();
    for _ in 0..TASKS {
        tasks.push(tokio::spawn(borrower(pool.clone(), rng.fork(), each)));
    }
    let mut total = Seen::default();
    for task in tasks {
        let all = timeout(Duration::from_secs(100_000), task).await;
        let one = all.expect("no waiter is stuck").expect("panics are caught");
        total.leases += one.leases;
        total.cancelled += one.cancelled;
        total.panicked += one.panicked;
        total.broken += one.broken;
        total.dirty += one.dirty;
        total.refused += one.refused;
    }
    weather.abort();
    let _ = weather.await;
    account(&pool, &server).await;
    total
}

fn settings(seed: u64) -> PoolConfig {
    let config = with_times(config(6).with_min(1), |times| {
        times.lifetime = Some(Duration::from_secs(5));
        times.idle = Some(Duration::from_secs(1));
        times.check_after = Duration::from_millis(20);
        times.check_every = Duration::from_millis(200);
        times.acquire = Duration::from_secs(10);
    });
    let config = config.with_seed(seed).with_max_waiting(2 * TASKS);
    match seed % 2 {
        0 => config,
        _ => config.with_tenant_share(Share::new(0.5).unwrap()),
    }
}

/// Asks for connections and treats them badly.
async fn borrower(pool: Pool<Fake>, mut rng: Rng, leases: usize) -> Seen {
    let mut seen = Seen::default();
    for _ in 0..leases {
        let patience = match rng.u8(..8) {
            0 => Duration::ZERO,
            1 | 2 => Duration::from_millis(rng.u64(0..20)),
            _ => Duration::from_secs(100),
        };
        let tenant = rng.u8(..3);
        let get = async {
            match tenant {
                0 => pool.get().await,
                _ => pool.get_for(format!("tenant {tenant}").into()).await,
            }
        };
        let mut lease = match timeout(patience, get).await {
            Err(_) => {
                seen.cancelled += 1;
                continue;
            }
            Ok(Err(_)) => {
                seen.refused += 1;
                continue;
            }
            Ok(Ok(lease)) => lease,
        };
        seen.leases += 1;
        assert!(
            !lease.in_transaction,
            "a borrower has what another left behind"
        );
        let deed = rng.u8(..64);
        let work = async {
            if deed < 16 {
                sleep(Duration::from_millis(rng.u64(0..5))).await;
            } else if deed < 48 {
                yield_now().await;
            }
            match deed {
                0..4 => {
                    lease.in_transaction = true;
                    seen.dirty += 1;
                }
                4..6 => {
                    lease.broken = true;
                    seen.broken += 1;
                }
                6 => lease.discard(),
                7 => drop(lease.detach()),
                8 => {
                    seen.panicked += 1;
                    std::panic::resume_unwind(Box::new("as the storm wants it"));
                }
                9 => lease.reset_on_return(),
                _ => {}
            }
        };
        drop(std::panic::AssertUnwindSafe(work).catch_unwind().await);
    }
    seen
}

/// Lets the server fail and an operator be busy.
async fn weather(pool: Pool<Fake>, server: Server, mut rng: Rng) {
    loop {
        sleep(Duration::from_millis(rng.u64(1..200))).await;
        match rng.u8(..10) {
            0..4 => pool.resize(rng.usize(0..3), nonzero(rng.usize(1..9))),
            4 => pool.invalidate(),
            5 => server.restart(),
            6 => {
                server.set_refusing(true);
                sleep(Duration::from_millis(rng.u64(1..300))).await;
                server.set_refusing(false);
            }
            7 => {
                server.set_silent(true);
                sleep(Duration::from_millis(rng.u64(1..1500))).await;
                server.set_silent(false);
            }
            8 => {
                server.set_unresettable(true);
                sleep(Duration::from_millis(rng.u64(1..50))).await;
                server.set_unresettable(false);
            }
            _ => server.set_delay(Duration::from_millis(rng.u64(0..10))),
        }
    }
}

/// Finds every connection where it should be, in good weather.
async fn account(pool: &Pool<Fake>, server: &Server) {
    server.set_refusing(false);
    server.set_silent(false);
    server.set_unresettable(false);
    let max = NonZeroUsize::new(5).unwrap();
    pool.resize(0, max);
    sleep(Duration::from_secs(10)).await;
    let figures = snapshot(pool);
    assert_eq!(
        (figures.in_use, figures.waiting, figures.mending),
        (0, 0, 0),
        "{figures:?}"
    );
    assert_eq!((figures.connecting, figures.closing), (0, 0), "{figures:?}");
    assert_eq!((figures.size, server.open()), (figures.idle, figures.idle));
    let closed: u64 = figures.closed.values().sum();
    assert_eq!(figures.created, figures.size as u64 + closed, "{figures:?}");
    assert_eq!(figures.created, server.made() as u64);
    // No permit is lost: as many as there may be can be had at once.
    let all = futures_util::future::join_all((0..max.get()).map(|_| pool.get()));
    let all = timeout(Duration::from_secs(30), all)
        .await
        .expect("nobody waits");
    assert!(all.iter().all(Result::is_ok));
    drop(all);
    pool.close(Duration::from_secs(30))
        .await
        .expect("all are closed");
    assert_eq!(server.open(), 0);
}
