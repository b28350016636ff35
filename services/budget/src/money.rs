//! Money, counted in whole micro-dollars.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tooloo_query::{FromValue, Value};

const MICROS: f64 = 1_000_000.0;

/// An amount of US dollars, exact to the millionth.
///
/// On the wire and in settings it is a number of dollars, `0.000135`; everywhere else it is an
/// integer, so that adding up a day's calls loses nothing. Sums saturate instead of wrapping.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, utoipa::ToSchema)]
#[schema(value_type = f64)]
pub struct Money(u64);

impl Money {
    /// The largest amount that settings and requests may name: a billion dollars.
    pub const MAX: Self = Self(1_000_000_000_000_000);

    /// No money.
    pub const ZERO: Self = Self(0);

    /// Creates an amount from millionths of a dollar.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Returns the amount in millionths of a dollar.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Converts a number of dollars, rounded to the nearest millionth.
    ///
    /// Returns `None` for a negative number, for one above [`Money::MAX`] and for what is no
    /// number at all.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what is out of range is not returned"
    )]
    pub fn from_dollars(dollars: f64) -> Option<Self> {
        let micros = (dollars * MICROS).round();
        (0.0..=1e15)
            .contains(&micros)
            .then_some(Self(micros as u64))
    }

    /// Returns the amount as a number of dollars, for showing only.
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact below 2^53 micro-dollars, which is nine billion dollars"
    )]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / MICROS
    }

    /// Subtracts, stopping at zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Returns `percent` hundredths of the amount, rounded down.
    #[must_use]
    pub fn percent(self, percent: u8) -> Self {
        let part = u128::from(self.0) * u128::from(percent) / 100;
        Self(u64::try_from(part).unwrap_or(u64::MAX))
    }
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.dollars())
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let dollars = f64::deserialize(deserializer)?;
        Self::from_dollars(dollars).ok_or_else(|| {
            de::Error::custom(format_args!(
                "{dollars} is not an amount of dollars between 0 and {}",
                Self::MAX.dollars()
            ))
        })
    }
}

impl From<Money> for Value {
    fn from(amount: Money) -> Self {
        // The databases' integers are signed; saturating there is as good as saturating at `u64::MAX`.
        i64::try_from(amount.0).unwrap_or(i64::MAX).into()
    }
}

impl FromValue for Money {
    const EXPECTED: &'static str = "a number of micro-dollars";

    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).map(|micros| Self(u64::try_from(micros).unwrap_or(0)))
    }
}

/// What a provider charges, per million tokens.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Dollars for a million tokens of prompt.
    pub input: Money,
    /// Dollars for a million tokens of answer.
    pub output: Money,
}

impl Prices {
    /// Returns what a call costs, rounded up once to the next micro-dollar.
    pub fn cost(&self, input_tokens: u64, output_tokens: u64) -> Money {
        let picos = u128::from(input_tokens) * u128::from(self.input.0)
            + u128::from(output_tokens) * u128::from(self.output.0);
        Money(u64::try_from(picos.div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_call_is_charged_by_its_tokens_and_rounded_up_once() {
        let prices = Prices {
            input: Money::from_micros(150_000),
            output: Money::from_micros(600_000),
        };
        assert_eq!(prices.cost(100, 200), Money::from_micros(135));
        assert_eq!(prices.cost(1, 1), Money::from_micros(1));
        assert_eq!(prices.cost(0, 0), Money::ZERO);
        let dearest = Prices {
            input: Money::MAX,
            output: Money::MAX,
        };
        assert_eq!(dearest.cost(u64::MAX, u64::MAX).micros(), u64::MAX);
    }

    #[test]
    fn refuses_what_is_no_amount() {
        for number in [-0.01, 1e10, f64::NAN, f64::INFINITY] {
            assert_eq!(Money::from_dollars(number), None, "{number}");
        }
        let error = serde_json::from_str::<Money>("-1").unwrap_err().to_string();
        assert!(error.contains("-1 is not an amount of dollars"), "{error}");
    }

    #[test]
    fn shows_dollars() {
        assert_eq!(Money::from_micros(1_000_135).to_string(), "$1.000135");
        let json = serde_json::to_string(&Money::from_micros(135)).unwrap();
        assert_eq!(json, "0.000135");
    }

    proptest! {
        #[test]
        fn an_amount_survives_the_wire(micros in 0..=Money::MAX.micros()) {
            let amount = Money::from_micros(micros);
            let json = serde_json::to_string(&amount).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), amount);
        }

        #[test]
        fn a_share_is_never_more_than_the_whole(micros: u64, percent in 0..=100u8) {
            prop_assert!(Money::from_micros(micros).percent(percent).micros() <= micros);
        }
    }
}
