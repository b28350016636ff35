//! What is asked for, apart from the service that may be asked.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body::Body;
use tooloo_clock::Moment;

use super::turn::{Stale, Waited};
use crate::{
    CacheBody, Entry, Freshness, HttpCache, Outcome, RefreshPermit, StoredResponse,
    future::Keep,
    http::{
        Kind,
        key::PrimaryKey,
        request::RequestDirectives,
        reuse::{self, Verdict},
        status::{Forwarded, Handled},
        stored::{Head, Whole},
    },
    http_cache::{Selection, Sending},
};

/// The answer where only the store was to be asked, RFC 9111 §5.2.1.7.
const ONLY_IF_CACHED: &[u8] =
    br#"{"type":"about:blank","title":"Not cached","status":504,"error":"Not cached","code":"only_if_cached"}"#;

/// A request's head as its client sent it, and what was read from it.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) http: HttpCache,
    pub(crate) method: Method,
    pub(crate) fields: HeaderMap,
    pub(crate) key: PrimaryKey,
    pub(crate) asked: RequestDirectives,
    pub(crate) keep: Keep,
}

/// What came of a look at what is stored.
pub(super) enum Served<B: Body> {
    Now(Box<Response<CacheBody<B>>>),
    /// It answers, and is to be fetched anew.
    Refresh(Box<Response<CacheBody<B>>>, Box<Stale>, RefreshPermit),
    /// It does not answer, but may do so after the service was asked.
    Not(Option<Stale>),
}

impl Ask {
    /// Serves what is stored, where it may be.
    pub(super) fn serve<B: Body>(&self, selection: &Selection, waited: Waited) -> Served<B> {
        let now = tooloo_clock::coarse();
        let found = selection.found.as_ref().and_then(|entry| match &entry.0 {
            Kind::Whole(whole) => Some((entry, whole)),
            Kind::Varies(_) | Kind::Filling(..) | Kind::Excused(_) => None,
        });
        let found = found.filter(|(_, whole)| self.may_use(whole));
        let Some((entry, whole)) = found else {
            return self.not_served(None);
        };
        let (verdict, age) = judge(entry, &whole.head, &self.asked, now);
        let answer = |handled| Box::new(self.answer(whole, age, handled));
        let hit = waited.mark(Handled::hit(whole.head.terms.fresh_for, age));
        let (if_error, stale) = match verdict {
            Verdict::Fresh => {
                self.count(waited.or(Outcome::Hit));
                return Served::Now(answer(hit));
            }
            Verdict::Stale => {
                self.count(Outcome::Stale);
                return Served::Now(answer(hit));
            }
            Verdict::Refresh => {
                self.count(Outcome::Stale);
                let Some(permit) = self.http.cache().refresh_permit() else {
                    return Served::Now(answer(hit));
                };
                let stale = Stale::new(whole, false, true);
                return Served::Refresh(answer(hit), Box::new(stale), permit);
            }
            Verdict::Validate { if_error, stale } => (if_error, stale),
        };
        self.not_served(Some(Stale::new(whole, if_error, stale)))
    }

    fn not_served<B: Body>(&self, stale: Option<Stale>) -> Served<B> {
        if self.asked.only_if_cached {
            self.count(Outcome::Miss);
            return Served::Now(Box::new(self.only_if_cached()));
        }
        Served::Not(stale)
    }

    /// Tells whether a stored response may answer a request with this authorization, RFC 9111 §3.5.
    pub(super) fn may_use(&self, whole: &Whole) -> bool {
        whole.head.terms.for_authorized || !self.is_authorized()
    }

    pub(super) fn is_authorized(&self) -> bool {
        self.fields.contains_key(header::AUTHORIZATION)
    }

    /// Tells whether the answer to another's request can be one to this, and the other way round.
    pub(super) fn may_wait(&self, selection: &Selection) -> bool {
        let asked = &self.asked;
        let wants_newer = asked.no_cache || (asked.max_age.is_some() && selection.found.is_some());
        let whole = !self.fields.contains_key(header::RANGE) || selection.found.is_some();
        self.method == Method::GET && !asked.no_store && !wants_newer && whole
    }

    /// Looks in all tiers, where memory has nothing.
    pub(super) async fn select_anywhere(&self, selection: Selection) -> Selection {
        if !self.http.cache().has_tiers() {
            // What was waited for may be there by now.
            let again = self.http.select_in_memory(&self.key, &self.fields);
            return again.unwrap_or(selection);
        }
        let anywhere = self.http.select_anywhere(&self.key, &self.fields).await;
        anywhere.unwrap_or(selection)
    }

    /// Returns what memory has by now, if it is another selection or one that answers.
    pub(super) fn landed_meanwhile(&self, selection: &Selection) -> Option<Selection> {
        let again = self.http.select_in_memory(&self.key, &self.fields)?;
        if again.key != selection.key {
            return Some(again);
        }
        let entry = again.found.as_ref()?;
        let Kind::Whole(whole) = &entry.0 else {
            return None;
        };
        let now = tooloo_clock::coarse();
        let (verdict, _) = judge(entry, &whole.head, &self.asked, now);
        (verdict == Verdict::Fresh && self.may_use(whole)).then_some(again)
    }

    /// Makes an answer of a stored response.
    pub(super) fn answer<B: Body>(
        &self,
        whole: &Whole,
        age: Duration,
        handled: Handled,
    ) -> Response<CacheBody<B>> {
        self.http.answer(whole, &self.sending(age, handled))
    }

    pub(super) fn sending(&self, age: Duration, handled: Handled) -> Sending<'_> {
        Sending {
            method: &self.method,
            request: &self.fields,
            key: &self.key,
            age,
            handled,
        }
    }

    pub(super) fn count(&self, outcome: Outcome) {
        self.http.cache().count(outcome);
    }

    fn only_if_cached<B: Body>(&self) -> Response<CacheBody<B>> {
        let mut response = Response::new(CacheBody::whole(Bytes::from_static(ONLY_IF_CACHED)));
        *response.status_mut() = StatusCode::GATEWAY_TIMEOUT;
        let headers = response.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem);
        let handled = Handled {
            detail: Some("only-if-cached"),
            ..Handled::default()
        };
        handled.write(headers, Some(self.key.uri()), self.http.config());
        response
    }
}

impl HttpCache {
    /// Answers a request from memory, where that needs nothing but a look.
    #[inline]
    pub(crate) fn hit<B: Body, Q>(
        &self,
        request: &http::Request<Q>,
        key: &PrimaryKey,
        asked: &RequestDirectives,
    ) -> Option<Response<CacheBody<B>>> {
        let headers = request.headers();
        let entry = self.find_in_memory(key, headers)?;
        let Kind::Whole(whole) = &entry.0 else {
            return None;
        };
        let terms = &whole.head.terms;
        if !terms.for_authorized && headers.contains_key(header::AUTHORIZATION) {
            return None;
        }
        let now = tooloo_clock::coarse();
        let (verdict, age) = judge(&entry, &whole.head, asked, now);
        if verdict != Verdict::Fresh {
            return None;
        }
        self.cache().count(Outcome::Hit);
        let sending = Sending {
            method: request.method(),
            request: headers,
            key,
            age,
            handled: Handled::hit(terms.fresh_for, age),
        };
        Some(self.answer(whole, &sending))
    }
}

/// Tells why a request goes on to the service.
pub(super) fn why(ask: &Ask, selection: &Selection, stale: Option<&Stale>) -> Forwarded {
    match stale {
        Some(stale) if stale.expired => Forwarded::Stale,
        Some(_) => Forwarded::Request,
        None if selection.found.is_some() && ask.is_authorized() => Forwarded::Bypass,
        None if selection.marker.is_some() => Forwarded::VaryMiss,
        None => Forwarded::UriMiss,
    }
}

/// Judges a stored response for a request, and tells its age.
#[inline]
pub(super) fn judge(
    entry: &Entry<StoredResponse>,
    head: &Head,
    asked: &RequestDirectives,
    now: Moment,
) -> (Verdict, Duration) {
    let age = head.aging.at(now);
    // Its own lifetime is the response's, unless a purge cut it short.
    let purged = age < head.terms.fresh_for && entry.freshness(now) != Freshness::Fresh;
    (reuse::judge(&head.terms, age, purged, asked), age)
}
