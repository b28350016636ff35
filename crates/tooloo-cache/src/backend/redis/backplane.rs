//! The backplane that tells changes through a server.

use std::sync::{Arc, Weak};

use futures_util::future::BoxFuture;
use tokio::{sync::oneshot, time::timeout};

use super::{bus, outbox::Op, server::Inner};
use crate::{Backplane, Change, Inbound};

/// Tells other caches what changed, through a server.
///
/// A cache hears of a change when the server tells it. One that was cut off reads what it missed, and
/// forgets everything where the server does not know that any more; meanwhile it reads nothing from the
/// server.
#[derive(Clone, Debug)]
pub struct RedisBackplane {
    pub(super) server: Arc<Inner>,
}

impl Backplane for RedisBackplane {
    fn start(&self, inbound: Weak<dyn Inbound>) {
        if self.server.inbound.set(inbound).is_ok() {
            tokio::spawn(bus::run(Arc::downgrade(&self.server)));
        }
    }

    fn announce(&self, change: Change) {
        self.server.push(Op::Tell(change, None));
    }

    fn publish(&self, change: Change) -> BoxFuture<'_, Option<u64>> {
        let (reply, mut number) = oneshot::channel();
        self.server.push(Op::Tell(change, Some(reply)));
        let deadline = self.server.config.deadline;
        Box::pin(async move {
            if let Ok(number) = timeout(deadline, &mut number).await {
                return number.ok();
            }
            // From here on the number is reported instead; it may have come at the last moment.
            number.close();
            number.try_recv().ok()
        })
    }
}
