//! The keys beside a naive map of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use proptest::prelude::*;
use tooloo_clock::Moment;
use tooloo_key::Key;

use super::{Keys, NotAdded, block::Block};
use crate::{
    config::{Quota, Tier},
    state::{Bucket, Common, Outcome, Policy, Terms},
};

/// A key has a token a second, and five of them.
const BURST: u64 = 5;

#[derive(Clone, Debug)]
enum Act {
    Spend(u16),
    Replace(u16),
    Pass(u64),
    Sweep,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        20 => (0..200_u16).prop_map(Act::Spend),
        5 => (0..200_u16).prop_map(Act::Replace),
        1 => (0..BURST).prop_map(Act::Pass),
        1 => Just(Act::Sweep),
    ]
}

fn key(number: u16) -> Key {
    // Some are too long to stand in place.
    let tail = "x".repeat(usize::from(number) % 40);
    Key::from(format!("{number} {tail}"))
}

fn terms() -> Arc<Terms> {
    let burst = u32::try_from(BURST).unwrap().try_into().unwrap();
    let tiers = [Tier::first(
        Quota::per_second(1.try_into().unwrap()).with_burst(burst),
    )];
    Terms::new(Arc::new(Policy::new(tiers.into(), 0, false)))
}

#[test]
fn a_block_and_each_of_its_slots_are_one_cache_line() {
    assert_eq!(Block::SIZES, (64, 64));
}

#[test]
fn a_shard_lets_go_of_what_it_forgot() {
    let terms = terms();
    let keys = Keys::new(100);
    for number in 0..50 {
        let key = key(number);
        let pinned = keys.pin(&key);
        pinned.grow();
        pinned
            .add(&terms, Moment::exact(), &mut Vec::new())
            .unwrap();
    }
    // Tables that it outgrew may be there still.
    assert!(Arc::strong_count(&terms) > 50);
    assert_eq!(keys.sweep(Moment::exact()).len(), 50);
    // A table is freed a while after, by whoever comes.
    for _ in 0..100_000 {
        drop(keys.pin_overflow());
    }
    assert_eq!(Arc::strong_count(&terms), 1);
}

proptest! {
    #[test]
    fn each_key_has_the_bucket_that_a_naive_map_has(
        acts in prop::collection::vec(act(), 1..2000),
        max in 1..300_usize,
    ) {
        let terms = terms();
        let common = Mutex::new(Common::new(terms.policy().tiers()));
        let keys = Keys::new(max);
        // When each key's bucket will be full, in seconds.
        let mut naive = HashMap::<u16, u64>::new();
        let mut now = 1000;
        for act in acts {
            let moment = Moment::from_nanos(0) + Duration::from_secs(now);
            match act {
                Act::Spend(number) => {
                    let key = key(number);
                    let pinned = keys.pin(&key);
                    let mut forgotten = Vec::new();
                    while pinned.find().is_none() {
                        match pinned.add(&terms, moment, &mut forgotten) {
                            Ok(()) => {}
                            Err(NotAdded::Crowded) => pinned.grow(),
                            Err(NotAdded::Full) => break,
                        }
                    }
                    // What is forgotten was full.
                    naive.retain(|_, full_at| *full_at > now || forgotten.is_empty());
                    let Some(bucket) = pinned.find() else {
                        prop_assert!(keys.len() == max && !naive.contains_key(&number));
                        continue;
                    };
                    let full_at = naive.get(&number).copied().unwrap_or(0).max(now) + 1;
                    let admits = full_at <= now + BURST;
                    let outcome = bucket.spend(moment, 1, &common);
                    prop_assert_eq!(outcome == Outcome::Admitted, admits);
                    bucket.count(admits, 0);
                    if admits {
                        naive.insert(number, full_at);
                    }
                }
                Act::Replace(number) => {
                    let key = key(number);
                    let pinned = keys.pin(&key);
                    let found = pinned.find().is_some();
                    let counted = pinned.find().map(Bucket::counted);
                    prop_assert_eq!(pinned.replace(|bucket| bucket.moved(&terms, moment)), found);
                    prop_assert_eq!(pinned.find().map(Bucket::counted), counted);
                }
                Act::Pass(seconds) => now += seconds,
                Act::Sweep => {
                    keys.sweep(moment);
                    naive.retain(|_, full_at| *full_at > now);
                    prop_assert_eq!(keys.len(), naive.len());
                }
            }
            prop_assert!(keys.len() <= max && naive.len() <= keys.len());
        }
    }
}
