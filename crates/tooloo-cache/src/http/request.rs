//! What a request asks of caches, RFC 9111 §5.2.1.

use std::time::Duration;

use http::{HeaderMap, header};

use super::{
    directive::{Directive, Seconds},
    list,
};

/// The directives of a request, each read in the way that asks more of the cache.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct RequestDirectives {
    pub(crate) no_cache: bool,
    pub(crate) no_store: bool,
    pub(crate) only_if_cached: bool,
    pub(crate) max_age: Option<Duration>,
    pub(crate) min_fresh: Option<Duration>,
    /// How stale an answer may be; the longest time where no bound was told.
    pub(crate) max_stale: Option<Duration>,
    /// RFC 5861 §4.
    pub(crate) stale_if_error: Option<Duration>,
}

impl RequestDirectives {
    /// Reads `Cache-Control`, and `Pragma` where there is none.
    #[inline]
    pub(crate) fn parse(headers: &HeaderMap) -> Self {
        if headers.contains_key(header::CACHE_CONTROL) {
            Self::of_cache_control(headers)
        } else if headers.contains_key(header::PRAGMA) {
            let mut pragma = list::members(headers, &header::PRAGMA);
            Self {
                no_cache: pragma.any(|member| member.eq_ignore_ascii_case(b"no-cache")),
                ..Self::default()
            }
        } else {
            Self::default()
        }
    }

    fn of_cache_control(headers: &HeaderMap) -> Self {
        let mut read = Self::default();
        for member in list::members(headers, &header::CACHE_CONTROL) {
            let Some(directive) = Directive::parse(member) else {
                // Nobody knows what it wanted: an answer from the origin is never wrong.
                read.no_cache = true;
                continue;
            };
            let seconds = directive.seconds();
            if directive.is("no-cache") {
                read.no_cache = true;
            } else if directive.is("no-store") {
                read.no_store = true;
            } else if directive.is("only-if-cached") {
                read.only_if_cached = true;
            } else if directive.is("max-age") {
                read.max_age = least(read.max_age, seconds.or_zero());
            } else if directive.is("min-fresh") {
                let asked = seconds.given().unwrap_or(Duration::MAX);
                read.min_fresh = Some(read.min_fresh.map_or(asked, |other| other.max(asked)));
            } else if directive.is("max-stale") {
                let allowed = match seconds {
                    _ if !directive.has_value() => Duration::MAX,
                    Seconds::Given(time) => time,
                    Seconds::Absent | Seconds::Broken => Duration::ZERO,
                };
                read.max_stale = least(read.max_stale, Some(allowed));
            } else if directive.is("stale-if-error") {
                read.stale_if_error = least(read.stale_if_error, seconds.or_zero());
            }
        }
        read
    }
}

fn least(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
