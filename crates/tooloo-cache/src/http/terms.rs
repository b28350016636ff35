//! On which terms a response may be used again: all that a hit needs to know, read once.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::{
    config::{HttpCacheConfig, Sharing},
    date::{self, Dated},
    directive::Seconds,
    response::ResponseDirectives,
};

/// How long a stored response is fresh, and what may be done with it after that.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Terms {
    /// The freshness lifetime, RFC 9111 §4.2.1.
    pub(crate) fresh_for: Duration,
    /// For how long after that it answers while it is fetched anew, RFC 5861 §3.
    pub(crate) while_revalidate: Duration,
    /// For how long after that it answers where the origin fails, RFC 5861 §4.
    pub(crate) if_error: Duration,
    /// It answers only after the origin said so: `no-cache`.
    pub(crate) always_validate: bool,
    /// It never answers when stale, whatever the request allows, RFC 9111 §4.2.4.
    pub(crate) never_stale: bool,
    /// It may answer requests with `Authorization`, RFC 9111 §3.5.
    pub(crate) for_authorized: bool,
}

impl Terms {
    pub(crate) fn of(
        status: StatusCode,
        headers: &HeaderMap,
        said: &ResponseDirectives,
        config: &HttpCacheConfig,
        received: SystemTime,
    ) -> Self {
        let shared = config.sharing == Sharing::Shared;
        let explicit = explicit_lifetime(headers, said, shared, received);
        let fresh_for =
            explicit.unwrap_or_else(|| heuristic_lifetime(status, headers, said, config, received));
        let strict = said.must_revalidate || (shared && said.proxy_revalidate);
        let always_validate = said.no_cache.is_whole();
        let given = |seconds: Seconds| {
            let told = seconds.or_zero();
            told.filter(|_| !strict && !always_validate)
        };
        let while_revalidate = given(said.stale_while_revalidate);
        let if_error = given(said.stale_if_error);
        // A lifetime for shared caches forbids what the response does not itself allow (§5.2.2.10).
        let never_stale = strict || always_validate || (shared && said.s_maxage != Seconds::Absent);
        let unless_forbidden = |default: Duration| {
            if never_stale { Duration::ZERO } else { default }
        };
        Self {
            fresh_for,
            while_revalidate: while_revalidate
                .unwrap_or_else(|| unless_forbidden(config.stale_while_revalidate)),
            if_error: if_error.unwrap_or_else(|| unless_forbidden(config.stale_if_error)),
            always_validate,
            never_stale,
            for_authorized: !shared
                || said.public
                || said.must_revalidate
                || said.s_maxage.given().is_some(),
        }
    }

    /// Returns the age at which it is of no more use without asking the origin.
    pub(crate) fn useful_for(&self) -> Duration {
        let stale = self.while_revalidate.max(self.if_error);
        self.fresh_for.saturating_add(stale)
    }
}

/// Returns the lifetime that the response names, RFC 9111 §4.2.1; what is broken is none.
fn explicit_lifetime(
    headers: &HeaderMap,
    said: &ResponseDirectives,
    shared: bool,
    received: SystemTime,
) -> Option<Duration> {
    let for_shared = said.s_maxage.or_zero().filter(|_| shared);
    if let Some(lifetime) = for_shared.or_else(|| said.max_age.or_zero()) {
        return Some(lifetime);
    }
    if said.targeted {
        return None;
    }
    match date::of(headers, &header::EXPIRES) {
        Dated::Absent => None,
        Dated::Broken => Some(Duration::ZERO),
        Dated::At(expires) => {
            let date = date::of(headers, &header::DATE).at().unwrap_or(received);
            Some(expires.duration_since(date).unwrap_or_default())
        }
    }
}

/// Guesses a lifetime, RFC 9111 §4.2.2: a tenth of the time since the last change.
fn heuristic_lifetime(
    status: StatusCode,
    headers: &HeaderMap,
    said: &ResponseDirectives,
    config: &HttpCacheConfig,
    received: SystemTime,
) -> Duration {
    if !may_guess(status, said) {
        return Duration::ZERO;
    }
    let date = date::of(headers, &header::DATE).at().unwrap_or(received);
    match date::of(headers, &header::LAST_MODIFIED) {
        Dated::At(changed) => {
            let unchanged = date.duration_since(changed).unwrap_or_default();
            (unchanged / 10).min(config.heuristic_at_most)
        }
        Dated::Broken => Duration::ZERO,
        Dated::Absent => config.default_fresh_for,
    }
}

/// Tells whether a lifetime may be guessed: by the status, or because the response is `public`.
pub(crate) fn may_guess(status: StatusCode, said: &ResponseDirectives) -> bool {
    said.public || is_heuristically_cacheable(status)
}

/// RFC 9110 §15.1, but for the partial content that is never stored here.
fn is_heuristically_cacheable(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501
    )
}
