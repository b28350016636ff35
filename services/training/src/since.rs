//! Where a page of history begins.

use std::{error, fmt};

use jiff::Timestamp;
use serde::Deserialize;

/// After a round, or at a time.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) enum Since {
    /// The rounds after this one.
    Round(i64),
    /// The rounds from this time on.
    Time(Timestamp),
}

/// A text that is neither.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct BadSince;

impl TryFrom<String> for Since {
    type Error = BadSince;

    fn try_from(text: String) -> Result<Self, BadSince> {
        if let Ok(round) = text.parse::<i64>() {
            return if round < 0 {
                Err(BadSince)
            } else {
                Ok(Self::Round(round))
            };
        }
        text.parse().map(Self::Time).map_err(|_| BadSince)
    }
}

impl fmt::Display for BadSince {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a round's id or an RFC 3339 time such as 2025-11-14T12:30:00Z")
    }
}

impl error::Error for BadSince {}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(text: &str) -> Result<Since, BadSince> {
        text.to_owned().try_into()
    }

    #[test]
    fn reads_ids_and_times() {
        assert_eq!(since("0"), Ok(Since::Round(0)));
        assert_eq!(since("17"), Ok(Since::Round(17)));
        assert_eq!(
            since("1970-01-01T00:00:00Z"),
            Ok(Since::Time(Timestamp::UNIX_EPOCH))
        );
        assert_eq!(
            since("1970-01-01T01:00:00+01:00"),
            since("1970-01-01T00:00:00Z")
        );
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "-1",
            "yesterday",
            "2025-11-14",
            "99999999999999999999",
            "1.5",
        ] {
            assert_eq!(since(text), Err(BadSince), "{text}");
        }
    }
}
