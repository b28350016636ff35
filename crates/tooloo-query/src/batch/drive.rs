//! The task that sends the batches of one line, until nobody waits.

use std::sync::Arc;

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::sleep_until;
use tower_service::Service;

use super::{
    Lines,
    send::send,
    state::{Next, Tenant},
};
use crate::{Query, QueryError, Rows};

/// Lets go of those who wait where the task ends in the middle, so that the next statement starts another.
struct Ended {
    lines: Arc<Lines>,
    tenant: Tenant,
    // False once the line needs no task: by then it may have another.
    armed: bool,
}

pub(super) async fn drive<S>(service: S, lines: Arc<Lines>, tenant: Tenant)
where
    S: Service<Query, Response = Rows, Error = QueryError> + Clone + Send + 'static,
    S::Future: Send,
{
    let mut ended = Ended {
        lines: Arc::clone(&lines),
        tenant: tenant.clone(),
        armed: true,
    };
    let mut batches = FuturesUnordered::new();
    loop {
        let (news, due) = match lines.next(&tenant, batches.len(), tooloo_clock::now()) {
            Next::Send(waiters, under_way) => {
                let lines = Arc::clone(&lines);
                batches.push(send(service.clone(), lines, waiters, under_way));
                continue;
            }
            Next::Wait(news, due) => (news, due),
            Next::End => break,
        };
        let due = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = batches.next(), if !batches.is_empty() => {}
            () = news.notified() => {}
            () = due => {}
        }
    }
    ended.armed = false;
}

impl Drop for Ended {
    fn drop(&mut self) {
        if self.armed {
            self.lines.give_up(&self.tenant);
        }
    }
}
