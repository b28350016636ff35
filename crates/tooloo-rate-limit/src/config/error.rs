//! What settings refuse.

use std::{error, fmt, time::Duration};

/// A setting is of no use.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A period is zero or longer than a century.
    Period(Duration),
    /// More than a token a nanosecond was asked for.
    TooFast,
    /// This many tiers were given; one to eight are allowed.
    Tiers(usize),
    /// Two tiers have this name.
    TwiceNamed(String),
    /// A tier's name is empty, longer than 64 characters, or not of printable ASCII.
    Name(String),
    /// This many routes were given limits of their own; up to 256 are allowed.
    Routes(usize),
    /// A route's path does not begin with a slash.
    Path(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Period(period) => {
                write!(
                    f,
                    "a period is above zero and at most a century, not {period:?}"
                )
            }
            Self::TooFast => f.write_str("a quota is at most one request a nanosecond"),
            Self::Tiers(tiers) => write!(f, "a limiter has one to eight tiers, not {tiers}"),
            Self::TwiceNamed(name) => write!(f, "two tiers are named {name:?}"),
            Self::Name(name) => write!(
                f,
                "a tier's name is 1 to 64 printable ASCII characters, not {name:?}"
            ),
            Self::Routes(routes) => {
                write!(f, "up to 256 routes have limits of their own, not {routes}")
            }
            Self::Path(path) => write!(f, "a route's path begins with a slash, not {path:?}"),
        }
    }
}

impl error::Error for ConfigError {}
