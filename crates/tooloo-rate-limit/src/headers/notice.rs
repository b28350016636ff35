//! What answers say about a policy: all that is the same each time is made once.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderValue};
use sfv::{Integer, KeyRef, ListSerializer, StringRef};

use super::{
    LIMIT, NAMES, POLICY, Stamp, Stood, Told, USUAL, X_LIMIT, X_REMAINING, X_RESET, line,
    whole_seconds,
};
use crate::{
    Scope, Standing, Tier,
    standing::{Glance, Stands},
};

/// What answers say about a policy, but for how a client stands.
#[derive(Debug)]
pub(crate) struct Notice {
    tiers: Arc<[Tier]>,
    // In the order of standings: those of each key first.
    parts: Box<[Part]>,
    policy: HeaderValue,
    // All headers, and room for the usual ones.
    blank: HeaderMap,
    longest: usize,
}

#[derive(Debug)]
struct Part {
    tier: Tier,
    // The tier's item of `RateLimit`, up to what remains.
    item: Box<[u8]>,
    burst: HeaderValue,
}

impl Notice {
    pub(crate) fn new(tiers: Arc<[Tier]>) -> Self {
        let of = |scope| tiers.iter().filter(move |tier| tier.scope() == scope);
        let parts: Box<[_]> = of(Scope::Key)
            .chain(of(Scope::All))
            .map(Part::new)
            .collect();
        let policy = policy(parts.iter().map(|part| &part.tier));
        Self {
            blank: blank(&policy),
            longest: parts.iter().map(Part::longest).sum::<usize>() + line::LONGEST_TIME,
            policy,
            parts,
            tiers,
        }
    }

    /// Returns the tiers that it is about.
    pub(crate) fn tiers(&self) -> &Arc<[Tier]> {
        &self.tiers
    }

    /// Tells how a key stands that was let through.
    #[inline]
    pub(crate) fn admitted(self: &Arc<Self>, stands: Stands) -> Stamp {
        match stands {
            Stands::Usual(glance) => Stamp {
                notice: Arc::clone(self),
                stood: Stood::One(glance.into()),
            },
            Stands::Otherwise(standings) => self.stamp(&standings, None),
        }
    }

    /// Tells how a key stands in each tier; `wait` is how long it has to wait where it was refused.
    pub(crate) fn stamp(self: &Arc<Self>, standings: &[Standing], wait: Option<Duration>) -> Stamp {
        let told = standings.iter().map(|standing| {
            // A refused client need not wait until the bucket is full, only until it is let through.
            Told::from(Glance {
                remaining: standing.remaining,
                full_in: wait.unwrap_or(standing.full_in),
            })
        });
        let theirs = standings.iter().map(|standing| &standing.tier);
        let usual = theirs.clone().eq(self.parts.iter().map(|part| &part.tier));
        Stamp {
            stood: Stood::Many(told.collect()),
            notice: if usual {
                Arc::clone(self)
            } else {
                Arc::new(Self::new(theirs.cloned().collect()))
            },
        }
    }

    pub(super) fn blank(&self) -> &HeaderMap {
        &self.blank
    }

    /// Returns the headers' values, in the order of their names.
    pub(super) fn values(&self, stood: &[Told]) -> [HeaderValue; 5] {
        let tightest = stood.iter().enumerate();
        let tightest = tightest.min_by_key(|(_, told)| told.remaining);
        let (tightest, seconds) = tightest.map_or((0, 0), |(at, told)| (at, told.seconds));
        let items = self.parts.iter().map(|part| &*part.item).zip(stood);
        let reset = unix(Duration::from_secs(seconds));
        let [limit, remaining, reset] = line::write(items, tightest, reset, self.longest);
        let burst = self.parts.get(tightest).map(|part| part.burst.clone());
        let burst = burst.unwrap_or_else(|| HeaderValue::from_static("0"));
        [limit, remaining, reset, burst, self.policy.clone()]
    }
}

impl Part {
    fn new(tier: &Tier) -> Self {
        let item = item(tier, [("r", 0)]);
        let item = item.strip_suffix('0').expect("it ends with the number");
        Self {
            tier: tier.clone(),
            item: item.as_bytes().into(),
            burst: tier.quota().burst().get().into(),
        }
    }

    fn longest(&self) -> usize {
        self.item.len() + line::LONGEST_REST
    }
}

/// Makes the map of headers that a stamp brings along.
fn blank(policy: &HeaderValue) -> HeaderMap {
    let none = || HeaderValue::from_static("");
    let mut blank = HeaderMap::with_capacity(NAMES.len() + USUAL.len());
    for name in [LIMIT, X_REMAINING, X_RESET, X_LIMIT] {
        blank.insert(name, none());
    }
    blank.insert(POLICY, policy.clone());
    for name in USUAL {
        blank.insert(name, none());
    }
    blank
}

/// Writes `RateLimit-Policy`: each tier's name, what it holds, and how long that takes to come back.
fn policy<'a>(tiers: impl Iterator<Item = &'a Tier>) -> HeaderValue {
    let items = tiers.map(|tier| {
        let quota = tier.quota();
        let burst = u64::from(quota.burst().get());
        item(tier, [("q", burst), ("w", whole_seconds(quota.window()))])
    });
    let list = items.collect::<Vec<_>>().join(", ");
    HeaderValue::try_from(list).expect("a structured field is ASCII")
}

/// Writes one item of a structured list.
fn item<const N: usize>(tier: &Tier, parameters: [(&'static str, u64); N]) -> String {
    let name = StringRef::from_str(tier.name()).expect("a tier's name is printable ASCII");
    let mut list = ListSerializer::new();
    let mut item = list.bare_item(name);
    for (key, value) in parameters {
        let value = Integer::try_from(value).unwrap_or(Integer::MAX);
        item = item.parameter(KeyRef::constant(key), value);
    }
    // Written into the list by now.
    let _ = item.finish();
    list.finish().expect("there is an item in the list")
}

fn unix(from_now: Duration) -> u64 {
    let now = tooloo_clock::wall().duration_since(SystemTime::UNIX_EPOCH);
    whole_seconds(now.unwrap_or_default() + from_now)
}
