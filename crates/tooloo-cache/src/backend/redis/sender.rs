//! The task that sends what waits: many operations at once, in order.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use redis::{Pipeline, Script, Value};
use tokio::time::{sleep, timeout};
use tooloo_clock::Moment;

use super::{CONNECT, outbox::Op, server::Inner};
use crate::{Change, backend::wall_millis};

/// Operations that are sent at once.
const BATCH: usize = 256;

/// How long a key's last change is kept in the server: no fill takes longer.
const CHANGES_LAST: Duration = Duration::from_secs(600);

/// While the server is away, this often is looked whether to try again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How many keys are looked at in one step of a clear.
const SCAN: usize = 1000;

struct Scripts {
    put: Script,
    publish: Script,
}

/// Sends until nobody is left who could ask.
pub(crate) async fn run(server: Weak<Inner>) {
    let scripts = Arc::new(Scripts {
        put: Script::new(include_str!("put.lua")),
        publish: Script::new(include_str!("publish.lua")),
    });
    // After a failure the server may be another, which does not know the scripts.
    let mut is_loaded = false;
    loop {
        let Some(inner) = server.upgrade() else {
            return;
        };
        if inner.outbox().is_empty() {
            let filled = Arc::clone(&inner.filled);
            drop(inner);
            filled.notified().await;
        } else if inner.gate.admits(Moment::exact(), CONNECT) {
            is_loaded = inner.send(&scripts, is_loaded).await;
        } else {
            drop(inner);
            sleep(LOOK_AGAIN).await;
        }
    }
}

impl Inner {
    /// Sends the next operations, and returns whether that worked.
    async fn send(self: &Arc<Self>, scripts: &Arc<Scripts>, is_loaded: bool) -> bool {
        let ops = self.outbox().take(BATCH);
        let (inner, scripts) = (Arc::clone(self), Arc::clone(scripts));
        // Values become bytes, and smaller: that takes too long for a thread of the runtime.
        let made = tokio::task::spawn_blocking(move || {
            let pipeline = inner.pipeline(&ops, &scripts, is_loaded);
            (ops, pipeline)
        });
        let Ok((ops, pipeline)) = made.await else {
            // The runtime shuts down.
            return false;
        };
        let mut connection = self.connection.clone();
        let answer = timeout(CONNECT, pipeline.query_async(&mut connection)).await;
        let answer: Option<Vec<Value>> = self.judge(answer.ok());
        let Some(answers) = answer else {
            self.outbox().put_back(ops);
            return false;
        };
        let loaded = if is_loaded { 0 } else { 2 };
        for (op, answer) in ops.into_iter().zip(answers.into_iter().skip(loaded)) {
            self.settle(op, answer);
        }
        true
    }

    fn pipeline(&self, ops: &[Op], scripts: &Scripts, is_loaded: bool) -> Pipeline {
        let mut pipeline = Pipeline::new();
        if !is_loaded {
            for code in [include_str!("put.lua"), include_str!("publish.lua")] {
                pipeline.cmd("SCRIPT").arg("LOAD").arg(code);
            }
        }
        for op in ops {
            match op {
                Op::Put(key, payload) => {
                    let record = payload.record();
                    let mut plain = Vec::new();
                    let encoded = payload.encode(&mut plain).ok();
                    let envelope =
                        encoded.and_then(|()| self.envelopes.close(key, record, &plain, None));
                    let lasts = record.dead_from().map_or(0, |dead_from| {
                        dead_from.saturating_sub(wall_millis()).max(1)
                    });
                    if let Some(envelope) = envelope {
                        pipeline
                            .cmd("EVALSHA")
                            .arg(scripts.put.get_hash())
                            .arg(2)
                            .arg(self.entry_name(key))
                            .arg(self.change_name(key))
                            .arg(&self.node)
                            .arg(record.sequence)
                            .arg(envelope)
                            .arg(lasts);
                    } else {
                        self.errors.fetch_add(1, Ordering::Relaxed);
                        pipeline.cmd("UNLINK").arg(self.entry_name(key));
                    }
                }
                Op::Remove(key) => {
                    pipeline.cmd("UNLINK").arg(self.entry_name(key));
                }
                Op::Tell(change, _) => self.publish(&mut pipeline, scripts, change, false),
                Op::Forget => self.publish(&mut pipeline, scripts, &Change::Clear, true),
                Op::Flush(_) => {
                    pipeline.cmd("PING");
                }
            }
        }
        pipeline
    }

    fn publish(&self, pipeline: &mut Pipeline, scripts: &Scripts, change: &Change, forgets: bool) {
        let bytes = postcard::to_stdvec(change).unwrap_or_default();
        let mark = match change {
            Change::Purge(mark) => {
                let mut name = b"m:".to_vec();
                name.extend(postcard::to_stdvec(&mark.purge).unwrap_or_default());
                name
            }
            Change::Key(_) | Change::Clear => Vec::new(),
        };
        let key = match change {
            Change::Key(key) => Some(self.change_name(key)),
            Change::Purge(_) | Change::Clear => None,
        };
        let forgets = forgets || matches!(change, Change::Clear);
        pipeline
            .cmd("EVALSHA")
            .arg(scripts.publish.get_hash())
            .arg(2 + usize::from(key.is_some()))
            .arg(self.name("state"))
            .arg(self.name("log"))
            .arg(key)
            .arg(self.name("changes"))
            .arg(&self.node)
            .arg(bytes)
            .arg(self.config.log_length.get())
            .arg(mark)
            .arg(self.config.max_marks.get())
            .arg(u64::try_from(CHANGES_LAST.as_millis()).unwrap_or(u64::MAX))
            .arg(u8::from(forgets));
    }

    /// Tells those who wait what came of an operation.
    fn settle(&self, op: Op, answer: Value) {
        match op {
            Op::Put(key, _) => self.outbox().settle(&key, true),
            Op::Remove(key) => self.outbox().settle(&key, false),
            Op::Flush(done) => {
                // Whoever waited may have gone.
                let _ = done.send(());
            }
            Op::Tell(change, reply) => {
                let Some(number) = number(answer) else {
                    return;
                };
                let heard = reply.is_some_and(|reply| reply.send(number).is_ok());
                if let (false, Change::Purge(mark), Some(inbound)) =
                    (heard, &change, self.inbound())
                {
                    inbound.published(mark, number);
                }
            }
            Op::Forget => {
                if let (Some(number), Some(inbound)) = (number(answer), self.inbound()) {
                    inbound.missed(number);
                }
            }
        }
    }

    pub(super) fn inbound(&self) -> Option<Arc<dyn crate::Inbound>> {
        self.inbound.get()?.upgrade()
    }
}

/// Deletes all entries of this prefix, as far as the server answers.
pub(crate) async fn clear(server: &Inner) {
    let mut cursor = 0_u64;
    loop {
        if !server.gate.admits(Moment::exact(), CONNECT) {
            return;
        }
        let mut pattern = escape(server.config.prefix.as_bytes());
        pattern.extend(b":entry:*");
        let scan = redis::cmd("SCAN")
            .arg(cursor)
            .arg("MATCH")
            .arg(pattern)
            .arg("COUNT")
            .arg(SCAN)
            .take();
        let Some((next, names)): Option<(u64, Vec<Vec<u8>>)> = server.ask(scan, CONNECT).await
        else {
            return;
        };
        if !names.is_empty() {
            let unlink = redis::cmd("UNLINK").arg(names).take();
            if server.ask::<u64>(unlink, CONNECT).await.is_none() {
                return;
            }
        }
        if next == 0 {
            return;
        }
        cursor = next;
    }
}

/// Keeps a prefix from being a pattern.
fn escape(prefix: &[u8]) -> Vec<u8> {
    let special = |byte: &u8| b"*?[]^-\\".contains(byte);
    prefix
        .iter()
        .flat_map(|byte| special(byte).then_some(b'\\').into_iter().chain([*byte]))
        .collect()
}

fn number(answer: Value) -> Option<u64> {
    let text: String = redis::from_redis_value(answer).ok()?;
    text.parse().ok()
}
