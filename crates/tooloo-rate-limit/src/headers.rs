//! What an answer says about limits.
//!
//! `RateLimit-Policy` and `RateLimit` as structured fields (draft-ietf-httpapi-ratelimit-headers-11),
//! and the older `X-RateLimit-*`.

mod line;
mod notice;

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

/// The place of [`X_RESET`] among them.
const RESET: usize = 2;

/// What an answer has before it is stamped, most often, or gets thereafter: these have room in the
/// map of its headers that the stamp brings along.
static USUAL: [HeaderName; 2] = [CONTENT_TYPE, CONTENT_LENGTH];

/// How a key stands, ready to be written.
#[derive(Debug)]
pub(crate) struct Stamp {
    notice: Arc<Notice>,
    stood: Stood,
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

impl Stamp {
    /// Writes the headers into an answer; those of these names that it has already give way.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        // A map that was made in advance is copied for less than its names are hashed for, and one
        // that is grown step by step has no room for the length that servers add.
        let mut stamped = self.notice.stamped(&self.stood);
        if headers.len() > USUAL.len() || headers.len() != headers.keys_len() {
            return merge(&stamped, headers);
        }
        let mut missing = [true; USUAL.len()];
        for (name, value) in mem::take(headers) {
            let name = name.expect("no name has two values");
            if let Some(at) = USUAL.iter().position(|usual| *usual == name) {
                missing[at] = false;
            } else if NAMES.contains(&name) {
                continue;
            }
            stamped.insert(name, value);
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
        self.notice.refused(&self.stood, retry_after)
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
            seconds: whole_seconds(glance.full_in),
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
