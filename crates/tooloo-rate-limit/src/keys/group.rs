//! Eight slots' tags in one word, looked through at once.
//!
//! A tag tells whether its slot holds a key, and seven bits of that key's hash: a word shows which slots are
//! worth looking at. This is how Swiss tables do it, with plain arithmetic in the place of vector instructions.

/// Slots that a group stands for.
pub(super) const SLOTS: usize = 8;

/// Of a slot that was never taken.
const EMPTY: u64 = 0x00;

/// Of a slot whose key was forgotten: it stays taken, and searches go on behind it.
const FORGOTTEN: u64 = 0x01;

/// Set in the tag of a slot that holds a key.
const HELD: u64 = 0x80;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHEST: u64 = HELD * ONES;

/// The tags of eight slots.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Group(pub(super) u64);

/// Places in a group, in order.
#[derive(Clone, Debug)]
pub(super) struct Places(u64);

impl Group {
    /// Returns the tag of keys with this hash: of its lowest bits.
    #[inline]
    pub(super) fn tag(hash: u64) -> u64 {
        (hash % HELD) | HELD
    }

    /// Returns the places of slots with `tag`, and now and then of one behind them.
    #[inline]
    pub(super) fn tagged(self, tag: u64) -> Places {
        Places(zeros(self.0 ^ (tag * ONES)))
    }

    /// Returns the places of slots that hold keys.
    pub(super) fn held(self) -> Places {
        Places(self.0 & HIGHEST)
    }

    /// Returns the first slot that was never taken.
    #[inline]
    pub(super) fn empty(self) -> Option<usize> {
        Places(zeros(self.0)).next()
    }

    /// Returns these tags with that of an empty slot set.
    pub(super) fn with(self, place: usize, tag: u64) -> Self {
        debug_assert_eq!(self.0 >> (8 * place) & 0xff, EMPTY, "the slot is empty");
        Self(self.0 | tag << (8 * place))
    }

    /// Returns these tags with one slot's key forgotten.
    pub(super) fn without(self, place: usize) -> Self {
        Self(self.0 & !(0xff << (8 * place)) | FORGOTTEN << (8 * place))
    }
}

impl Iterator for Places {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let place = (self.0 != 0).then(|| self.0.trailing_zeros() as usize / 8);
        self.0 &= self.0.wrapping_sub(1);
        place
    }
}

/// Returns the highest bit of each byte that is zero; what is above the first may be mistaken.
#[inline]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHEST
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tag() -> impl Strategy<Value = u64> {
        prop_oneof![
            3 => Just(EMPTY),
            1 => Just(FORGOTTEN),
            4 => (0..4_u64).prop_map(|low| HELD | low),
            2 => HELD..=0xff,
        ]
    }

    proptest! {
        #[test]
        fn a_group_is_eight_tags(
            tags in prop::array::uniform8(tag()),
            hash in any::<u64>(),
            place in 0..SLOTS,
        ) {
            let group = Group(tags.iter().rev().fold(0, |word, tag| word << 8 | tag));
            let tag = Group::tag(hash);
            let places = |is: &dyn Fn(u64) -> bool| -> Vec<_> {
                (0..SLOTS).filter(|place| is(tags[*place])).collect()
            };
            let tagged: Vec<_> = group.tagged(tag).collect();
            prop_assert!(places(&|other| other == tag).iter().all(|place| tagged.contains(place)));
            prop_assert!(tagged.is_sorted());
            let held: Vec<_> = group.held().collect();
            prop_assert_eq!(&held, &places(&|tag| tag & HELD != 0));
            let empty = places(&|tag| tag == EMPTY).first().copied();
            prop_assert_eq!(group.empty(), empty);
            if let Some(empty) = empty {
                let with = group.with(empty, tag);
                prop_assert!(with.tagged(tag).any(|place| place == empty));
                let without: Vec<_> = with.without(empty).held().collect();
                prop_assert_eq!(without, held);
            }
            let without = group.without(place);
            prop_assert!(without.held().all(|held| held != place && tags[held] & HELD != 0));
            prop_assert_ne!(without.empty(), Some(place));
        }
    }
}
