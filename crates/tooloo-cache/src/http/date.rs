//! Dates in header fields, RFC 9110 §5.6.7.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};

/// A date as a field gave it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Dated {
    /// The field is not there.
    Absent,
    /// It is there once, or several times alike.
    At(SystemTime),
    /// It is no date, or several that differ.
    Broken,
}

/// Reads a field that holds one date.
pub(crate) fn of(headers: &HeaderMap, name: &HeaderName) -> Dated {
    let mut lines = headers.get_all(name).iter();
    let Some(first) = lines.next() else {
        return Dated::Absent;
    };
    if lines.any(|other| other != first) {
        return Dated::Broken;
    }
    parse(first).map_or(Dated::Broken, Dated::At)
}

/// Reads a date in any of HTTP's three forms.
pub(crate) fn parse(value: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(value.to_str().ok()?).ok()
}

/// Writes a date; `None` for one that HTTP cannot tell, such as one before 1970.
pub(crate) fn write(at: SystemTime) -> Option<HeaderValue> {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let last = Duration::from_secs(253_402_300_799);
    if since > last {
        return None;
    }
    HeaderValue::try_from(httpdate::fmt_http_date(at)).ok()
}

impl Dated {
    pub(crate) fn at(self) -> Option<SystemTime> {
        match self {
            Self::At(at) => Some(at),
            Self::Absent | Self::Broken => None,
        }
    }
}
