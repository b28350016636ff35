//! Over which calls the rates are looked at.

use std::{error, fmt, num::NonZeroU16, time::Duration};

use serde::Deserialize;

use super::duration;

const MAX_CALLS: u16 = 10_000;
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(3600);

/// The calls that the rates are looked at over: the last so many, or those of the last so long.
///
/// In settings it is `{ calls = 100 }` or `{ time = "60s" }`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(try_from = "Written")]
pub struct Window(WindowKind);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum WindowKind {
    Calls(NonZeroU16),
    Time(Duration),
}

/// A window as it stands in settings.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Calls(u32),
    Time(#[serde(with = "duration")] Duration),
}

impl Window {
    /// Looks at the last `calls`.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidWindow`] where it is not from 1 to 10,000 calls.
    pub fn calls(calls: u32) -> Result<Self, InvalidWindow> {
        let calls = u16::try_from(calls).ok().and_then(NonZeroU16::new);
        match calls.filter(|calls| calls.get() <= MAX_CALLS) {
            Some(calls) => Ok(Self(WindowKind::Calls(calls))),
            None => Err(InvalidWindow("a window holds 1 to 10000 calls")),
        }
    }

    /// Looks at the calls that ended within the last `time`.
    ///
    /// The window moves on in tenths: it holds the present one and the nine before.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidWindow`] where it is not from 100 milliseconds to an hour.
    pub fn time(time: Duration) -> Result<Self, InvalidWindow> {
        if (SHORTEST..=LONGEST).contains(&time) {
            Ok(Self(WindowKind::Time(time)))
        } else {
            Err(InvalidWindow(
                "a window lasts from 100 milliseconds to an hour",
            ))
        }
    }

    pub(crate) fn kind(self) -> WindowKind {
        self.0
    }
}

impl Default for Window {
    fn default() -> Self {
        Self(WindowKind::Calls(
            NonZeroU16::new(100).expect("100 is not 0"),
        ))
    }
}

impl TryFrom<Written> for Window {
    type Error = InvalidWindow;

    fn try_from(written: Written) -> Result<Self, InvalidWindow> {
        match written {
            Written::Calls(calls) => Self::calls(calls),
            Written::Time(time) => Self::time(time),
        }
    }
}

/// A window is too small or too large.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidWindow(&'static str);

impl fmt::Display for InvalidWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl error::Error for InvalidWindow {}
