//! The task that listens for what other caches change.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use futures_util::StreamExt;
use redis::{Script, Value};
use tokio::{
    select,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::{CONNECT, server::Inner};
use crate::{Change, Inbound};

/// After the connection broke, a new one is tried this often.
const RECONNECT: Duration = Duration::from_millis(100);

/// What a node was told when it asked what it missed.
type Missed = (String, String, String, Vec<Vec<u8>>);

/// Listens until the cache or the server's last user is gone.
pub(crate) async fn run(server: Weak<Inner>) {
    let mut known = None;
    while let Some(inner) = server.upgrade() {
        let Some(inbound) = inner.inbound() else {
            return;
        };
        let mut last = known.unwrap_or_else(|| inbound.sequence());
        drop(inbound);
        let listened = listen(inner, &server, &mut last).await;
        known = Some(last);
        if let (Some(inner), None) = (server.upgrade(), listened) {
            inner.is_current.store(false, Ordering::Release);
        }
        sleep(RECONNECT).await;
    }
}

/// Listens over one connection until it breaks.
async fn listen(inner: Arc<Inner>, server: &Weak<Inner>, last: &mut u64) -> Option<()> {
    let pubsub = timeout(CONNECT, inner.client.get_async_pubsub())
        .await
        .ok()?
        .ok()?;
    let (mut sink, mut messages) = pubsub.split();
    timeout(CONNECT, sink.subscribe(inner.name("changes")))
        .await
        .ok()?
        .ok()?;
    // Whatever happens from now on is heard; what happened before is asked for.
    inner.catch_up(last).await?;
    inner.is_current.store(true, Ordering::Release);
    let period = inner.config.check_every;
    drop(inner);
    let mut checks = interval(period);
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        select! {
            message = messages.next() => {
                let message = message?;
                let inner = server.upgrade()?;
                inner.hear(message.get_payload_bytes(), last).await?;
            }
            _ = checks.tick() => {
                // The server answers in order: after the answer, all that was told has come.
                timeout(period, sink.ping::<Value>()).await.ok()?.ok()?;
                server.upgrade()?.inbound()?;
            }
        }
    }
}

impl Inner {
    /// Takes in one change that was told.
    async fn hear(&self, message: &[u8], last: &mut u64) -> Option<()> {
        let (number, node, change) = parse(message)?;
        if number <= *last {
            return Some(());
        }
        if number > *last + 1 {
            return self.catch_up(last).await;
        }
        self.take_in(&*self.inbound()?, number, node, change);
        *last = number;
        Some(())
    }

    /// Asks for what was missed since the last known change; where the server does not know that, all
    /// that is known here is forgotten.
    async fn catch_up(&self, last: &mut u64) -> Option<()> {
        let script = Script::new(include_str!("catch_up.lua"));
        let mut call = script.key(self.name("state"));
        call.key(self.name("log")).arg(*last);
        let mut connection = self.connection.clone();
        let answer = timeout(CONNECT, call.invoke_async(&mut connection)).await;
        let (number, floor, kind, told): Missed = self.judge(answer.ok())?;
        let (number, floor) = (number.parse().ok()?, floor.parse().ok()?);
        let inbound = self.inbound()?;
        let mut changes = Vec::with_capacity(told.len());
        for change in &told {
            changes.push(parse(change)?);
        }
        if kind == "marks" {
            changes.sort_unstable_by_key(|(number, ..)| *number);
            inbound.missed(floor);
        }
        for (number, node, change) in changes {
            self.take_in(&*inbound, number, node, change);
        }
        *last = number;
        Some(())
    }

    fn take_in(&self, inbound: &dyn Inbound, number: u64, node: &[u8], change: &[u8]) {
        if node == self.node.as_bytes() {
            return;
        }
        match postcard::from_bytes::<Change>(change) {
            Ok(change) => inbound.apply(&change, number),
            // Another version's: what it says is unknown, so everything is in doubt.
            Err(_) => inbound.missed(number),
        }
    }
}

/// Takes a message apart: number, node, change.
fn parse(message: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let mut parts = message.splitn(3, |byte| *byte == b':');
    let number = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    Some((number, parts.next()?, parts.next()?))
}
