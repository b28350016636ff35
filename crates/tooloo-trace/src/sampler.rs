//! Decides which traces are sampled, before anything is built.
//!
//! Consistent probability sampling as OpenTelemetry defines it: a trace is sampled where its 56
//! random bits are not below a rejection threshold, so that every service with the same rate picks
//! the same traces.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwap;

use crate::{
    SpanId, TraceId,
    config::ParentTrust,
    context::{Carried, Flags},
    error::InvalidRate,
    id,
    w3c::{
        ot::{self, Probability},
        traceparent::Parent,
    },
};

/// The largest randomness; a threshold one above it rejects everything.
pub(crate) const MAX_RANDOMNESS: u64 = (1 << 56) - 1;

#[derive(Debug)]
pub(crate) struct Sampler {
    // Rejection threshold of traces that begin here, 0 to 2^56.
    threshold: AtomicU64,
    // What a trace that begins here and brings nothing carries where it is sampled.
    told: ArcSwap<Told>,
    trust: ParentTrust,
    // How many traces a second may be sampled, and how many were in the second named above it.
    per_second: u32,
    spent: AtomicU64,
}

/// A rate as it was set, its threshold, and the telling of that in `tracestate`: made once for a rate,
/// not for each trace.
#[derive(Debug)]
struct Told {
    rate: f64,
    threshold: u64,
    carried: Arc<Carried>,
}

/// The ids and flags of a span that is about to begin.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) parent: Option<SpanId>,
    pub(crate) flags: Flags,
}

impl Sampler {
    pub(crate) fn new(rate: f64, trust: ParentTrust, per_second: u32) -> Result<Self, InvalidRate> {
        let threshold = threshold(rate)?;
        Ok(Self {
            threshold: AtomicU64::new(threshold),
            told: ArcSwap::from_pointee(Told::new(rate, threshold)),
            trust,
            per_second,
            spent: AtomicU64::new(0),
        })
    }

    pub(crate) fn set_rate(&self, rate: f64) -> Result<(), InvalidRate> {
        let threshold = threshold(rate)?;
        self.threshold.store(threshold, Ordering::Relaxed);
        self.told.store(Arc::new(Told::new(rate, threshold)));
        Ok(())
    }

    /// Returns the rate as it was set.
    pub(crate) fn rate(&self) -> f64 {
        self.told.load().rate
    }

    /// Decides for a span under `parent`, or for the first of a trace.
    ///
    /// `second` counts seconds from any start, and is asked only where there is a cap. `carried` is what
    /// came along with the parent; it learns the probability that the decision was made with.
    #[inline]
    pub(crate) fn decide(
        &self,
        parent: Option<Parent>,
        carried: &mut Option<Arc<Carried>>,
        second: impl FnOnce() -> u32,
    ) -> Decision {
        match parent {
            None => self.begin(carried, second),
            Some(parent) => self.join(parent, carried, second),
        }
    }

    #[inline]
    fn begin(&self, carried: &mut Option<Arc<Carried>>, second: impl FnOnce() -> u32) -> Decision {
        let (trace_id, span_id) = id::random_pair();
        let threshold = self.threshold.load(Ordering::Relaxed);
        let sampled = trace_id.randomness() >= threshold && self.afford(second);
        if sampled {
            match carried {
                None => *carried = Some(self.told(threshold)),
                Some(carried) => tell(Arc::make_mut(carried), threshold),
            }
        }
        Decision {
            trace_id,
            span_id,
            parent: None,
            flags: Flags::RANDOM.with_sampled(sampled),
        }
    }

    fn join(
        &self,
        parent: Parent,
        carried: &mut Option<Arc<Carried>>,
        second: impl FnOnce() -> u32,
    ) -> Decision {
        let told = carried
            .as_ref()
            .map(|carried| ot::read(&carried.state))
            .unwrap_or_default();
        let (sampled, probability) = match self.trust {
            ParentTrust::Follow => self.follow(parent, told, second),
            ParentTrust::Decide => self.decide_anew(parent, told, second),
        };
        if probability != told {
            let carried = Arc::make_mut(carried.get_or_insert_default());
            ot::write(&mut carried.state, probability);
        }
        Decision {
            trace_id: parent.trace_id,
            span_id: SpanId::random(),
            parent: Some(parent.span_id),
            flags: parent.flags.with_sampled(sampled),
        }
    }

    fn follow(
        &self,
        parent: Parent,
        told: Probability,
        second: impl FnOnce() -> u32,
    ) -> (bool, Probability) {
        let sampled = parent.flags.sampled() && self.afford(second);
        // A threshold that contradicts the flag, or goes with no sampled span, would mislead those after us.
        let randomness = told.randomness.unwrap_or(parent.trace_id.randomness());
        let threshold = told
            .threshold
            .filter(|threshold| sampled && randomness >= *threshold);
        (sampled, Probability { threshold, ..told })
    }

    fn decide_anew(
        &self,
        parent: Parent,
        mut told: Probability,
        second: impl FnOnce() -> u32,
    ) -> (bool, Probability) {
        let randomness = match told.randomness {
            Some(randomness) => randomness,
            None if parent.flags.random() => parent.trace_id.randomness(),
            // The id promises no randomness: bring some, for those after us to agree with.
            None => *told.randomness.insert(fastrand::u64(..=MAX_RANDOMNESS)),
        };
        let threshold = self.threshold.load(Ordering::Relaxed);
        let sampled = randomness >= threshold && self.afford(second);
        (
            sampled,
            Probability {
                threshold: sampled.then_some(threshold),
                ..told
            },
        )
    }

    fn told(&self, threshold: u64) -> Arc<Carried> {
        let told = self.told.load();
        if told.threshold == threshold {
            Arc::clone(&told.carried)
        } else {
            // The rate is being changed.
            telling(threshold)
        }
    }

    /// Counts one more sampled trace in `second`, unless there were enough.
    fn afford(&self, second: impl FnOnce() -> u32) -> bool {
        if self.per_second == u32::MAX {
            return true;
        }
        let now = u64::from(second()) << 32;
        self.spent
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |spent| {
                // A second that is already over, seen by a thread that was held up, counts as the present one.
                let spent = spent.max(now);
                let count = spent & u64::from(u32::MAX);
                (count < u64::from(self.per_second)).then_some(spent + 1)
            })
            .is_ok()
    }
}

impl Told {
    fn new(rate: f64, threshold: u64) -> Self {
        Self {
            rate,
            threshold,
            carried: telling(threshold),
        }
    }
}

fn tell(carried: &mut Carried, threshold: u64) {
    let probability = Probability {
        threshold: Some(threshold),
        randomness: None,
    };
    ot::write(&mut carried.state, probability);
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the product lies between 0 and 2^56, and rounding moves the rate by less than 2^-52"
)]
fn threshold(rate: f64) -> Result<u64, InvalidRate> {
    if (0.0..=1.0).contains(&rate) {
        Ok(((1.0 - rate) * (MAX_RANDOMNESS + 1) as f64) as u64)
    } else {
        Err(InvalidRate::new(rate))
    }
}

/// Returns what a sampled trace carries that brought nothing.
fn telling(threshold: u64) -> Arc<Carried> {
    let mut carried = Carried::default();
    tell(&mut carried, threshold);
    Arc::new(carried)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::w3c::tracestate::Tracestate;

    fn sampler(rate: f64, trust: ParentTrust) -> Sampler {
        Sampler::new(rate, trust, u32::MAX).unwrap()
    }

    fn parent(trace: u128, flags: u8) -> Parent {
        Parent {
            trace_id: TraceId::from_bytes(trace.to_be_bytes()).unwrap(),
            span_id: SpanId::from_bytes([7; 8]).unwrap(),
            flags: Flags::known(flags),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the sampler takes an option")]
    fn carried(state: &str) -> Option<Arc<Carried>> {
        let state = Tracestate::parse(std::iter::once(state.as_bytes())).unwrap();
        Some(Arc::new(Carried {
            state,
            ..Carried::default()
        }))
    }

    #[test]
    fn samples_the_share_it_is_told_to() {
        fastrand::seed(7);
        for rate in [0.0, 0.1, 0.15, 0.5, 1.0] {
            let sampler = sampler(rate, ParentTrust::Follow);
            let kept = (0..20_000)
                .filter(|_| sampler.decide(None, &mut None, || 0).flags.sampled())
                .count();
            #[expect(clippy::cast_precision_loss, reason = "a small count")]
            let share = kept as f64 / 20_000.0;
            assert!((share - rate).abs() < 0.01, "{share} of {rate}");
            assert_eq!(
                sampler.rate().to_bits(),
                rate.to_bits(),
                "told as it was set"
            );
        }
    }

    #[test]
    fn tells_the_threshold_of_the_present_rate() {
        let sampler = sampler(1.0, ParentTrust::Follow);
        let told = || {
            let mut state = None;
            sampler.decide(None, &mut state, || 0);
            state.map(|carried| carried.state.to_header().unwrap())
        };
        assert_eq!(told().unwrap(), "ot=th:0");
        sampler.set_rate(0.0).unwrap();
        assert_eq!(told(), None);
        sampler.set_rate(1.0 - 0.5_f64.powi(30)).unwrap();
        assert_eq!(told().unwrap(), "ot=th:00000004");
    }

    #[test]
    fn refuses_rates_that_are_no_fraction() {
        for rate in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Sampler::new(rate, ParentTrust::Follow, 1).is_err());
        }
    }

    #[test]
    fn follows_the_flag_of_a_parent_and_keeps_a_true_threshold() {
        let sampler = sampler(0.0, ParentTrust::Follow);
        let mut state = carried("ot=th:8,x=1");
        let joined = sampler.decide(Some(parent(0xff_ffff_ffff_ffff, 3)), &mut state, || 0);
        assert!(joined.flags.sampled());
        assert_eq!(state.unwrap().state.to_header().unwrap(), "ot=th:8,x=1");
    }

    #[test]
    fn drops_a_threshold_that_contradicts_the_flag() {
        let sampler = sampler(1.0, ParentTrust::Follow);
        let mut state = carried("x=1,ot=th:8");
        sampler.decide(Some(parent(1, 3)), &mut state, || 0);
        assert_eq!(state.unwrap().state.to_header().unwrap(), "x=1");
    }

    #[test]
    fn a_public_edge_decides_itself_and_brings_randomness_where_there_is_none() {
        let sampler = sampler(1.0, ParentTrust::Decide);
        let mut state = None;
        assert!(
            sampler
                .decide(Some(parent(1, 0)), &mut state, || 0)
                .flags
                .sampled()
        );
        let told = ot::read(&state.unwrap().state);
        assert_eq!(told.threshold, Some(0));
        assert!(told.randomness.is_some());
    }

    #[test]
    fn caps_the_sampled_traces_of_a_second() {
        let sampler = Sampler::new(1.0, ParentTrust::Follow, 3).unwrap();
        let kept = |second| {
            (0..10)
                .filter(|_| sampler.decide(None, &mut None, || second).flags.sampled())
                .count()
        };
        assert_eq!((kept(5), kept(6), kept(5)), (3, 3, 0));
    }

    proptest! {
        #[test]
        fn services_with_the_same_rate_agree(trace in 1_u128.., rate in 0.0..=1.0_f64) {
            let decide = || sampler(rate, ParentTrust::Decide).decide(Some(parent(trace, 2)), &mut None, || 0).flags.sampled();
            prop_assert_eq!(decide(), decide());
        }

        #[test]
        fn a_higher_rate_keeps_what_a_lower_one_keeps(trace in 1_u128.., low in 0.0..=1.0_f64, more in 0.0..=1.0_f64) {
            let decide = |rate: f64| sampler(rate, ParentTrust::Decide).decide(Some(parent(trace, 2)), &mut None, || 0).flags.sampled();
            prop_assert!(!decide(low) || decide((low + more).min(1.0)));
        }
    }
}
