//! A tier in structured fields (RFC 9651).

use http::HeaderValue;
use sfv::{Integer, KeyRef, ListSerializer, StringRef};

use super::{line, whole_seconds};
use crate::Tier;

/// What is told of a tier, but for how a client stands in it.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) tier: Tier,
    // The tier's item of `RateLimit`, up to what remains.
    pub(super) item: Box<[u8]>,
    pub(super) burst: HeaderValue,
}

impl Part {
    pub(super) fn new(tier: &Tier) -> Self {
        let item = item(tier, [("r", 0)]);
        let item = item.strip_suffix('0').expect("it ends with the number");
        Self {
            tier: tier.clone(),
            item: item.as_bytes().into(),
            burst: tier.quota().burst().get().into(),
        }
    }

    /// Returns how many bytes its item takes, at most.
    pub(super) fn longest(&self) -> usize {
        self.item.len() + line::LONGEST_REST
    }
}

/// Writes `RateLimit-Policy`: each tier's name, what it holds, and how long that takes to come back.
pub(super) fn policy<'a>(tiers: impl Iterator<Item = &'a Tier>) -> HeaderValue {
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
