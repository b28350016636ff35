//! What an answer says about limits.
//!
//! `RateLimit-Policy` and `RateLimit` as structured fields (draft-ietf-httpapi-ratelimit-headers-11),
//! and the older `X-RateLimit-*`.

mod line;
mod notice;
mod part;

use std::{mem, slice, sync::Arc, time::Duration};

use http::{
    HeaderMap, HeaderName,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};

pub(crate) use self::notice::Notice;
use crate::standing::Glance;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const X_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const X_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The headers of a [`Stamp`]: what changes from answer to answer first.
static NAMES: [HeaderName; 5] = [LIMIT, X_REMAINING, X_RESET, X_LIMIT, POLICY];

/// The places of [`X_RESET`] and of [`POLICY`] among them.
const RESET: usize = 2;
const POLICY_AT: usize = 4;

/// What an answer has before it is stamped, most often, or gets thereafter: these have room in the
/// map of its headers that the stamp brings along.
static USUAL: [HeaderName; 2] = [CONTENT_TYPE, CONTENT_LENGTH];

/// The headers that tell clients how they stand.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Headers {
    /// Those of the draft and the older ones: clients that know either are served.
    #[default]
    All,
    /// `RateLimit-Policy` and `RateLimit`, by draft-ietf-httpapi-ratelimit-headers-11: for each tier the tokens that
    /// remain (`r`), and the seconds until it is full, or in a refusal until the client is let through (`t`).
    Draft,
    /// `X-RateLimit-Limit` and `X-RateLimit-Remaining`, the tokens of the tightest tier, and `X-RateLimit-Reset`, in
    /// seconds of Unix time.
    Older,
    /// None of them. A refusal says in `Retry-After` when to come back all the same.
    None,
}

/// How a key stands, ready to be written.
#[derive(Debug)]
pub(crate) struct Stamp {
    notice: Arc<Notice>,
    stood: Stood,
    headers: Headers,
}

/// How a key stands in each tier.
#[derive(Debug)]
enum Stood {
    One(Told),
    Many(Box<[Told]>),
}

/// What is told of one tier.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Told {
    remaining: u32,
    seconds: u64,
}

/// Rounds up: who waits that long is not sent away again.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

impl Headers {
    /// Returns the places of these headers among all.
    fn places(self) -> &'static [usize] {
        match self {
            Self::All => &[0, 1, RESET, 3, 4],
            Self::Draft => &[0, 4],
            Self::Older => &[1, RESET, 3],
            Self::None => &[],
        }
    }
}

impl Stamp {
    /// Chooses what is written.
    pub(crate) fn with_headers(self, headers: Headers) -> Self {
        Self { headers, ..self }
    }

    /// Writes the headers into an answer; those of these names that it has already give way.
    #[inline]
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        if self.headers == Headers::All {
            self.write_all(headers);
        } else {
            self.notice.write(&self.stood, self.headers, headers);
        }
    }

    fn write_all(self, headers: &mut HeaderMap) {
        // A map that was made in advance is copied for less than its names are hashed for, and one
        // that is grown step by step has no room for the length that servers add.
        let mut stamped = self.notice.stamped(&self.stood);
        if headers.len() > USUAL.len() || headers.len() != headers.keys_len() {
            return merge(&stamped, headers);
        }
        let (mut missing, mut others) = ([true; USUAL.len()], false);
        for (name, value) in headers.iter_mut() {
            if let Some(at) = USUAL.iter().position(|usual| usual == name) {
                missing[at] = false;
                if let Some(place) = stamped.values_mut().nth(NAMES.len() + at) {
                    mem::swap(place, value);
                }
            } else {
                others |= !NAMES.contains(name);
            }
        }
        if others {
            for (name, value) in mem::take(headers) {
                let name = name.expect("no name has two values");
                if !USUAL.contains(&name) && !NAMES.contains(&name) {
                    stamped.insert(name, value);
                }
            }
        }
        for (name, missing) in USUAL.iter().zip(missing) {
            if missing {
                stamped.remove(name);
            }
        }
        *headers = stamped;
    }

    /// Returns the headers of a refusal, whose body is a problem.
    pub(crate) fn refusal(self, retry_after: Option<u64>) -> HeaderMap {
        let mut refused = self.notice.refused(&self.stood, retry_after);
        for (place, name) in NAMES.iter().enumerate() {
            if !self.headers.places().contains(&place) {
                refused.remove(name);
            }
        }
        refused
    }
}

impl Stood {
    fn as_slice(&self) -> &[Told] {
        match self {
            Self::One(told) => slice::from_ref(told),
            Self::Many(told) => told,
        }
    }
}

impl From<Glance> for Told {
    fn from(glance: Glance) -> Self {
        Self {
            remaining: glance.remaining,
            seconds: glance.full_in.div_ceil(1_000_000_000),
        }
    }
}

/// Inserts the headers one by one, where an answer has many or repeated ones.
fn merge(stamped: &HeaderMap, headers: &mut HeaderMap) {
    // Grown once, and not again halfway; an answer that is full of headers takes what it can.
    let _ = headers.try_reserve(NAMES.len());
    for (name, value) in NAMES.iter().zip(stamped.values()) {
        let _ = headers.try_insert(name.clone(), value.clone());
    }
}
