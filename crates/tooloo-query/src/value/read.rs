//! Reads values as types of the program.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::Value;

/// A type that a column can be read as.
pub trait FromValue: Sized {
    /// What is expected, to be named in an error.
    const EXPECTED: &'static str;

    /// Reads a value, or returns `None` where it is of another type or does not fit.
    fn from_value(value: &Value) -> Option<Self>;
}

impl FromValue for Value {
    const EXPECTED: &'static str = "any value";

    fn from_value(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl FromValue for bool {
    const EXPECTED: &'static str = "a bool";

    /// SQLite has numbers for truth values.
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(*value),
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            _ => None,
        }
    }
}

impl FromValue for i64 {
    const EXPECTED: &'static str = "a whole number";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Int(value) => Some(*value),
            // Such as PostgreSQL's sum of whole numbers.
            Value::Decimal(digits) => digits.parse().ok(),
            _ => None,
        }
    }
}

/// Reads whole numbers that fit.
macro_rules! whole {
    ($($whole:ty),+) => {
        $(impl FromValue for $whole {
            const EXPECTED: &'static str = concat!("a whole number that fits ", stringify!($whole));

            fn from_value(value: &Value) -> Option<Self> {
                i64::from_value(value)?.try_into().ok()
            }
        })+
    };
}

whole!(i32, i16, u64, u32, u16, u8, usize);

impl FromValue for f64 {
    const EXPECTED: &'static str = "a number";

    /// The nearest one, of a whole or exact number.
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Real(value) => Some(*value),
            #[expect(
                clippy::cast_precision_loss,
                reason = "the nearest number is asked for"
            )]
            Value::Int(value) => Some(*value as f64),
            Value::Decimal(digits) => digits.parse().ok(),
            _ => None,
        }
    }
}

impl FromValue for Arc<str> {
    const EXPECTED: &'static str = "a text";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) | Value::Decimal(text) => Some(Arc::clone(text)),
            _ => None,
        }
    }
}

impl FromValue for String {
    const EXPECTED: &'static str = "a text";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) | Value::Decimal(text) => Some(text.as_ref().to_owned()),
            _ => None,
        }
    }
}

impl FromValue for Bytes {
    const EXPECTED: &'static str = "bytes";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    const EXPECTED: &'static str = "bytes";

    fn from_value(value: &Value) -> Option<Self> {
        Bytes::from_value(value).map(Into::into)
    }
}

impl FromValue for Timestamp {
    const EXPECTED: &'static str = "a time in RFC 3339";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

impl FromValue for serde_json::Value {
    const EXPECTED: &'static str = "JSON";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => serde_json::from_str(text).ok(),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Vec<Option<T>> {
    const EXPECTED: &'static str = "an array";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Array(values) => values.iter().map(Option::from_value).collect(),
            _ => None,
        }
    }
}
