//! The newest spans, within a bound of bytes.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{TraceId, record::FinishedSpan};

/// Keeps the newest spans; an old one goes when its bytes are needed.
#[derive(Debug)]
pub(crate) struct RecentSpans {
    max_bytes: usize,
    // Locked only for spans that are kept: a request that is not sampled, fast and well never comes here.
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    spans: VecDeque<Arc<FinishedSpan>>,
    bytes: usize,
}

impl RecentSpans {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            held: Mutex::default(),
        }
    }

    /// Adds a span; one that is larger than the whole bound is not kept.
    pub(crate) fn push(&self, span: Arc<FinishedSpan>) {
        let bytes = span.bytes();
        if bytes > self.max_bytes {
            return;
        }
        // Freed after the lock is given back.
        let mut gone = Vec::new();
        let mut held = self.lock();
        while held.bytes + bytes > self.max_bytes {
            let Some(oldest) = held.spans.pop_front() else {
                break;
            };
            held.bytes -= oldest.bytes();
            gone.push(oldest);
        }
        held.bytes += bytes;
        held.spans.push_back(span);
    }

    /// Returns the newest spans first, at most `most`.
    pub(crate) fn newest(&self, most: usize) -> Vec<Arc<FinishedSpan>> {
        self.lock().spans.iter().rev().take(most).cloned().collect()
    }

    /// Returns the spans of one trace, by the time they began.
    pub(crate) fn of(&self, trace: TraceId) -> Vec<Arc<FinishedSpan>> {
        let mut spans: Vec<_> = self
            .lock()
            .spans
            .iter()
            .filter(|span| span.trace_id == trace)
            .cloned()
            .collect();
        spans.sort_by_key(|span| span.start);
        spans
    }

    /// Returns how many spans there are, and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        let held = self.lock();
        (held.spans.len(), held.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use proptest::prelude::*;

    use super::*;
    use crate::{
        SpanId,
        record::{Kept, Name, SpanKind, SpanStatus},
    };

    fn span(trace: u8, name: String) -> Arc<FinishedSpan> {
        Arc::new(FinishedSpan {
            trace_id: TraceId::from_bytes([trace; 16]).unwrap(),
            span_id: SpanId::random(),
            parent: None,
            name: Name::Own(name.into()),
            service: "test".into(),
            kind: SpanKind::Internal,
            start: SystemTime::UNIX_EPOCH,
            duration: Duration::ZERO,
            status: SpanStatus::Success,
            kept: Kept::Sampled,
            call: None,
            attributes: Vec::new(),
            carried: None,
        })
    }

    proptest! {
        #[test]
        fn keeps_the_newest_that_fit(sizes in proptest::collection::vec(0_usize..2000, 0..60)) {
            let max = 4000;
            let store = RecentSpans::new(max);
            let spans: Vec<_> = sizes.iter().map(|size| span(1, "x".repeat(*size))).collect();
            for span in &spans {
                store.push(Arc::clone(span));
            }

            let mut room = max;
            let fitting = spans.iter().rev().filter(|span| span.bytes() <= max);
            let expected: Vec<_> = fitting.take_while(|span| { let fits = room >= span.bytes(); room = room.saturating_sub(span.bytes()); fits }).cloned().collect();
            prop_assert_eq!(store.newest(usize::MAX), expected);
            prop_assert!(store.size().1 <= max);
        }
    }

    #[test]
    fn finds_the_spans_of_one_trace() {
        let store = RecentSpans::new(1 << 20);
        store.push(span(1, "a".into()));
        store.push(span(2, "b".into()));
        store.push(span(1, "c".into()));
        let names: Vec<_> = store
            .of(TraceId::from_bytes([1; 16]).unwrap())
            .iter()
            .map(|span| span.name().to_owned())
            .collect();
        assert_eq!(names, ["a", "c"]);
    }
}
