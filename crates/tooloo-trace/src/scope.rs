//! Which context the work on this thread belongs to now.

use std::{
    cell::Cell,
    mem::ManuallyDrop,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use crate::{TraceContext, bridge};

thread_local! {
    // Whoever sets it takes it back, so there is nothing to drop when a thread ends; and a value that
    // is never dropped is read without asking whether it was.
    static CURRENT: Cell<ManuallyDrop<Option<TraceContext>>> =
        const { Cell::new(ManuallyDrop::new(None)) };
}

/// Returns the context of the work that runs on this thread now, if it belongs to a trace.
///
/// It is set while a traced handler, or a future that was wrapped with
/// [`in_scope`](TraceContext::in_scope), is being polled; a spawned task starts without one.
pub fn current() -> Option<TraceContext> {
    with_current(|context: Option<&TraceContext>| context.cloned())
}

pub(crate) fn with_current<T>(read: impl FnOnce(Option<&TraceContext>) -> T) -> T {
    let current = ManuallyDrop::into_inner(CURRENT.take());
    let answer = read(current.as_ref());
    CURRENT.set(ManuallyDrop::new(current));
    answer
}

impl TraceContext {
    /// Makes this the [`current`] context whenever `future` is polled, so that a spawned task stays
    /// in its trace.
    pub fn in_scope<F>(self, future: F) -> InScope<F> {
        let otel = self
            .is_sampled()
            .then(|| bridge::otel_context(&self))
            .flatten();
        InScope {
            context: Some(self),
            otel,
            future,
        }
    }
}

/// Makes `context` current until the guard is dropped, and takes it back then.
#[inline]
pub(crate) fn enter(context: &mut Option<TraceContext>) -> Entered<'_> {
    swap(context);
    Entered { context }
}

pub(crate) struct Entered<'a> {
    // While entered, what was current before.
    context: &'a mut Option<TraceContext>,
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        swap(self.context);
    }
}

#[inline]
fn swap(context: &mut Option<TraceContext>) {
    let entered = ManuallyDrop::new(context.take());
    *context = ManuallyDrop::into_inner(CURRENT.replace(entered));
}

pin_project! {
    /// Future of [`TraceContext::in_scope`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InScope<F> {
        context: Option<TraceContext>,
        otel: Option<opentelemetry::Context>,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for InScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _joined = this.otel.clone().map(opentelemetry::Context::attach);
        let _entered = enter(this.context);
        this.future.poll(cx)
    }
}
