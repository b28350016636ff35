//! Getting the right to ask the service, or waiting for one who has it.

use http::Response;
use http_body::Body;

use super::{
    Ask,
    join::Joined,
    turn::{Right, Waited},
};
use crate::{CacheBody, Claim, Followed, http_cache::Selection};

impl Ask {
    /// Gets the right to ask the service, or the answer that another request got.
    ///
    /// `None` where something changed meanwhile, and it is worth another look.
    pub(super) async fn turn<B: Body>(
        &self,
        selection: &mut Selection,
        waited: &mut Waited,
        last: bool,
    ) -> Option<Result<Right, Box<Response<CacheBody<B>>>>> {
        let cache = self.http.cache();
        let alone = |key| Some(Ok(Right::alone(cache.alone(key))));
        if last || !self.may_wait(selection) {
            return alone(&selection.key);
        }
        let lead = match cache.claim(&selection.key) {
            Claim::Lead(lead) => lead,
            Claim::Alone(lead) => return Some(Ok(Right::alone(lead))),
            Claim::Follow(follow) => {
                *waited = Waited::ForAnother;
                match follow.wait().await {
                    Followed::Lead(lead) => lead,
                    Followed::Alone(lead) => return Some(Ok(Right::alone(lead))),
                    Followed::Entry(entry) => match self.join(&entry, selection) {
                        Joined::Answer(response) => return Some(Err(response)),
                        Joined::Again => {
                            selection.found = None;
                            return None;
                        }
                        Joined::Alone => {
                            *waited = Waited::InVain;
                            return alone(&selection.key);
                        }
                    },
                }
            }
        };
        // Between the look and the claim another fill may have ended.
        match self.landed_meanwhile(selection) {
            Some(landed) => {
                if let Some(entry) = landed.found.as_ref().filter(|_| landed.key == *lead.key()) {
                    lead.hand_over(entry);
                }
                *selection = landed;
                None
            }
            None => Some(Ok(Right::claimed(lead))),
        }
    }
}
