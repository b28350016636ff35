//! A backplane within the process: it keeps all changes, tells them in order and at once, and repeats to a node that
//! joins what that one does not know.

use std::sync::{Arc, Mutex, Weak};

use futures_util::future::{BoxFuture, ready};
use tooloo_cache::{Backplane, Change, Inbound};

/// What the nodes are connected by.
#[derive(Clone)]
pub(crate) struct Bus {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    nodes: Vec<Option<Weak<dyn Inbound>>>,
    log: Vec<Change>,
}

/// One node's end.
pub(crate) struct Line {
    bus: Bus,
    node: usize,
}

impl Bus {
    pub(crate) fn new() -> Self {
        Self {
            state: Arc::default(),
        }
    }

    /// Returns an end for one more node, or for one that begins anew.
    pub(crate) fn line(&self) -> Line {
        let mut state = self.state.lock().unwrap();
        state.nodes.push(None);
        Line {
            bus: self.clone(),
            node: state.nodes.len() - 1,
        }
    }
}

impl Line {
    fn tell(&self, change: Change) -> u64 {
        let mut state = self.bus.state.lock().unwrap();
        let sequence = state.log.len() as u64 + 1;
        for (node, inbound) in state.nodes.iter().enumerate() {
            let inbound = inbound.as_ref().and_then(Weak::upgrade);
            if let Some(inbound) = inbound.filter(|_| node != self.node) {
                inbound.apply(&change, sequence);
            }
        }
        state.log.push(change);
        sequence
    }
}

impl Backplane for Line {
    fn start(&self, inbound: Weak<dyn Inbound>) {
        let mut state = self.bus.state.lock().unwrap();
        let node = inbound.upgrade().unwrap();
        for (change, sequence) in state.log.iter().zip(1..) {
            if sequence > node.sequence() {
                node.apply(change, sequence);
            }
        }
        state.nodes[self.node] = Some(inbound);
    }

    fn announce(&self, change: Change) {
        self.tell(change);
    }

    fn publish(&self, change: Change) -> BoxFuture<'_, Option<u64>> {
        Box::pin(ready(Some(self.tell(change))))
    }
}
