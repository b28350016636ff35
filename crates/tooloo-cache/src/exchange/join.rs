//! Sharing the answer that another request fetched.

use http::Response;
use http_body::Body;

use super::Ask;
use crate::{
    CacheBody, Entry, Outcome, StoredResponse,
    http::{
        Kind,
        reuse::Verdict,
        shape::Part,
        status::{Forwarded, Handled},
        stored::Head,
    },
    http_cache::Selection,
};

/// What came of waiting.
pub(super) enum Joined<B: Body> {
    Answer(Box<Response<CacheBody<B>>>),
    /// It is stored under another key: worth another look.
    Again,
    /// It is no answer to this request.
    Alone,
}

impl Ask {
    pub(super) fn join<B: Body>(
        &self,
        entry: &Entry<StoredResponse>,
        selection: &Selection,
    ) -> Joined<B> {
        let (head, excused) = match &entry.0 {
            Kind::Varies(_) => return Joined::Again,
            Kind::Whole(whole) => (&whole.head, false),
            Kind::Excused(whole) => (&whole.head, true),
            Kind::Filling(head, _) => (head, false),
        };
        if !self.selects(head, selection) {
            // A variant that is whole can be found, one that is still coming cannot.
            return match &entry.0 {
                Kind::Whole(_) => Joined::Again,
                _ => Joined::Alone,
            };
        }
        if self.is_authorized() && !head.terms.for_authorized {
            return Joined::Alone;
        }
        let now = tooloo_clock::coarse();
        let (verdict, age) = super::ask::judge(entry, head, &self.asked, now);
        let good = match verdict {
            Verdict::Fresh | Verdict::Stale | Verdict::Refresh => true,
            Verdict::Validate { if_error, .. } => if_error && excused,
        };
        if !good {
            return Joined::Alone;
        }
        self.count(Outcome::Coalesced);
        let forwarded = if excused {
            Forwarded::Stale
        } else {
            super::ask::why(self, selection, None)
        };
        let handled = Handled {
            collapsed: true,
            detail: excused.then_some("stale-if-error"),
            ..Handled::forwarded(forwarded)
        };
        let response = match &entry.0 {
            Kind::Whole(whole) | Kind::Excused(whole) => self.answer(whole, age, handled),
            Kind::Filling(head, progress) => {
                let sending = self.sending(age, handled);
                let (mut response, part) = self.http.begin(head, None, &sending);
                if part == Part::Whole {
                    let left = head.content_length();
                    *response.body_mut() = CacheBody::following(progress.reader(), left);
                }
                response
            }
            Kind::Varies(_) => return Joined::Again,
        };
        Joined::Answer(Box::new(response))
    }

    /// Tells whether the request selects the response that was fetched, RFC 9111 §4.1.
    fn selects(&self, head: &Head, selection: &Selection) -> bool {
        let Some((marker, key)) = &head.variant else {
            return true;
        };
        if selection.key == *key {
            return true;
        }
        let own = marker.key(self.key.as_str(), &self.fields, self.http.config());
        own.is_some_and(|own| *own == **key)
    }
}
