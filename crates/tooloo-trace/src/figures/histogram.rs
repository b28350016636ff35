//! A histogram whose buckets grow by 1.1 %, written without locks.
//!
//! The buckets are those of a Prometheus native histogram of schema 6: bucket `i` holds the values
//! above `2^((i-1)/64)` seconds and up to `2^(i/64)`. A value told from its bucket's middle is off by
//! less than 0.55 %.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tooloo_hub::Sharded;

/// The native histogram schema: `2^SCHEMA` buckets to a doubling.
pub(crate) const SCHEMA: u8 = 6;
const PER_OCTAVE: usize = 1 << SCHEMA;
/// Octaves from a nanosecond (2^-30 s) to two days (2^17 s); what lies outside counts at the edge.
const OCTAVES: usize = 48;
const FIRST_OCTAVE: i32 = -30;

/// Counts durations; threads write to shards of their own.
#[derive(Debug)]
pub(crate) struct Histogram {
    shards: Sharded<Shard>,
}

#[derive(Debug)]
struct Shard {
    nanoseconds: AtomicU64,
    // Made when first written to: most routes need a handful.
    octaves: [OnceLock<Box<[AtomicU64; PER_OCTAVE]>>; OCTAVES],
}

/// What a histogram held at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Distribution {
    /// Bucket index and count, in order, without empty ones.
    pub(crate) buckets: Vec<(i32, u64)>,
    pub(crate) count: u64,
    pub(crate) sum: Duration,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self {
            shards: Sharded::default(),
        }
    }

    #[inline]
    pub(crate) fn record(&self, duration: Duration) {
        let shard = self.shards.own();
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let place = place(nanoseconds);
        let octave = shard.octaves[place / PER_OCTAVE]
            .get_or_init(|| Box::new([const { AtomicU64::new(0) }; PER_OCTAVE]));
        octave[place % PER_OCTAVE].fetch_add(1, Ordering::Relaxed);
        shard.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(crate) fn distribution(&self) -> Distribution {
        let mut counts = vec![0; OCTAVES * PER_OCTAVE];
        let mut nanoseconds = 0;
        for shard in self.shards.all() {
            nanoseconds += shard.nanoseconds.load(Ordering::Relaxed);
            for (octave, counts) in shard
                .octaves
                .iter()
                .zip(counts.chunks_exact_mut(PER_OCTAVE))
            {
                for (bucket, count) in octave
                    .get()
                    .into_iter()
                    .flat_map(|octave| octave.iter())
                    .zip(counts)
                {
                    *count += bucket.load(Ordering::Relaxed);
                }
            }
        }
        let counted = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let buckets: Vec<_> = counted
            .map(|(place, count)| (index(place), *count))
            .collect();
        Distribution {
            count: buckets.iter().map(|(_, count)| count).sum(),
            sum: Duration::from_nanos(nanoseconds),
            buckets,
        }
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self {
            nanoseconds: AtomicU64::new(0),
            octaves: [const { OnceLock::new() }; OCTAVES],
        }
    }
}

impl Distribution {
    pub(crate) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        for (index, count) in &other.buckets {
            match self
                .buckets
                .binary_search_by_key(index, |(index, _)| *index)
            {
                Ok(at) => self.buckets[at].1 += count,
                Err(at) => self.buckets.insert(at, (*index, *count)),
            }
        }
    }

    /// Returns the mean, or `None` of nothing.
    pub(crate) fn mean(&self) -> Option<Duration> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a mean is shown, not counted on"
        )]
        (self.count > 0).then(|| self.sum.div_f64(self.count as f64))
    }

    /// Returns how many values are at most `seconds`, as near as the buckets tell.
    pub(crate) fn at_most(&self, seconds: f64) -> u64 {
        let within = self
            .buckets
            .iter()
            .take_while(|(index, _)| middle(*index) <= seconds);
        within.map(|(_, count)| count).sum()
    }
}

/// Returns the geometric middle of bucket `index`, in seconds.
pub(crate) fn middle(index: i32) -> f64 {
    ((f64::from(index) - 0.5) / f64::from(1_u32 << SCHEMA)).exp2()
}

/// Returns the place of the bucket that a duration belongs to.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the exponent and the mantissa's bits are small; a duration loses less than a bucket's 2^-47"
)]
#[inline]
fn place(nanoseconds: u64) -> usize {
    const MANTISSA: u64 = (1 << 52) - 1;
    if nanoseconds == 0 {
        return 0;
    }
    // Of signed numbers, processors make floating ones in one instruction.
    let bits = (nanoseconds.cast_signed() as f64 * 1e-9).to_bits();
    let mantissa = bits & MANTISSA;
    let octave = (bits >> 52) as i32 - 1023 - FIRST_OCTAVE;
    // The table's guess is the bucket of the cell's lower end; the value's own is that or the next.
    let mut within = usize::from(FIRST_BUCKET[(mantissa >> 45) as usize]);
    while within < PER_OCTAVE && mantissa > BOUNDS[within] {
        within += 1;
    }
    // An exact power of two is the last value of the octave below.
    let place = octave * PER_OCTAVE as i32 + within as i32 - 1;
    place.clamp(0, (OCTAVES * PER_OCTAVE) as i32 - 1) as usize
}

/// Returns the native histogram's index of a place.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "there are 3072 places"
)]
fn index(place: usize) -> i32 {
    place as i32 + 1 + FIRST_OCTAVE * PER_OCTAVE as i32
}

/// The mantissa's bits of `2^(n/64)`: the upper bound of an octave's bucket `n`.
static BOUNDS: [u64; PER_OCTAVE] = bounds();

/// The bucket that the lower end of each 1/128 of an octave's mantissas belongs to.
static FIRST_BUCKET: [u8; 128] = first_buckets();

const fn bounds() -> [u64; PER_OCTAVE] {
    const ONE: u128 = 1 << 60;
    // 2^(1/64) by six square roots of two, in fixed point; powers of it by multiplication.
    let mut root = 2 * ONE;
    let mut halvings = 0;
    while halvings < SCHEMA {
        root = square_root(root << 60);
        halvings += 1;
    }
    let mut bounds = [0; PER_OCTAVE];
    let mut power = ONE;
    let mut n = 0;
    while n < PER_OCTAVE {
        #[expect(clippy::cast_possible_truncation, reason = "the fraction has 52 bits")]
        {
            bounds[n] = ((power - ONE) >> 8) as u64;
        }
        power = (power * root) >> 60;
        n += 1;
    }
    bounds
}

const fn square_root(of: u128) -> u128 {
    let mut root = 0_u128;
    let mut bit = 1_u128 << 63;
    while bit > 0 {
        let tried = root | bit;
        if tried * tried <= of {
            root = tried;
        }
        bit >>= 1;
    }
    root
}

const fn first_buckets() -> [u8; 128] {
    let bounds = bounds();
    let mut first = [0; 128];
    let mut cell = 0;
    while cell < 128 {
        let mut bucket = 0;
        while bucket < PER_OCTAVE && (cell as u64) << 45 > bounds[bucket] {
            bucket += 1;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 64")]
        {
            first[cell] = bucket as u8;
        }
        cell += 1;
    }
    first
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn only_bucket(duration: Duration) -> i32 {
        let histogram = Histogram::new();
        histogram.record(duration);
        histogram.distribution().buckets[0].0
    }

    #[test]
    fn its_bounds_are_powers_of_the_sixty_fourth_root_of_two() {
        for (n, bound) in BOUNDS.iter().enumerate() {
            let bound = f64::from_bits(bound | 1023 << 52);
            let exact = (f64::from(u8::try_from(n).unwrap()) / 64.0).exp2();
            assert!((bound - exact).abs() < 1e-14, "{n}: {bound} {exact}");
        }
    }

    #[test]
    fn a_bound_belongs_to_the_bucket_below_it() {
        assert_eq!(only_bucket(Duration::from_secs(1)), 0);
        assert_eq!(only_bucket(Duration::from_nanos(1_000_000_001)), 1);
        assert_eq!(only_bucket(Duration::from_secs(2)), 64);
        assert_eq!(only_bucket(Duration::from_millis(500)), -64);
    }

    #[test]
    fn the_edges_hold_what_lies_outside() {
        assert_eq!(
            only_bucket(Duration::ZERO),
            only_bucket(Duration::from_nanos(0))
        );
        assert_eq!(only_bucket(Duration::MAX), index(OCTAVES * PER_OCTAVE - 1));
    }

    proptest! {
        #[test]
        fn every_duration_is_within_its_bucket(nanoseconds in 1_u64..100_000_000_000_000) {
            #[expect(clippy::cast_precision_loss, reason = "a model in floating point")]
            let seconds = nanoseconds as f64 * 1e-9;
            let index = f64::from(only_bucket(Duration::from_nanos(nanoseconds)));
            // The model is in floating point too, hence the hair's breadth.
            prop_assert!(seconds <= (index / 64.0).exp2() * (1.0 + 1e-12));
            prop_assert!(seconds > ((index - 1.0) / 64.0).exp2() * (1.0 - 1e-12));
        }

        #[test]
        fn the_sum_and_the_count_are_exact(nanoseconds in proptest::collection::vec(0_u64..1 << 40, 0..50)) {
            let histogram = Histogram::new();
            for value in &nanoseconds {
                histogram.record(Duration::from_nanos(*value));
            }
            let read = histogram.distribution();
            prop_assert_eq!(read.count, nanoseconds.len() as u64);
            prop_assert_eq!(read.sum, Duration::from_nanos(nanoseconds.iter().sum()));
        }
    }
}
