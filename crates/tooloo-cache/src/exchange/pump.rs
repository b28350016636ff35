//! Gathering a body that comes by and by.

use std::{future::poll_fn, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::sync::oneshot;

use super::land::Landing;
use crate::{
    body::Rest,
    progress::{End, Progress},
};

/// Gathers a body for all who read it.
pub(super) struct Pump<B: Body> {
    body: Pin<Box<B>>,
    ending: Ending,
    rest: oneshot::Sender<Rest<B>>,
    most: usize,
    length: Option<usize>,
}

/// Ends a body for its readers, however its pump ends.
struct Ending(Arc<Progress>);

impl<B: Body<Data = Bytes>> Pump<B> {
    /// Creates a pump from a body into `progress`, and what is not stored of it into `rest`.
    pub(super) fn new(
        body: Pin<Box<B>>,
        progress: &Arc<Progress>,
        rest: oneshot::Sender<Rest<B>>,
        most: usize,
        length: Option<usize>,
    ) -> Self {
        Self {
            body,
            ending: Ending(Arc::clone(progress)),
            rest,
            most,
            length,
        }
    }

    /// Gathers until the body ends, or nobody has read it for so long.
    pub(super) async fn run(self, landing: Landing, finish_for: Duration) {
        let progress = Arc::clone(&self.ending.0);
        tokio::select! {
            biased;
            () = self.gather(landing) => {}
            () = deserted(&progress, finish_for) => {}
        }
    }

    async fn gather(mut self, landing: Landing) {
        let progress = Arc::clone(&self.ending.0);
        let rest = loop {
            let frame = poll_fn(|cx| self.body.as_mut().poll_frame(cx)).await;
            match frame {
                None if self.length.is_none_or(|length| length == progress.bytes()) => {
                    // Before the end: whoever has read all of it finds it stored.
                    landing.store(progress.joined());
                    progress.end(End::Clean);
                    return;
                }
                None => break Rest::Body(None, self.body),
                Some(Err(error)) => break Rest::Failed(error),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(chunk) if progress.bytes() + chunk.len() > self.most => {
                        // Those who come now need not wait for it.
                        landing.lead.pass();
                        break Rest::Body(Some(Frame::data(chunk)), self.body);
                    }
                    Ok(chunk) => {
                        progress.push(chunk);
                    }
                    Err(trailers) => {
                        landing.lead.pass();
                        if self.length.is_none_or(|length| length == progress.bytes()) {
                            progress.end(End::Trailers);
                        }
                        break Rest::Body(Some(trailers), self.body);
                    }
                },
            }
        };
        // First, so that the reader finds it.
        drop(self.rest.send(rest));
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end(End::Broken);
    }
}

/// Waits until nobody reads a body, and then for as long as it may go on.
async fn deserted(progress: &Progress, finish_for: Duration) {
    loop {
        progress.deserted().await;
        tokio::time::sleep(finish_for).await;
        if !progress.is_read() {
            return;
        }
    }
}
