//! What the cache did, as `Cache-Status` says it, RFC 9211.

use std::{fmt::Write, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{
    config::{CacheStatus, HttpCacheConfig},
    storable::Refusal,
};

pub(crate) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Why a request went on to the origin, §2.2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Forwarded {
    Bypass,
    Method,
    UriMiss,
    VaryMiss,
    Request,
    Stale,
}

/// How a request was handled.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Handled {
    /// Answered from the store, without the origin.
    pub(crate) hit: bool,
    pub(crate) forwarded: Option<Forwarded>,
    pub(crate) forwarded_status: Option<StatusCode>,
    pub(crate) stored: bool,
    pub(crate) collapsed: bool,
    /// What is left of the freshness lifetime and how old the response is.
    pub(crate) time: Option<(Duration, Duration)>,
    pub(crate) detail: Option<&'static str>,
}

impl Handled {
    pub(crate) fn hit(lifetime: Duration, age: Duration) -> Self {
        Self {
            hit: true,
            time: Some((lifetime, age)),
            ..Self::default()
        }
    }

    pub(crate) fn forwarded(forwarded: Forwarded) -> Self {
        Self {
            forwarded: Some(forwarded),
            ..Self::default()
        }
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.forwarded_status = Some(status);
        self
    }

    pub(crate) fn refused(mut self, refusal: Refusal) -> Self {
        self.detail = Some(refusal.detail());
        self
    }

    /// Appends the cache's member to the list of those behind it.
    pub(crate) fn write(
        &self,
        headers: &mut HeaderMap,
        key: Option<&str>,
        config: &HttpCacheConfig,
    ) {
        if config.cache_status == CacheStatus::Off {
            return;
        }
        let key = key.filter(|_| config.cache_status == CacheStatus::WithKey);
        let mut text = String::with_capacity(48);
        self.format(&mut text, key, config);
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.append(CACHE_STATUS, value);
        }
    }

    fn format(&self, text: &mut String, key: Option<&str>, config: &HttpCacheConfig) {
        text.push_str(&config.name);
        if self.hit {
            text.push_str("; hit");
        }
        if let Some(forwarded) = self.forwarded {
            text.push_str("; fwd=");
            text.push_str(forwarded.token());
        }
        if let Some(status) = self.forwarded_status {
            text.push_str("; fwd-status=");
            text.push_str(status.as_str());
        }
        if let Some((lifetime, age)) = self.time {
            let left = i128::from(lifetime.as_secs()) - i128::from(age.as_secs());
            write!(text, "; ttl={left}").expect("text grows");
        }
        if self.stored {
            text.push_str("; stored");
        }
        if self.collapsed {
            text.push_str("; collapsed");
        }
        if let Some(key) = key {
            text.push_str("; key=\"");
            for letter in key.chars().filter(|letter| (' '..='~').contains(letter)) {
                if matches!(letter, '"' | '\\') {
                    text.push('\\');
                }
                text.push(letter);
            }
            text.push('"');
        }
        if let Some(detail) = self.detail {
            text.push_str("; detail=");
            text.push_str(detail);
        }
    }
}

impl Forwarded {
    fn token(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Request => "request",
            Self::Stale => "stale",
        }
    }
}
