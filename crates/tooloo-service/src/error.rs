//! Why a service did not start, or stopped serving.

use std::{error, fmt, io};

use crate::{ConfigError, PeerError};

/// A service could not be built.
#[derive(Debug)]
pub struct StartError {
    cause: Box<dyn error::Error + Send + Sync>,
}

/// Serving ended otherwise than by a drain.
#[derive(Debug)]
pub struct ServeError {
    what: String,
    cause: io::Error,
}

impl StartError {
    /// Wraps any cause, or a message.
    pub fn new(cause: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self {
            cause: cause.into(),
        }
    }
}

impl ServeError {
    pub(crate) fn new(what: impl Into<String>, cause: io::Error) -> Self {
        Self {
            what: what.into(),
            cause,
        }
    }
}

macro_rules! from {
    ($($cause:ty)*) => {$(
        impl From<$cause> for StartError {
            fn from(cause: $cause) -> Self {
                Self::new(cause)
            }
        }
    )*};
}

from! { ConfigError PeerError ServeError io::Error }

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.cause)
    }
}

impl error::Error for StartError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.cause.source()
    }
}

impl error::Error for ServeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.cause)
    }
}
