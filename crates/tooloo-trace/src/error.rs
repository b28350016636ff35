//! What this crate refuses.

use std::{error, fmt};

/// A text is no trace or span id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidId {
    digits: usize,
}

impl InvalidId {
    pub(crate) const fn new(digits: usize) -> Self {
        Self { digits }
    }
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "an id is {} lower-case hex digits, not all zero",
            self.digits
        )
    }
}

impl error::Error for InvalidId {}

/// A sampling rate is no fraction from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InvalidRate {
    rate: f64,
}

impl InvalidRate {
    pub(crate) const fn new(rate: f64) -> Self {
        Self { rate }
    }
}

impl fmt::Display for InvalidRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a sampling rate is a fraction from 0 to 1, not {}",
            self.rate
        )
    }
}

impl error::Error for InvalidRate {}

/// The exporter did not send everything in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FlushError;

impl fmt::Display for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the exporter did not send every span before the deadline")
    }
}

impl error::Error for FlushError {}
