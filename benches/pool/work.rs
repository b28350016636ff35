//! What is done to each pool.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{sync::Barrier, task::yield_now};

/// Tasks that want a connection at once.
const TASKS: usize = 64;

/// A pool, or a peer's.
pub(crate) trait Lend: Clone + Send + Sync + 'static {
    type Lease: Send;

    fn lease(&self) -> impl Future<Output = Self::Lease> + Send;
}

/// Leases and returns, one after the other.
pub(crate) async fn alone(pool: &impl Lend, leases: usize) {
    for _ in 0..leases {
        black_box(pool.lease().await);
    }
}

/// Leases in many tasks at once; returns how many leases the most served task had for each of the least served.
pub(crate) async fn together(pool: &impl Lend, leases: usize) -> f64 {
    let left = Arc::new(AtomicUsize::new(leases));
    let start = Arc::new(Barrier::new(TASKS));
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (pool, left, start) = (pool.clone(), Arc::clone(&left), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                let mut served = 0_u32;
                while left.load(Ordering::Relaxed) > 0 {
                    let lease = pool.lease().await;
                    // The work: others run meanwhile.
                    yield_now().await;
                    drop(black_box(lease));
                    served += 1;
                    if left
                        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                            left.checked_sub(1)
                        })
                        .is_err()
                    {
                        break;
                    }
                }
                served
            })
        })
        .collect();
    let (mut most, mut least) = (0, u32::MAX);
    for task in tasks {
        let served = task.await.expect("a task does not panic");
        (most, least) = (most.max(served), least.min(served));
    }
    f64::from(most) / f64::from(least.max(1))
}
