//! What answers say about a policy: all that is the same each time is made once.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER},
};

use super::{
    Headers, NAMES, POLICY_AT, RESET, Stamp, Stood, Told, USUAL, line,
    part::{Part, policy},
    whole_seconds,
};
use crate::{Quota, Scope, Standing, Tier, problem::PROBLEM, standing::Stands};

/// What answers say about a policy, but for how a client stands.
#[derive(Debug)]
pub(crate) struct Notice {
    tiers: Arc<[Tier]>,
    // In the order of standings: those of each key first.
    parts: Box<[Part]>,
    // How most stand who are let through: their bucket was full.
    first: Told,
    // What is told of them, but for when.
    usual: [HeaderValue; 5],
    // The same with names, and with room for the usual headers.
    made: HeaderMap,
    // What is told of those who are refused, but for how they stand.
    refusing: HeaderMap,
    // Bytes of all that differs from answer to answer, at most.
    longest: usize,
}

impl Notice {
    pub(crate) fn new(tiers: Arc<[Tier]>) -> Self {
        let of = |scope| tiers.iter().filter(move |tier| tier.scope() == scope);
        let parts: Box<[_]> = of(Scope::Key)
            .chain(of(Scope::All))
            .map(Part::new)
            .collect();
        let mut notice = Self {
            first: Told::first(tiers[0].quota()),
            usual: [const { HeaderValue::from_static("") }; 5],
            made: HeaderMap::new(),
            refusing: HeaderMap::new(),
            longest: parts.iter().map(Part::longest).sum::<usize>() + line::LONGEST_TIME,
            parts,
            tiers,
        };
        let empty = HeaderValue::from_static("");
        notice.usual = notice.all();
        notice.made = notice.make(USUAL.clone().map(|name| (name, empty.clone())));
        notice.refusing = notice.make([
            (CONTENT_TYPE, PROBLEM),
            (RETRY_AFTER, empty.clone()),
            (CONTENT_LENGTH, empty),
        ]);
        notice
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
                headers: Headers::All,
            },
            Stands::Otherwise(standings) => self.stamp(&standings, None),
        }
    }

    /// Tells how a key stands in each tier; `wait` is how long it has to wait where it was refused.
    pub(crate) fn stamp(self: &Arc<Self>, standings: &[Standing], wait: Option<Duration>) -> Stamp {
        let told = standings.iter().map(|standing| {
            // A refused client need not wait until the bucket is full, only until it is let through.
            Told {
                remaining: standing.remaining,
                seconds: whole_seconds(wait.unwrap_or(standing.full_in)),
            }
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
            headers: Headers::All,
        }
    }

    /// Returns a map of all headers, and of the usual ones, which are empty.
    #[inline]
    pub(super) fn stamped(&self, stood: &Stood) -> HeaderMap {
        let mut stamped = self.made.clone();
        let mut places = stamped.values_mut();
        match stood {
            Stood::One(told) if *told == self.first => {
                if let Some(reset) = places.nth(RESET) {
                    *reset = line::time(unix(told.seconds));
                }
            }
            _ => {
                for (place, value) in places.zip(self.values(stood.as_slice())) {
                    *place = value;
                }
            }
        }
        stamped
    }

    /// Inserts some headers one by one: few enough for the room that an answer's map has left.
    #[inline]
    pub(super) fn write(&self, stood: &Stood, which: Headers, headers: &mut HeaderMap) {
        match stood {
            Stood::One(told) if *told == self.first => {
                let reset = || line::time(unix(told.seconds));
                insert(headers, which, &self.usual, reset);
            }
            _ => {
                let [limit, remaining, reset, burst] = self.values(stood.as_slice());
                let policy = self.usual[POLICY_AT].clone();
                let values = [limit, remaining, reset, burst, policy];
                insert(headers, which, &values, || values[RESET].clone());
            }
        }
    }

    /// Returns all headers of a refusal, with room for the length that servers add.
    pub(super) fn refused(&self, stood: &Stood, retry_after: Option<u64>) -> HeaderMap {
        let mut refused = self.refusing.clone();
        for (place, value) in refused.values_mut().zip(self.values(stood.as_slice())) {
            *place = value;
        }
        // The last one first: it leaves the others where they are.
        refused.remove(CONTENT_LENGTH);
        match retry_after {
            Some(seconds) => drop(refused.insert(RETRY_AFTER, seconds.into())),
            None => drop(refused.remove(RETRY_AFTER)),
        }
        refused
    }

    /// Returns the values of all headers but the policy's, in the order of their names.
    fn values(&self, stood: &[Told]) -> [HeaderValue; 4] {
        let tightest = stood.iter().enumerate();
        let tightest = tightest.min_by_key(|(_, told)| told.remaining);
        let (tightest, seconds) = tightest.map_or((0, 0), |(at, told)| (at, told.seconds));
        let items = self.parts.iter().map(|part| &*part.item).zip(stood);
        let [limit, remaining, reset] = line::write(items, tightest, unix(seconds), self.longest);
        let burst = self.parts.get(tightest).map(|part| part.burst.clone());
        let burst = burst.unwrap_or_else(|| HeaderValue::from_static("0"));
        [limit, remaining, reset, burst]
    }

    fn all(&self) -> [HeaderValue; 5] {
        let [limit, remaining, reset, burst] = self.values(&[self.first]);
        let policy = policy(self.parts.iter().map(|part| &part.tier));
        [limit, remaining, reset, burst, policy]
    }

    fn make<const N: usize>(&self, others: [(HeaderName, HeaderValue); N]) -> HeaderMap {
        let values = self.usual.iter().cloned();
        let headers = NAMES.iter().cloned().zip(values).chain(others);
        headers.collect()
    }
}

impl Told {
    /// Tells how a key stands that has spent the first token of a bucket.
    fn first(quota: Quota) -> Self {
        let token = quota.with_burst(std::num::NonZeroU32::MIN).window();
        Self {
            remaining: quota.burst().get() - 1,
            seconds: whole_seconds(token),
        }
    }
}

/// Inserts which of these values are asked for, but when the bucket is full, which `reset` tells.
#[inline]
fn insert(
    headers: &mut HeaderMap,
    which: Headers,
    values: &[HeaderValue; 5],
    reset: impl Fn() -> HeaderValue,
) {
    for &place in which.places() {
        let value = if place == RESET {
            reset()
        } else {
            values[place].clone()
        };
        // An answer that is full of headers takes what it can.
        let _ = headers.try_insert(NAMES[place].clone(), value);
    }
}

/// Returns the time that is so many seconds away, rounded up.
fn unix(seconds: u64) -> u64 {
    let now = tooloo_clock::wall().duration_since(SystemTime::UNIX_EPOCH);
    whole_seconds(now.unwrap_or_default()) + seconds
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use http::header::SET_COOKIE;
    use proptest::prelude::*;
    use sfv::{FieldType as _, Integer, KeyRef};

    use super::*;
    use crate::standing::Glance;

    fn tier(name: &str, burst: u32) -> Tier {
        let burst = NonZeroU32::new(burst).unwrap();
        Tier::new(name, Quota::per_minute(burst)).unwrap()
    }

    fn tiers() -> impl Strategy<Value = Vec<(Tier, u32, u64)>> {
        let name = "[ -~]{1,64}";
        let stands = (name, 1..u32::MAX, any::<u32>(), any::<u64>());
        let stands = stands
            .prop_map(|(name, burst, remaining, nanos)| (tier(&name, burst), remaining, nanos));
        prop::collection::vec(stands, 1..=8)
    }

    /// Writes `RateLimit` as the crate for structured fields does from the beginning.
    fn limit(standings: &[Standing]) -> String {
        let items = standings.iter().map(|standing| {
            let name = sfv::String::from_string(standing.tier.name().to_owned()).unwrap();
            let mut item = sfv::Item::new(name);
            for (key, value) in [
                ("r", standing.remaining.into()),
                ("t", whole_seconds(standing.full_in)),
            ] {
                let value = Integer::try_from(value).unwrap();
                item.params
                    .insert(KeyRef::constant(key).to_owned(), value.into());
            }
            sfv::ListEntry::Item(item)
        });
        items.collect::<sfv::List>().serialize().unwrap()
    }

    fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
        headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    proptest! {
        #[test]
        fn what_is_told_is_what_a_structured_field_says(stands in tiers()) {
            let standings = stands.iter().map(|(tier, remaining, nanos)| {
                Standing::new(tier, (*remaining).into(), Duration::from_nanos(*nanos))
            });
            let standings: Vec<_> = standings.collect();
            let tiers = stands.iter().map(|(tier, ..)| tier.clone());
            let mut headers = HeaderMap::new();
            Arc::new(Notice::new(tiers.collect())).stamp(&standings, None).write(&mut headers);
            prop_assert_eq!(text(&headers, "ratelimit"), limit(&standings));
            let tightest = standings.iter().min_by_key(|standing| standing.remaining).unwrap();
            let burst = tightest.tier.quota().burst().to_string();
            prop_assert_eq!(text(&headers, "x-ratelimit-limit"), burst);
            let remaining = tightest.remaining.to_string();
            prop_assert_eq!(text(&headers, "x-ratelimit-remaining"), remaining);
            let reset: u64 = text(&headers, "x-ratelimit-reset").parse().unwrap();
            let least = unix(whole_seconds(tightest.full_in));
            prop_assert!((least - 5..=least).contains(&reset), "{reset} {least}");
            prop_assert_eq!(headers.len(), NAMES.len());
        }
    }

    #[test]
    fn a_first_token_is_told_as_any_other_is() {
        let notice = Arc::new(Notice::new([tier("default", 3)].into()));
        let told = |remaining| {
            let full_in = 20_000_000_000;
            let mut headers = HeaderMap::new();
            let glance = Glance { remaining, full_in };
            notice.admitted(Stands::Usual(glance)).write(&mut headers);
            headers
        };
        assert_eq!(text(&told(2), "ratelimit"), r#""default";r=2;t=20"#);
        assert_eq!(text(&told(1), "ratelimit"), r#""default";r=1;t=20"#);
        for name in &NAMES {
            assert_eq!(told(2).contains_key(name), told(1).contains_key(name));
        }
        assert_eq!(text(&told(2), "x-ratelimit-remaining"), "2");
        let reset: u64 = text(&told(2), "x-ratelimit-reset").parse().unwrap();
        assert!((unix(20) - 5..=unix(20)).contains(&reset));
    }

    #[test]
    fn a_refusal_tells_what_an_answer_does_and_when_to_come_back() {
        let notice = Arc::new(Notice::new([tier("default", 3)].into()));
        let stamp = || Stamp {
            notice: Arc::clone(&notice),
            stood: Stood::One(Told {
                remaining: 0,
                seconds: 40,
            }),
            headers: Headers::All,
        };
        for retry_after in [Some(7), None] {
            let mut refused = stamp().refusal(retry_after);
            let mut answered = HeaderMap::new();
            stamp().write(&mut answered);
            answered.insert(CONTENT_TYPE, PROBLEM);
            if let Some(seconds) = retry_after {
                answered.insert(RETRY_AFTER, seconds.into());
            }
            for map in [&mut refused, &mut answered] {
                assert!(map.remove(&NAMES[RESET]).is_some());
            }
            assert_eq!(refused, answered);
        }
    }

    #[test]
    fn only_the_headers_that_are_asked_for_are_told() {
        let notice = Arc::new(Notice::new([tier("default", 3)].into()));
        let draft: &[&str] = &["ratelimit", "ratelimit-policy"];
        let older: &[&str] = &[
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
        ];
        for (headers, names) in [
            (Headers::All, &[draft, older].concat()[..]),
            (Headers::Draft, draft),
            (Headers::Older, older),
            (Headers::None, &[]),
        ] {
            // As it is told of a bucket that was full, and of any other.
            for remaining in [2, 0] {
                let full_in = 20_000_000_000;
                let glance = Glance { remaining, full_in };
                let stamp = || notice.admitted(Stands::Usual(glance));
                let mut all = HeaderMap::new();
                stamp().write(&mut all);
                let mut answered = HeaderMap::new();
                stamp().with_headers(headers).write(&mut answered);
                let refused = stamp().with_headers(headers).refusal(Some(7));
                assert_eq!(answered.len(), names.len());
                assert_eq!(refused.len(), names.len() + 2);
                for &name in names {
                    assert!(answered.contains_key(name) && refused.contains_key(name));
                    if name != "x-ratelimit-reset" {
                        assert_eq!(answered[name], all[name]);
                        assert_eq!(refused[name], all[name]);
                    }
                }
            }
        }
    }

    #[test]
    fn an_answer_keeps_its_other_headers() {
        let notice = Arc::new(Notice::new([tier("default", 3)].into()));
        let before = [
            vec![],
            vec![(CONTENT_TYPE, "a")],
            vec![(CONTENT_LENGTH, "1")],
            vec![(CONTENT_LENGTH, "1"), (CONTENT_TYPE, "a")],
            vec![(SET_COOKIE, "a"), (CONTENT_TYPE, "a")],
            vec![(SET_COOKIE, "a"), (SET_COOKIE, "b")],
            vec![
                (SET_COOKIE, "a"),
                (CONTENT_TYPE, "a"),
                (CONTENT_LENGTH, "1"),
            ],
            vec![(NAMES[0].clone(), "of another limit"), (CONTENT_TYPE, "a")],
        ];
        for before in before {
            let mut headers = HeaderMap::new();
            for (name, value) in &before {
                headers.append(name, HeaderValue::from_static(value));
            }
            let mut stepwise = headers.clone();
            let stamp = || Stamp {
                notice: Arc::clone(&notice),
                stood: Stood::One(Told {
                    remaining: 1,
                    seconds: 40,
                }),
                headers: Headers::All,
            };
            stamp().write(&mut headers);
            super::super::merge(&stamp().notice.stamped(&stamp().stood), &mut stepwise);
            for map in [&mut headers, &mut stepwise] {
                map.remove(&NAMES[RESET]);
            }
            assert_eq!(headers, stepwise, "{before:?}");
        }
    }
}
