//! An entry's freshness under every interleaving of readers and a purge (loom).

use std::time::Duration;

use loom::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};
use tooloo_clock::Moment;

use self::entry::Entry;

/// What the sources below name by `crate::`, with loom's atomics in place of the real ones.
mod sync {
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
}

#[allow(
    dead_code,
    reason = "the crate uses more of these sources than this check"
)]
#[path = "../src/entry"]
mod entry {
    use tooloo_clock::Moment;

    use self::{glance::Glance, standing::Standing};

    mod glance;
    mod standing;

    /// An entry of which there is nothing but how it stands.
    pub(crate) struct Entry {
        glance: Glance,
        standing: Standing,
    }

    impl Entry {
        pub(crate) fn new(fresh_until: Moment, now: Moment) -> Self {
            Self {
                glance: Glance::new(fresh_until, now, 0),
                standing: Standing::new(fresh_until, fresh_until, 0),
            }
        }

        /// Returns whether a reader that saw this generation serves it as fresh, as the cache does.
        pub(crate) fn is_fresh(
            &self,
            now: Moment,
            generation: u64,
            purges: impl FnOnce() -> (Option<Moment>, u64),
        ) -> bool {
            if self.glance.holds(now, generation) {
                return true;
            }
            if !self.standing.is_settled(generation) {
                let (stale_from, generation) = purges();
                self.standing.settle(stale_from, generation);
            }
            self.standing.renew(&self.glance, now);
            now < self.standing.fresh_until()
        }
    }
}

#[test]
fn who_knows_of_a_soft_purge_finds_nothing_fresh_that_it_reaches() {
    let now = Moment::from_nanos(1 << 40);
    // Two readers and the purge: as many switches between them as a race here takes.
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        let entry = Arc::new(Entry::new(now + Duration::from_secs(30), now));
        // The purge that is known of, and what lookups read of it without the lock.
        let purges = Arc::new(Mutex::new((None, 0)));
        let known = Arc::new(AtomicU64::new(0));
        let reader = || {
            let (entry, purges, known) = (entry.clone(), purges.clone(), known.clone());
            move || {
                let generation = known.load(Ordering::Acquire);
                let is_fresh = entry.is_fresh(now, generation, || *purges.lock().unwrap());
                assert!(generation == 0 || !is_fresh);
            }
        };
        let readers = [thread::spawn(reader()), thread::spawn(reader())];
        *purges.lock().unwrap() = (Some(now), 1);
        known.store(1, Ordering::Release);
        for reader in readers {
            reader.join().unwrap();
        }
        reader()();
    });
}
