//! Times, as the tables have them.

use jiff::Timestamp;
use tooloo_query::{FromValue, Value};

/// A time that is kept as whole microseconds since 1970, so that it is compared and ordered alike in both databases.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct At(pub Timestamp);

/// Returns the present as it would be read back from a table: in whole microseconds.
///
/// # Panics
///
/// Panics where the machine's clock shows a year after 9999.
pub fn now() -> Timestamp {
    Timestamp::try_from(tooloo_clock::wall())
        .and_then(|now| Timestamp::from_microsecond(now.as_microsecond()))
        .expect("the clock shows a year before 10000")
}

impl From<At> for Value {
    fn from(At(time): At) -> Self {
        Self::Int(time.as_microsecond())
    }
}

impl FromValue for At {
    const EXPECTED: &'static str = "a time in microseconds";

    fn from_value(value: &Value) -> Option<Self> {
        let microseconds = i64::from_value(value)?;
        Timestamp::from_microsecond(microseconds).ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_comes_back_as_it_was() {
        let at = At(now());
        assert_eq!(At::from_value(&at.into()), Some(at));
        assert_eq!(At::from_value(&Value::Int(i64::MAX)), None);
        assert_eq!(At::from_value(&Value::from("noon")), None);
    }
}
