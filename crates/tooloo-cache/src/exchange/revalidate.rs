//! What the service says of a stored response, RFC 9111 §4.3.3 to §4.3.5.

use http::{Method, Response};
use http_body::Body;

use super::{Ask, fetch::Arrival, land::Landing, turn::Turn};
use crate::{CacheBody, http::update};

impl Ask {
    /// Brings a stored response up to date with the head of a 304, or of the answer to a HEAD, and answers
    /// with it.
    pub(super) async fn revalidated<B: Body>(
        &self,
        turn: Turn,
        response: Response<B>,
        arrival: Arrival,
    ) -> Response<CacheBody<B>> {
        let mut handled = turn.handled.with_status(response.status());
        let Some(stale) = turn.stale.clone() else {
            return self.pass_on(response.map(CacheBody::passed), handled);
        };
        let stored = &stale.whole;
        let confirmed = stored.head.validators.are_confirmed_by(response.headers());
        let headers = update::merge(&stored.head.headers, response.headers().clone());
        let mut merged = Response::new(());
        *merged.status_mut() = stored.head.status;
        *merged.headers_mut() = headers;
        // What is stored answers to a GET, whatever asked about it.
        let admitted = self.admit_as(&Method::GET, &merged, None, arrival);
        let whole = match admitted {
            Ok(admitted) if confirmed => {
                handled.stored = true;
                Landing::new(self, turn, admitted).store(stored.body.clone())
            }
            result => {
                // It may not be kept any longer, or is not what was asked about.
                self.http.cache().remove(&turn.selection.key).await;
                turn.right.pass();
                if let Err(refusal) = result {
                    handled = handled.refused(refusal);
                }
                self.unstored(&merged, stored.body.clone(), arrival)
            }
        };
        self.keep.let_go();
        let age = whole.head.aging.at(arrival.now);
        handled.time = Some((whole.head.terms.fresh_for, age));
        self.answer(&whole, age, handled)
    }
}
