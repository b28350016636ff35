//! A response as it is stored.

mod codec;

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};

pub use self::codec::HttpCodec;
use super::{
    age::Aging,
    condition::Validators,
    config::{HttpCacheConfig, fields},
    date,
    directive::Scope,
    hop,
    labels::{CACHE_TAG, SURROGATE_KEY},
    response::ResponseDirectives,
    terms::Terms,
    vary::Marker,
};
use crate::progress::Progress;

/// An HTTP response in a cache, or a note on which fields the responses of a target vary.
#[derive(Clone, Debug)]
pub struct StoredResponse(pub(crate) Kind);

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Whole(Whole),
    Varies(Marker),
    /// A response whose body is still coming, for those who wait for it; it is never stored.
    Filling(Arc<Head>, Arc<Progress>),
    /// A stale response that stands in for one that could not be fetched, for those who wait for that;
    /// it is never stored.
    Excused(Whole),
}

/// A response with all of its body.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    pub(crate) head: Arc<Head>,
    pub(crate) body: Bytes,
}

/// All of a response but its body, with what hits ask of it read beforehand.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    /// As stored: what a 304 updates.
    pub(crate) headers: HeaderMap,
    /// As sent, where that differs.
    shown: Option<HeaderMap>,
    pub(crate) terms: Terms,
    pub(crate) aging: Aging,
    /// When it came, for those who read it in another process.
    pub(crate) received: SystemTime,
    pub(crate) validators: Validators,
    /// The key of the variant that it is.
    pub(crate) variant: Option<(Marker, Arc<str>)>,
}

impl Head {
    pub(crate) fn new(
        status: StatusCode,
        headers: HeaderMap,
        terms: Terms,
        aging: Aging,
        received: SystemTime,
        config: &HttpCacheConfig,
    ) -> Self {
        Self {
            status,
            shown: shown(&headers, config),
            validators: Validators::of(&headers),
            headers,
            terms,
            aging,
            received,
            variant: None,
        }
    }

    /// Returns the fields that are sent with it.
    #[inline]
    pub(crate) fn shown(&self) -> &HeaderMap {
        self.shown.as_ref().unwrap_or(&self.headers)
    }

    /// Returns how long the body is, where that is known.
    pub(crate) fn content_length(&self) -> Option<u64> {
        let length = self.headers.get(header::CONTENT_LENGTH)?;
        length.to_str().ok()?.parse().ok()
    }

    /// Tells whether the answer to a HEAD is about this very response, RFC 9111 §4.3.5.
    pub(crate) fn is_like(&self, headers: &HeaderMap) -> bool {
        let length = headers.get(header::CONTENT_LENGTH);
        let stored = self.headers.get(header::CONTENT_LENGTH);
        let same_length = length.is_none() || length == stored;
        same_length && self.validators.are_confirmed_by(headers)
    }

    fn bytes(&self) -> usize {
        let fields = self.headers.iter();
        let text: usize = fields
            .map(|(name, value)| name.as_str().len() + value.len() + 64)
            .sum();
        text + size_of::<Self>()
    }
}

impl StoredResponse {
    /// Returns about how many bytes of memory it takes, for a cache's [`Weigh`](crate::Weigh).
    pub fn bytes(&self) -> u64 {
        let bytes = match &self.0 {
            Kind::Whole(whole) | Kind::Excused(whole) => whole.head.bytes() + whole.body.len(),
            Kind::Varies(marker) => 64 * marker.len(),
            Kind::Filling(head, _) => head.bytes(),
        };
        bytes as u64
    }

    pub(crate) fn whole(head: Arc<Head>, body: Bytes) -> Self {
        Self(Kind::Whole(Whole { head, body }))
    }
}

/// Returns the fields to store of those that came, RFC 9111 §3.1.
///
/// Fields that the response keeps from caches are left out, so that they need not be asked for again
/// (§5.2.2.4, §5.2.2.7).
pub(crate) fn storable_fields(
    mut headers: HeaderMap,
    said: &ResponseDirectives,
    shared: bool,
    received: SystemTime,
) -> HeaderMap {
    hop::strip(&mut headers);
    headers.remove(header::AGE);
    let private = if shared {
        &said.private
    } else {
        &Scope::Absent
    };
    for name in private.fields().iter().chain(said.no_cache.fields()) {
        headers.remove(name);
    }
    if !headers.contains_key(header::DATE)
        && let Some(date) = date::write(received)
    {
        headers.insert(header::DATE, date);
    }
    headers
}

/// Says how long the body is, where nobody did.
pub(crate) fn announce(head: &mut Head, length: usize) {
    if head.status == StatusCode::NO_CONTENT || head.headers.contains_key(header::CONTENT_LENGTH) {
        return;
    }
    let length = HeaderValue::from(length);
    if let Some(shown) = &mut head.shown {
        shown.insert(header::CONTENT_LENGTH, length.clone());
    }
    head.headers.insert(header::CONTENT_LENGTH, length);
}

/// Takes out what is not for clients; `None` where there is nothing of that.
fn shown(headers: &HeaderMap, config: &HttpCacheConfig) -> Option<HeaderMap> {
    let mut shown = None;
    for name in hidden(config) {
        if headers.contains_key(&name) {
            shown.get_or_insert_with(|| headers.clone()).remove(name);
        }
    }
    shown
}

/// Returns the fields that are for this cache and not for its clients.
pub(crate) fn hidden(config: &HttpCacheConfig) -> impl Iterator<Item = http::HeaderName> {
    let tags = [CACHE_TAG, SURROGATE_KEY].into_iter();
    let tags = tags.filter(|_| config.strip_tags);
    std::iter::once(fields::OWN_TARGET).chain(tags)
}
