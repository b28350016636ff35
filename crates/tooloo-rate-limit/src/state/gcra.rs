//! One token bucket as a single number: the time at which it will be full again.
//!
//! This is the generic cell rate algorithm (ITU-T I.371): spending a token moves that time one token's
//! refill ahead, and a request that would move it further than a whole bucket's refill is refused.
//! Time counts in ticks of the quota's own, chosen so that a token is a whole number of them: nothing
//! is lost to rounding however long a bucket is used.

use std::cmp::max;

use tooloo_clock::Moment;

use crate::config::Quota;

/// Ticks in a nanosecond, at most: three decades of them fit.
const FINEST: u64 = 4;

/// Ticks that a bucket may take to fill, and that its owner may be in debt for.
const LONGEST: u64 = 1 << 61;

/// What a request asks for, worked out before the bucket is looked at, which may be far off in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Charge {
    now: u64,
    worth: u64,
    capacity: u64,
}

/// A quota's scale of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gcra {
    token: u64,
    capacity: u64,
    // A nanosecond is `mul / 2^shift` ticks.
    mul: u64,
    shift: u32,
}

impl Gcra {
    pub(crate) fn new(quota: &Quota) -> Self {
        let period = u64::try_from(quota.period().as_nanos());
        let period = period.expect("a century is less than 2^62 nanoseconds");
        let limit = u64::from(quota.limit().get());
        let burst = u64::from(quota.burst().get());
        let longest_token = LONGEST / burst;
        let divisor = gcd(limit, period);
        let (exact, ticks) = (period / divisor, limit / divisor);
        if ticks <= FINEST && exact <= longest_token {
            return Self {
                token: exact,
                capacity: exact * burst,
                mul: ticks,
                shift: 0,
            };
        }
        let finest = u128::from(period) * u128::from(FINEST) / u128::from(limit);
        let token = u64::try_from(finest).map_or(longest_token, |ticks| ticks.min(longest_token));
        let (mul, shift) = ratio(u128::from(token) * u128::from(limit), period);
        Self {
            token,
            capacity: token * burst,
            mul,
            shift,
        }
    }

    /// Returns `now` in ticks.
    #[inline]
    pub(crate) fn ticks(&self, now: Moment) -> u64 {
        let scaled = (u128::from(now.as_nanos()) * u128::from(self.mul)) >> self.shift;
        u64::try_from(scaled).unwrap_or(LONGEST)
    }

    /// Returns the first moment at which [`ticks`](Self::ticks) has come to `ticks`.
    #[inline]
    pub(crate) fn moment(&self, ticks: u64) -> Moment {
        if (self.mul, self.shift) == (1, 0) {
            return Moment::from_nanos(ticks);
        }
        if self.shift == 0 {
            return Moment::from_nanos(ticks.div_ceil(self.mul));
        }
        let nanos = (u128::from(ticks) << self.shift).div_ceil(u128::from(self.mul));
        Moment::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Works out what `cost` tokens at `now` are.
    #[inline]
    pub(crate) fn charge(&self, now: u64, cost: u64) -> Charge {
        Charge {
            now,
            worth: self.worth(cost),
            capacity: self.capacity,
        }
    }

    /// Spends `cost` tokens of a bucket that will be full at `full_at`, and returns when it then will be.
    ///
    /// # Errors
    ///
    /// Returns the tick at which there will be as many.
    #[inline]
    pub(crate) fn spend(&self, full_at: u64, now: u64, cost: u64) -> Result<u64, u64> {
        self.charge(now, cost).spend(full_at)
    }

    /// Gives tokens back; a bucket does not become more than full.
    #[inline]
    pub(crate) fn refund(&self, full_at: u64, cost: u64) -> u64 {
        full_at.saturating_sub(self.worth(cost))
    }

    /// Returns how many whole tokens there are.
    #[inline]
    pub(crate) fn available(&self, full_at: u64, now: u64) -> u64 {
        self.capacity.saturating_sub(full_at.saturating_sub(now)) / self.token
    }

    /// Returns what a bucket of this quota becomes under another: as many tokens stay spent.
    pub(crate) fn convert(&self, full_at: u64, now: Moment, to: &Self) -> u64 {
        let debt = u128::from(full_at.saturating_sub(self.ticks(now)));
        let debt = (debt * u128::from(to.token)).div_ceil(u128::from(self.token));
        to.ticks(now) + u64::try_from(debt).map_or(LONGEST, |debt| debt.min(LONGEST))
    }

    #[inline]
    fn worth(&self, cost: u64) -> u64 {
        // More is owed by no one: waiters are bounded, and a single cost is at most the burst.
        self.token.saturating_mul(cost).min(LONGEST)
    }
}

impl Charge {
    /// Spends from a bucket that will be full at `full_at`, as [`Gcra::spend`] does.
    #[inline]
    pub(crate) fn spend(self, full_at: u64) -> Result<u64, u64> {
        let spent = max(full_at, self.now) + self.worth;
        if spent <= self.now + self.capacity {
            Ok(spent)
        } else {
            Err(spent - self.capacity)
        }
    }
}

/// Returns `over / under` as a 64-bit number and how far it is shifted, rounded up.
///
/// Rounded down, a token would come back later than it should; this way it comes at most one tick early
/// in three decades.
fn ratio(over: u128, under: u64) -> (u64, u32) {
    let mut shift = over.leading_zeros().min(63);
    loop {
        let quotient = (over << shift).div_ceil(u128::from(under));
        if let Ok(mul) = u64::try_from(quotient) {
            return (mul, shift);
        }
        shift -= 1;
    }
}

const fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
