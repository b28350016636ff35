//! The task that sends the batches of one group, until nobody waits.

use std::sync::Arc;

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::sleep_until;
use tower_service::Service;

use super::{
    Groups,
    batch::send,
    groups::{Name, Next},
};
use crate::{Query, QueryError, Rows};

/// Forgets the group however the task ends, so that the next query starts another.
struct Ended {
    groups: Arc<Groups>,
    name: Name,
    // False once the group is gone: by then there may be another of its name.
    armed: bool,
}

pub(super) async fn drive<S>(service: S, groups: Arc<Groups>, name: Name)
where
    S: Service<Query, Response = Rows, Error = QueryError> + Clone + Send + 'static,
    S::Future: Send,
{
    let mut ended = Ended {
        groups: Arc::clone(&groups),
        name: name.clone(),
        armed: true,
    };
    // Whoever is about to ask as well does so first.
    tokio::task::yield_now().await;
    let mut under_way = FuturesUnordered::new();
    loop {
        let (news, due) = match groups.next(&name, under_way.len(), tooloo_clock::now()) {
            Next::Send(read, waiters) => {
                let monitor = Arc::clone(&groups.monitor);
                under_way.push(send(service.clone(), monitor, read, waiters));
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
            _ = under_way.next(), if !under_way.is_empty() => {}
            () = news.notified() => {}
            () = due => {}
        }
    }
    ended.armed = false;
}

impl Drop for Ended {
    fn drop(&mut self) {
        if self.armed {
            self.groups.remove(&self.name);
        }
    }
}
