//! What goes wrong, and whose fault it is.

use std::{error, fmt};

type BoxError = Box<dyn error::Error + Send + Sync>;

/// A setting is of no use.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The jitter is not from 0 to 1.
    Jitter(f64),
    /// The eagerness of early refresh is not above 0 and at most 10.
    EarlyRefresh(f64),
    /// This many rules were given; up to 1024 are allowed.
    Rules(usize),
}

/// A value cannot be made bytes, or bytes cannot be made a value.
#[derive(Debug)]
pub struct CodecError {
    source: BoxError,
}

/// Why [`get_or_fill`](crate::Cache::get_or_fill) has no value.
#[derive(Debug)]
#[non_exhaustive]
pub enum FillError<E> {
    /// The fill failed.
    Failed(E),
    /// The fill took longer than it may.
    TimedOut,
    /// The fill panicked, or its runtime shut down.
    Lost,
}

impl CodecError {
    /// Says what went wrong.
    pub fn new(source: impl Into<BoxError>) -> Self {
        Self {
            source: source.into(),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jitter(jitter) => write!(f, "a jitter is from 0 to 1, not {jitter}"),
            Self::EarlyRefresh(eagerness) => {
                write!(
                    f,
                    "early refresh is above 0 and at most 10, not {eagerness}"
                )
            }
            Self::Rules(rules) => write!(f, "a cache has up to 1024 rules, not {rules}"),
        }
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cached value has no bytes, or bytes have no value")
    }
}

impl<E: fmt::Display> fmt::Display for FillError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::TimedOut => f.write_str("the fill took too long"),
            Self::Lost => f.write_str("the fill came to no end"),
        }
    }
}

impl error::Error for ConfigError {}

impl error::Error for CodecError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.source)
    }
}

impl<E: error::Error + 'static> error::Error for FillError<E> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Failed(error) => error.source(),
            Self::TimedOut | Self::Lost => None,
        }
    }
}
