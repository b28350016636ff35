//! The lock-free bucket under every interleaving of its threads (loom).

use loom::{sync::Arc, thread};
use tooloo_clock::Moment;
use tooloo_key::Key;

use self::{
    keys::{Held, Table},
    state::{Aside, Bucket, Gcra, Level, Spend},
};

/// What the sources below name by `crate::`, with loom's atomics in place of the real ones.
mod sync {
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
}

mod config {
    pub(crate) use tooloo_rate_limit::Quota;
}

#[allow(
    dead_code,
    reason = "the crate uses more of these sources than this check"
)]
#[path = "../src/state"]
mod state {
    mod gcra;
    mod level;

    pub(crate) use self::{
        gcra::Gcra,
        level::{Aside, Level, Spend},
    };

    /// Stands for a bucket where it matters which one is found.
    #[derive(Debug)]
    pub(crate) struct Bucket(pub(crate) u32);
}

#[allow(
    dead_code,
    reason = "the crate uses more of these sources than this check"
)]
#[path = "../src/keys"]
mod keys {
    mod block;
    mod group;
    mod table;

    pub(crate) use self::{block::Held, table::Table};
}

const NOW: u64 = 1_000_000_000;

fn gcra(burst: u32) -> Gcra {
    let burst = burst.try_into().expect("a burst above zero");
    Gcra::new(&config::Quota::per_second(burst))
}

fn now(gcra: &Gcra) -> u64 {
    gcra.ticks(Moment::from_nanos(NOW))
}

fn admitted(spend: Spend) -> u32 {
    u32::from(spend == Spend::Admitted)
}

#[test]
fn the_last_token_is_spent_once() {
    loom::model(|| {
        let level = Arc::new(Level::new(0, false));
        let other = Arc::clone(&level);
        let spend = |level: &Level| {
            let gcra = gcra(3);
            admitted(level.spend(gcra.charge(now(&gcra), 1)))
                + admitted(level.spend(gcra.charge(now(&gcra), 1)))
        };
        let spender = thread::spawn(move || spend(&other));
        let here = spend(&level);
        assert_eq!(here + spender.join().unwrap(), 3);
    });
}

#[test]
fn nothing_is_spent_from_a_bucket_that_is_gone() {
    loom::model(|| {
        let level = Arc::new(Level::new(0, false));
        let other = Arc::clone(&level);
        let spender = thread::spawn(move || {
            let gcra = gcra(1);
            other.spend(gcra.charge(now(&gcra), 1))
        });
        let gone = level.retire(NOW);
        match spender.join().unwrap() {
            Spend::Admitted => assert!(!gone, "spent from a bucket that was forgotten as full"),
            spend => {
                assert_eq!(spend, Spend::Aside(Aside::Gone));
                assert!(gone);
            }
        }
    });
}

#[test]
fn what_is_spent_while_a_bucket_moves_is_not_lost() {
    loom::model(|| {
        let level = Arc::new(Level::new(0, false));
        let other = Arc::clone(&level);
        let spender = thread::spawn(move || {
            let gcra = gcra(1);
            other.spend(gcra.charge(now(&gcra), 1))
        });
        let (full_at, held) = level.take().unwrap();
        assert!(!held);
        match spender.join().unwrap() {
            Spend::Admitted => assert!(full_at > NOW, "a token was spent and forgotten"),
            spend => {
                assert_eq!(spend, Spend::Aside(Aside::Moved));
                assert_eq!(full_at, 0);
            }
        }
    });
}

#[test]
fn nobody_overtakes_those_who_wait() {
    loom::model(|| {
        let level = Arc::new(Level::new(0, false));
        let other = Arc::clone(&level);
        let passer = thread::spawn(move || {
            let gcra = gcra(2);
            let first = other.spend(gcra.charge(now(&gcra), 1));
            (first, other.spend(gcra.charge(now(&gcra), 1)))
        });
        level.hold().unwrap();
        let gcra = gcra(2);
        let served = admitted(level.spend_held(gcra.charge(now(&gcra), 1)));
        let (first, second) = passer.join().unwrap();
        // Once the bucket is held, a passer-by gets nothing more.
        if first == Spend::Aside(Aside::Held) {
            assert_eq!(second, Spend::Aside(Aside::Held));
        }
        assert!(served + admitted(first) + admitted(second) <= 2);
        assert!(served == 1 || admitted(first) + admitted(second) == 2);
    });
}

#[test]
fn a_key_is_found_while_others_come_and_its_bucket_is_replaced() {
    /// All keys begin their search in one group, and look alike in it.
    const HASH: u64 = 0;
    loom::model(|| {
        let held = |key: &str, bucket| Held {
            key: Key::from(key),
            bucket: Bucket(bucket),
        };
        let table = Arc::new(Table::with_room_for(3));
        let ada = Key::from("ada");
        table.add(HASH, held("ada", 1));
        let other = Arc::clone(&table);
        let reader = thread::spawn(move || {
            let find = |key| other.find(HASH, key).map(|bucket| bucket.0);
            let first = find(&ada).expect("it is there at all times");
            let second = find(&ada).expect("it is there at all times");
            assert!(first <= second, "the former bucket is found no more");
            assert_ne!(find(&Key::from("bob")), Some(1));
        });
        let former = table.find(HASH, &Key::from("ada")).unwrap();
        table.add(HASH, held("ada", 2));
        table.forget(HASH, former);
        table.add(HASH, held("bob", 3));
        reader.join().unwrap();
        for (key, bucket) in [("ada", 2), ("bob", 3)] {
            assert_eq!(table.find(HASH, &Key::from(key)).unwrap().0, bucket);
        }
    });
}
