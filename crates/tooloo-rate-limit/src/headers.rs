//! What an answer says about limits.
//!
//! `RateLimit-Policy` and `RateLimit` as structured fields (draft-ietf-httpapi-ratelimit-headers-11),
//! and the older `X-RateLimit-*`.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{Integer, KeyRef, ListSerializer, StringRef};

use crate::{Standing, Tier};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const X_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The headers of a [`Stamp`], in its order.
const NAMES: [HeaderName; 5] = [POLICY, LIMIT, X_LIMIT, X_REMAINING, X_RESET];

/// How a key stands, ready to be written.
#[derive(Debug)]
pub(crate) struct Stamp([HeaderValue; 5]);

/// Rounds up: who waits that long is not sent away again.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// Writes `RateLimit-Policy`: each tier's name, what it holds, and how long that takes to come back.
pub(crate) fn policy<'a>(tiers: impl Iterator<Item = &'a Tier>) -> HeaderValue {
    list(tiers.map(|tier| {
        let quota = tier.quota();
        let burst = u64::from(quota.burst().get());
        (tier, ("q", burst), ("w", whole_seconds(quota.window())))
    }))
}

impl Stamp {
    /// Tells how a key stands in each tier; `policy` is the usual policy's header, and `wait` how long
    /// it has to wait where it was refused.
    pub(crate) fn new(
        policy: &HeaderValue,
        standings: &[Standing],
        wait: Option<Duration>,
        is_usual: bool,
    ) -> Self {
        // A refused client need not wait until the bucket is full, only until it is let through.
        let window = |standing: &Standing| whole_seconds(wait.unwrap_or(standing.full_in));
        let limit = list(standings.iter().map(|standing| {
            let remaining = u64::from(standing.remaining);
            (&standing.tier, ("r", remaining), ("t", window(standing)))
        }));
        let policy = if is_usual {
            policy.clone()
        } else {
            self::policy(standings.iter().map(|standing| &standing.tier))
        };
        let tightest = standings.iter().min_by_key(|standing| standing.remaining);
        let (burst, remaining, reset) = tightest.map_or((0, 0, 0), |standing| {
            let burst = standing.tier.quota().burst().get();
            (burst, standing.remaining, window(standing))
        });
        Self([
            policy,
            limit,
            burst.into(),
            remaining.into(),
            unix(Duration::from_secs(reset)).into(),
        ])
    }

    /// Writes the headers into an answer.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        // Grown once, and not again halfway; an answer that is full of headers takes what it can.
        let _ = headers.try_reserve(NAMES.len());
        for (name, value) in NAMES.into_iter().zip(self.0) {
            let _ = headers.try_insert(name, value);
        }
    }
}

type Parameter = (&'static str, u64);

fn list<'a>(items: impl Iterator<Item = (&'a Tier, Parameter, Parameter)>) -> HeaderValue {
    let mut list = ListSerializer::new();
    for (tier, first, second) in items {
        let name = StringRef::from_str(tier.name()).expect("a tier's name is printable ASCII");
        let mut item = list.bare_item(name);
        for (key, value) in [first, second] {
            let value = Integer::try_from(value).unwrap_or(Integer::MAX);
            item = item.parameter(KeyRef::constant(key), value);
        }
        // Written into the list by now.
        let _ = item.finish();
    }
    let text = list.finish().unwrap_or_default();
    HeaderValue::try_from(text).expect("a structured field is ASCII")
}

fn unix(from_now: Duration) -> u64 {
    let now = tooloo_clock::wall().duration_since(SystemTime::UNIX_EPOCH);
    whole_seconds(now.unwrap_or_default() + from_now)
}
