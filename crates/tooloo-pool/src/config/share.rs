//! What one tenant may have of a pool.

use std::{error, fmt};

use serde::Deserialize;

/// The part of a pool that one tenant may have: above 0, and at most 1.
///
/// It counts for the connections a tenant holds and for its places in the queue, both rounded up.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(try_from = "f64")]
pub struct Share(f64);

/// A share is above 0, and at most 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidShare(());

impl Share {
    /// Makes a share.
    ///
    /// # Errors
    ///
    /// Returns an error where it is not above 0 and at most 1.
    pub fn new(share: f64) -> Result<Self, InvalidShare> {
        if share > 0.0 && share <= 1.0 {
            Ok(Self(share))
        } else {
            Err(InvalidShare(()))
        }
    }

    /// Returns this part of `whole`, rounded up.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a positive part of a number of connections or waiters"
    )]
    pub(crate) fn of(self, whole: usize) -> usize {
        (self.0 * whole as f64).ceil() as usize
    }
}

impl TryFrom<f64> for Share {
    type Error = InvalidShare;

    fn try_from(share: f64) -> Result<Self, InvalidShare> {
        Self::new(share)
    }
}

impl fmt::Display for InvalidShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a share is above 0 and at most 1")
    }
}

impl error::Error for InvalidShare {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_up_and_never_nothing() {
        let tenth = Share::new(0.1).unwrap();
        assert_eq!(tenth.of(1), 1);
        assert_eq!(tenth.of(25), 3);
        assert_eq!(Share::new(1.0).unwrap().of(8), 8);
        for wrong in [0.0, -0.5, 1.1, f64::NAN] {
            assert!(Share::new(wrong).is_err(), "{wrong}");
        }
    }
}
