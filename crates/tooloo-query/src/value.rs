//! Values that go into a database and come out of it.

mod read;

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

pub use self::read::FromValue;

/// A value of a parameter or a column, in either database.
///
/// | | SQLite | PostgreSQL |
/// |---|---|---|
/// | `Bool` | 0 or 1, and read as `Int` | `bool` |
/// | `Int` | `INTEGER` | any number's type that holds it; 0 and 1 as `bool` |
/// | `Real` | `REAL` | `float8`, `float4`, `numeric` |
/// | `Text` | `TEXT` | texts, enums, `json`, `jsonb`, `uuid`; `timestamptz`, `timestamp`, `date`, `time` in ISO 8601; `numeric` |
/// | `Bytes` | `BLOB` | `bytea` |
/// | `Decimal` | `TEXT` | `numeric` |
/// | `Array` | a JSON array, for `json_each` | an array of the parameter's type |
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A fractional number.
    Real(f64),
    /// Characters.
    Text(Arc<str>),
    /// Bytes.
    Bytes(Bytes),
    /// A number with an exact fraction, written out in digits.
    Decimal(Arc<str>),
    /// Values of one type.
    Array(Arc<[Value]>),
}

impl Value {
    /// Returns the kind of the value, to be shown where the value may not be.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Real(_) => "real",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Decimal(_) => "decimal",
            Self::Array(_) => "array",
        }
    }

    /// Makes an array of values.
    pub fn array<V: Into<Self>>(values: impl IntoIterator<Item = V>) -> Self {
        Self::Array(values.into_iter().map(Into::into).collect())
    }
}

/// Makes values of types that always fit.
macro_rules! values {
    ($($from:ty => |$value:ident| $made:expr;)+) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $made
            }
        })+
    };
}

values! {
    bool => |value| Self::Bool(value);
    i64 => |value| Self::Int(value);
    i32 => |value| Self::Int(value.into());
    i16 => |value| Self::Int(value.into());
    u32 => |value| Self::Int(value.into());
    u16 => |value| Self::Int(value.into());
    u8 => |value| Self::Int(value.into());
    f64 => |value| Self::Real(value);
    f32 => |value| Self::Real(value.into());
    &str => |value| Self::Text(value.into());
    String => |value| Self::Text(value.into());
    &String => |value| Self::Text(value.as_str().into());
    Arc<str> => |value| Self::Text(value);
    Vec<u8> => |value| Self::Bytes(value.into());
    &[u8] => |value| Self::Bytes(Bytes::copy_from_slice(value));
    Bytes => |value| Self::Bytes(value);
    // RFC 3339, in UTC: it sorts as it should where a column is text.
    Timestamp => |value| Self::Text(format!("{value:.6}").into());
    serde_json::Value => |value| Self::Text(value.to_string().into());
    &serde_json::Value => |value| Self::Text(value.to_string().into());
}

impl<V: Into<Value>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
