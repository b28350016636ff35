//! One request that memory alone does not answer at once.

mod admit;
mod ask;
mod change;
mod claim;
mod fetch;
mod fill;
mod join;
mod land;
mod pump;
mod refresh;
mod revalidate;
mod turn;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

pub(crate) use self::{ask::Ask, change::Change};
use self::{
    ask::Served,
    turn::{Turn, Waited},
};
use crate::{CacheBody, http_cache::Selection};

/// How often one request waits for others before it goes alone.
const ROUNDS: usize = 4;

/// A request, and the service that can answer it.
pub(crate) struct Exchange<S, B> {
    ask: Ask,
    service: S,
    request: Request<B>,
}

impl<S, B> Exchange<S, B> {
    pub(crate) fn new(ask: Ask, service: S, request: Request<B>) -> Self {
        Self {
            ask,
            service,
            request,
        }
    }
}

impl<S, B, R> Exchange<S, B>
where
    S: Service<Request<B>, Response = Response<R>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    B: Send + 'static,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Send + 'static,
{
    /// Answers the request; `selection` is what memory has for it.
    pub(crate) async fn run(
        self,
        mut selection: Selection,
    ) -> Result<Response<CacheBody<R>>, S::Error> {
        let mut waited = Waited::Not;
        for round in 0..=ROUNDS {
            if selection.found.is_none() {
                selection = self.ask.select_anywhere(selection).await;
            }
            let stale = match self.ask.serve(&selection, waited) {
                Served::Now(response) => return Ok(*response),
                Served::Refresh(response, stale, permit) => {
                    self.refresh(*stale, selection, permit);
                    return Ok(*response);
                }
                Served::Not(stale) => stale,
            };
            let last = round == ROUNDS || waited == Waited::InVain;
            match self.ask.turn(&mut selection, &mut waited, last).await {
                Some(Ok(lead)) => {
                    let turn = Turn::new(&self.ask, lead, selection, stale, waited);
                    return self.fetch(turn).await;
                }
                Some(Err(response)) => return Ok(*response),
                None => {}
            }
        }
        unreachable!("the last round goes alone")
    }
}
