//! Trace and span ids.

use std::{
    fmt,
    num::{NonZeroU64, NonZeroU128},
    str::FromStr,
};

use crate::{error::InvalidId, w3c::hex};

/// Names a trace across services: 16 bytes, never all zero.
///
/// Shown and parsed as 32 lower-case hex digits, as W3C Trace Context has it.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TraceId(NonZeroU128);

/// Names a span within its trace: 8 bytes, never all zero.
///
/// Shown and parsed as 16 lower-case hex digits.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SpanId(NonZeroU64);

impl TraceId {
    /// Returns the id with these bytes, or `None` where all are zero.
    pub const fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        match NonZeroU128::new(u128::from_be_bytes(bytes)) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// Returns the id's bytes, most significant first.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.get().to_be_bytes()
    }

    /// Makes an id of random bits, from a generator that belongs to the thread.
    #[inline]
    pub fn random() -> Self {
        loop {
            if let Some(id) = NonZeroU128::new(fastrand::u128(..)) {
                return Self(id);
            }
        }
    }

    /// Returns the low 56 bits, which are random where the trace says so (W3C Trace Context level 2).
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low bits are what is asked for"
    )]
    pub(crate) const fn randomness(self) -> u64 {
        self.0.get() as u64 & crate::sampler::MAX_RANDOMNESS
    }
}

/// Makes the ids of a trace and of its first span, in one visit to the thread's generator.
#[inline]
pub(crate) fn random_pair() -> (TraceId, SpanId) {
    loop {
        let mut bytes = [[0; 8]; 3];
        fastrand::fill(bytes.as_flattened_mut());
        let [high, low, span] = bytes.map(u64::from_ne_bytes);
        let trace = NonZeroU128::new(u128::from(high) << 64 | u128::from(low));
        if let (Some(trace), Some(span)) = (trace, NonZeroU64::new(span)) {
            return (TraceId(trace), SpanId(span));
        }
    }
}

impl SpanId {
    /// Returns the id with these bytes, or `None` where all are zero.
    pub const fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        match NonZeroU64::new(u64::from_be_bytes(bytes)) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// Returns the id's bytes, most significant first.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.get().to_be_bytes()
    }

    /// Makes an id of random bits, from a generator that belongs to the thread.
    #[inline]
    pub fn random() -> Self {
        loop {
            if let Some(id) = NonZeroU64::new(fastrand::u64(..)) {
                return Self(id);
            }
        }
    }
}

macro_rules! shown_as_hex {
    ($id:ident, $bytes:literal) => {
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = hex::encode(&self.to_bytes());
                f.pad(str::from_utf8(text.as_flattened()).expect("hex digits are ASCII"))
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl serde::Serialize for $id {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl FromStr for $id {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                hex::decode::<$bytes>(text.as_bytes())
                    .and_then(Self::from_bytes)
                    .ok_or(InvalidId::new(2 * $bytes))
            }
        }
    };
}

shown_as_hex!(TraceId, 16);
shown_as_hex!(SpanId, 8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_and_parses_lower_case_hex() {
        let text = "0af7651916cd43dd8448eb211c80319c";
        let id: TraceId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(
            format!("{:>20}", SpanId::from_bytes([1; 8]).unwrap()),
            "    0101010101010101"
        );
    }

    #[test]
    fn refuses_zero_upper_case_and_wrong_lengths() {
        for text in [
            "",
            "00000000000000000000000000000000",
            "0AF7651916CD43DD8448EB211C80319C",
            "0af7",
            "0af7651916cd43dd8448eb211c80319c0",
        ] {
            assert!(text.parse::<TraceId>().is_err(), "{text}");
        }
        assert!("00f067aa0ba902b".parse::<SpanId>().is_err());
    }
}
