//! Short keys, as three words.

use std::{
    hash::{Hash, Hasher},
    num::NonZeroU64,
};

/// The longest key that is a short one, in bytes.
pub(super) const LONGEST: usize = 23;

/// The bytes of a short key, in the order of memory, with zeros behind them and their number in the last one.
///
/// To hash and to compare them takes three words each, with no call and nothing to point at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Short {
    words: [u64; 2],
    /// Its last byte is one more than the number of bytes, and so never zero.
    last: NonZeroU64,
}

impl Short {
    /// Returns the key of these bytes, where they are few enough.
    #[inline]
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let length = bytes.len();
        if length > LONGEST {
            return None;
        }
        let (words, rest) = if let (Some(head), Some(tail)) =
            (bytes.first_chunk::<16>(), bytes.last_chunk::<8>())
        {
            // The tail begins within the head: what they share is shifted out.
            let head = u128::from_le_bytes(*head);
            (halves(head), behind(*tail, LONGEST - length))
        } else if let (Some(head), Some(tail)) = (bytes.first_chunk(), bytes.last_chunk()) {
            let second = behind(*tail, 15 - length);
            ([u64::from_le_bytes(*head), second], 0)
        } else {
            let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
            ([bytes.iter().rev().fold(0, add), 0], 0)
        };
        let last = rest | (length as u64 + 1) << 56;
        Some(Self {
            words,
            last: NonZeroU64::new(last)?,
        })
    }

    /// Returns its bytes.
    pub(super) fn to_vec(self) -> Vec<u8> {
        let last = self.last.get();
        let length = usize::try_from(last >> 56).map_or(0, |more| more - 1);
        let words = self.words.into_iter().chain([last]);
        let mut bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
        bytes.truncate(length);
        bytes
    }
}

impl Hash for Short {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [first, second] = self.words;
        state.write_u128(u128::from(first) | u128::from(second) << 64);
        state.write_u64(self.last.get());
    }
}

/// Returns all of eight bytes but the first and so many more, of which at most seven are left to take.
#[inline]
fn behind(bytes: [u8; 8], more: usize) -> u64 {
    u64::from_le_bytes(bytes) >> 8 >> (8 * more)
}

#[expect(clippy::cast_possible_truncation, reason = "it is cut in halves")]
#[inline]
fn halves(whole: u128) -> [u64; 2] {
    [whole as u64, (whole >> 64) as u64]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn short_keys_come_back_and_long_ones_are_none(
            bytes in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let short = Short::new(&bytes);
            prop_assert_eq!(short.is_some(), bytes.len() <= LONGEST);
            if let Some(short) = short {
                prop_assert_eq!(short.to_vec(), bytes);
            }
        }
    }

    #[test]
    fn zeros_at_the_end_count() {
        let keys = (0..=LONGEST).map(|length| Short::new(&vec![0; length]).unwrap());
        let keys: Vec<_> = keys.collect();
        for (length, key) in keys.iter().enumerate() {
            assert_eq!(key.to_vec().len(), length);
            assert_eq!(keys.iter().filter(|other| *other == key).count(), 1);
        }
    }
}
