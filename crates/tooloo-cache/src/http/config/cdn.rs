//! What a CDN in front is told.

use std::{fmt::Write, time::Duration};

use http::HeaderValue;
use serde::Deserialize;

use crate::config::duration;

/// How long a CDN in front keeps answers that this cache may keep for longer, or shorter.
///
/// It is sent as `CDN-Cache-Control`, RFC 9213, with answers that this cache stores and that do not have
/// that field themselves.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CdnHeaders {
    #[serde(with = "duration::maybe_zero")]
    max_age: Duration,
    #[serde(with = "duration::maybe_zero")]
    stale_while_revalidate: Duration,
    #[serde(with = "duration::maybe_zero")]
    stale_if_error: Duration,
}

impl CdnHeaders {
    /// Lets a CDN take an answer for fresh for so long from when it comes.
    pub fn new(max_age: Duration) -> Self {
        Self {
            max_age,
            ..Self::default()
        }
    }

    /// Lets it serve an answer stale for so long while it refreshes it; not by default.
    #[must_use]
    pub fn with_stale_while_revalidate(mut self, window: Duration) -> Self {
        self.stale_while_revalidate = window;
        self
    }

    /// Lets it serve an answer stale for so long where this service fails; not by default.
    #[must_use]
    pub fn with_stale_if_error(mut self, window: Duration) -> Self {
        self.stale_if_error = window;
        self
    }

    /// Writes the field for an answer of this age, which the CDN counts against the lifetime.
    pub(crate) fn field(&self, age: Duration) -> HeaderValue {
        let max_age = self.max_age.as_secs().saturating_add(age.as_secs());
        let mut field = format!("max-age={max_age}");
        for (name, window) in [
            ("stale-while-revalidate", self.stale_while_revalidate),
            ("stale-if-error", self.stale_if_error),
        ] {
            if !window.is_zero() {
                write!(field, ", {name}={}", window.as_secs()).expect("text grows");
            }
        }
        HeaderValue::try_from(field).expect("digits and names make a field")
    }
}
