//! Passing a body on while it is gathered to be stored.

use std::{future::poll_fn, pin::Pin, sync::Arc, task::Poll};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::{Body, Frame};
use tokio::{runtime::Handle, sync::oneshot};

use super::{Ask, admit::Admitted, land::Landing, pump::Pump, turn::Turn};
use crate::{
    CacheBody, EntryOptions, StoredResponse,
    body::Rest,
    http::{Kind, shape::Part, status::Handled, storable::Refusal, stored::Whole},
    progress::{self, End, Progress},
};

/// How many frames are taken at once before others have their turn.
const FRAMES: usize = 128;

/// What came of a body at once.
enum Gathered<B: Body> {
    /// All of it.
    Whole(Vec<Bytes>),
    /// A part, and the body that the rest is to come from.
    Part(Vec<Bytes>, Pin<Box<B>>),
    /// What is not to be stored: the frames so far, and whatever follows.
    Not(Vec<Bytes>, Rest<B>, Refusal),
}

impl Ask {
    /// Stores an answer as its body comes, and passes it on.
    ///
    /// What is there at once is stored here; what comes by and by is gathered by a task, which neither a slow
    /// client stops nor one that leaves.
    pub(super) async fn fill<B>(
        &self,
        turn: Turn,
        admitted: Admitted,
        response: Response<()>,
        body: B,
    ) -> Response<CacheBody<B>>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Send + 'static,
    {
        let most = self.http.config().max_body_bytes.get();
        let mut handled = turn.handled.with_status(response.status());
        let (chunks, body) = match gather(Box::pin(body), most, admitted.length).await {
            Gathered::Whole(chunks) => {
                handled.stored = true;
                handled.time = Some(admitted.time(tooloo_clock::coarse()));
                let landing = Landing::new(self, turn, admitted);
                let whole = landing.store(progress::join(&chunks));
                self.keep.let_go();
                return self.whole(&whole, response, handled);
            }
            Gathered::Part(chunks, body) => (chunks, body),
            Gathered::Not(chunks, rest, refusal) => {
                if refusal != Refusal::Incomplete {
                    turn.right.pass();
                }
                self.keep.let_go();
                let response = response.map(|()| left_over(chunks, rest));
                return self.pass_on(response, handled.refused(refusal));
            }
        };
        let Ok(runtime) = Handle::try_current() else {
            let response = response.map(|()| left_over(chunks, Rest::Body(None, body)));
            return self.pass_on(response, handled.refused(Refusal::Incomplete));
        };
        handled.stored = true;
        handled.time = Some(admitted.time(tooloo_clock::coarse()));
        let progress = Progress::new(chunks);
        let reader = progress.reader();
        let left = admitted.length.map(|length| length as u64);
        let landing = Landing::new(self, turn, admitted);
        let head = landing.shared_head();
        if let Some(head) = &head {
            let filling = Kind::Filling(Arc::clone(head), Arc::clone(&progress));
            let options = EntryOptions::new().exact().with_ttl(head.terms.fresh_for);
            landing.lead.share(StoredResponse(filling), options);
        }
        let (sender, rest) = oneshot::channel();
        let pump = Pump::new(body, &progress, sender, most, landing.length());
        runtime.spawn(pump.run(landing, self.http.config().finish_for));
        self.keep.let_go();
        let known = head.filter(|head| head.validators.are_known_to(&self.fields));
        if let Some(head) = known.filter(|head| head.status == StatusCode::OK) {
            let sending = self.sending(handled.time.unwrap_or_default().1, handled);
            return self.http.begin(&head, None, &sending).0;
        }
        let body = CacheBody::leading(reader, left, rest);
        self.pass_on(response.map(|()| body), handled)
    }

    /// Answers with a response that was just stored: as it came, or as the request wants it.
    fn whole<B: Body>(
        &self,
        whole: &Whole,
        response: Response<()>,
        handled: Handled,
    ) -> Response<CacheBody<B>> {
        let sending = self.sending(handled.time.unwrap_or_default().1, handled);
        let (shaped, part) = self
            .http
            .begin::<B>(&whole.head, Some(&whole.body), &sending);
        match part {
            Part::Whole => {
                let body = CacheBody::whole(whole.body.clone());
                self.pass_on(response.map(|()| body), handled)
            }
            Part::Nothing => shaped,
            Part::These(bytes) => shaped.map(|_| CacheBody::whole(bytes)),
        }
    }
}

/// Takes what a body has without waiting.
async fn gather<B: Body<Data = Bytes>>(
    mut body: Pin<Box<B>>,
    most: usize,
    length: Option<usize>,
) -> Gathered<B> {
    let mut chunks = Vec::new();
    let mut bytes = 0;
    for _ in 0..FRAMES {
        let frame = poll_fn(|cx| Poll::Ready(body.as_mut().poll_frame(cx))).await;
        match frame {
            Poll::Pending => break,
            Poll::Ready(None) if length.is_none_or(|length| length == bytes) => {
                return Gathered::Whole(chunks);
            }
            Poll::Ready(None) => {
                let rest = Rest::Body(None, body);
                return Gathered::Not(chunks, rest, Refusal::Incomplete);
            }
            Poll::Ready(Some(Err(error))) => {
                return Gathered::Not(chunks, Rest::Failed(error), Refusal::Incomplete);
            }
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(chunk) if bytes + chunk.len() > most => {
                    let rest = Rest::Body(Some(Frame::data(chunk)), body);
                    return Gathered::Not(chunks, rest, Refusal::TooLarge);
                }
                Ok(chunk) => {
                    bytes += chunk.len();
                    chunks.push(chunk);
                }
                Err(trailers) => {
                    let rest = Rest::Body(Some(trailers), body);
                    return Gathered::Not(chunks, rest, Refusal::Trailers);
                }
            },
        }
    }
    Gathered::Part(chunks, body)
}

/// Makes a body of frames that came and what is to follow them.
fn left_over<B: Body<Data = Bytes>>(chunks: Vec<Bytes>, rest: Rest<B>) -> CacheBody<B> {
    let progress = Progress::new(chunks);
    progress.end(End::Broken);
    let (sender, receiver) = oneshot::channel();
    // The receiver is here: it cannot fail.
    drop(sender.send(rest));
    CacheBody::leading(progress.reader(), None, receiver)
}
