//! What waits to be sent to the server, in order.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use tokio::sync::oneshot;

use crate::{Change, backend::Payload};

/// Removals and changes that may wait, in places for entries.
const SMALL_PER_ENTRY: usize = 8;

/// Something to send.
pub(crate) enum Op {
    Put(Arc<[u8]>, Box<dyn Payload>),
    Remove(Arc<[u8]>),
    Tell(Change, Option<oneshot::Sender<u64>>),
    /// Too much was dropped to be told: everything is to be forgotten.
    Forget,
    Flush(oneshot::Sender<()>),
}

/// What waits to be sent.
pub(crate) struct Outbox {
    ops: VecDeque<Op>,
    /// The entries among them, with their values.
    entries: usize,
    max_entries: usize,
    /// How many waiting changes each key has.
    keys: HashMap<Arc<[u8]>, usize>,
    pub(crate) shed: u64,
}

impl Outbox {
    pub(crate) fn new(max_entries: usize) -> Self {
        Self {
            ops: VecDeque::new(),
            entries: 0,
            max_entries,
            keys: HashMap::new(),
            shed: 0,
        }
    }

    /// Queues an operation; an entry for which there is no room becomes the removal of what was there.
    pub(crate) fn push(&mut self, op: Op) {
        let op = match op {
            Op::Put(key, _) if self.entries >= self.max_entries => {
                self.shed += 1;
                Op::Remove(key)
            }
            op => op,
        };
        if self.ops.len() >= self.max_entries.saturating_mul(SMALL_PER_ENTRY) {
            self.collapse();
        }
        self.count(&op);
        self.ops.push_back(op);
    }

    /// Takes the next operations.
    pub(crate) fn take(&mut self, most: usize) -> Vec<Op> {
        let taken = most.min(self.ops.len());
        self.ops.drain(..taken).collect()
    }

    /// Forgets that these were waiting.
    pub(crate) fn settle(&mut self, key: &[u8], was_entry: bool) {
        self.entries -= usize::from(was_entry);
        if let Some(waiting) = self.keys.get_mut(key) {
            *waiting -= 1;
            if *waiting == 0 {
                self.keys.remove(key);
            }
        }
    }

    /// Puts operations back that could not be sent; they have not been settled.
    ///
    /// Entries are not sent late: what they were to replace is removed instead.
    pub(crate) fn put_back(&mut self, ops: Vec<Op>) {
        for op in ops.into_iter().rev() {
            let op = match op {
                Op::Put(key, _) => {
                    self.entries -= 1;
                    self.shed += 1;
                    Op::Remove(key)
                }
                op => op,
            };
            self.ops.push_front(op);
        }
    }

    /// Returns whether a change of the key waits.
    pub(crate) fn has(&self, key: &[u8]) -> bool {
        self.keys.contains_key(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.ops.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    fn count(&mut self, op: &Op) {
        if let Op::Put(..) = op {
            self.entries += 1;
        }
        if let Op::Put(key, _) | Op::Remove(key) = op {
            *self.keys.entry(Arc::clone(key)).or_default() += 1;
        }
    }

    /// Puts one order to forget everything in the place of all that can be left out then.
    fn collapse(&mut self) {
        let ops = std::mem::take(&mut self.ops);
        for op in &ops {
            match op {
                Op::Put(key, _) => self.settle(key, true),
                Op::Remove(key) => self.settle(key, false),
                _ => {}
            }
        }
        let stay = |op: &Op| matches!(op, Op::Flush(_) | Op::Tell(Change::Purge(_), _));
        let mut stay: VecDeque<Op> = ops.into_iter().filter(stay).collect();
        // Of purges alone, the oldest are covered by the order.
        stay.drain(..stay.len().saturating_sub(self.max_entries));
        stay.push_front(Op::Forget);
        self.ops = stay;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CodecError, Mark, Purge, Record};

    struct Nothing(Record);

    impl Payload for Nothing {
        fn record(&self) -> &Record {
            &self.0
        }

        fn encode(&self, _: &mut Vec<u8>) -> Result<(), CodecError> {
            Ok(())
        }
    }

    fn put(key: &str) -> Op {
        Op::Put(key.as_bytes().into(), Box::new(Nothing(Record::default())))
    }

    #[test]
    fn an_entry_without_room_removes_what_was_there() {
        let mut outbox = Outbox::new(2);
        for key in ["a", "b", "c"] {
            outbox.push(put(key));
        }
        assert_eq!(outbox.shed, 1);
        let ops = outbox.take(9);
        assert!(matches!(&ops[..], [Op::Put(..), Op::Put(..), Op::Remove(key)] if **key == *b"c"));
    }

    #[test]
    fn what_was_not_sent_stays_in_order_without_values() {
        let mut outbox = Outbox::new(10);
        for key in ["a", "b"] {
            outbox.push(put(key));
        }
        let taken = outbox.take(1);
        outbox.put_back(taken);
        let ops = outbox.take(9);
        assert!(matches!(&ops[..], [Op::Remove(a), Op::Put(b, _)] if **a == *b"a" && **b == *b"b"));
        assert!(outbox.has(b"a") && outbox.has(b"b"));
        outbox.settle(b"a", false);
        outbox.settle(b"b", true);
        assert!(!outbox.has(b"a") && !outbox.has(b"b"));
        assert_eq!(outbox.entries, 0);
    }

    #[test]
    fn too_much_becomes_one_order_and_keeps_purges() {
        let mut outbox = Outbox::new(2);
        let mark = Mark {
            purge: Purge::all(),
            generation: 1,
            sequence: None,
            wall: 0,
        };
        outbox.push(Op::Tell(Change::Purge(mark), None));
        for number in 0..100 {
            outbox.push(Op::Remove(format!("{number}").into_bytes().into()));
            assert!(outbox.len() <= 2 * SMALL_PER_ENTRY);
        }
        let ops = outbox.take(99);
        assert!(matches!(
            &ops[..2],
            [Op::Forget, Op::Tell(Change::Purge(_), None)]
        ));
        assert!(!outbox.has(b"0") && outbox.has(b"99"));
    }
}
