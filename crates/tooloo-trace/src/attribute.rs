//! What is known of a span besides its times.

use std::borrow::Cow;

use serde::Serialize;

/// The value of a span's attribute.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum AttributeValue {
    /// Text.
    Text(Cow<'static, str>),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A truth value.
    Flag(bool),
}

/// Names and values, in the order they were set.
pub(crate) type Attributes = Vec<(Cow<'static, str>, AttributeValue)>;

impl AttributeValue {
    /// Returns the text, if the value is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the whole number, if the value is one.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

macro_rules! value_from {
    ($($from:ty => $variant:ident),*) => {$(
        impl From<$from> for AttributeValue {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

value_from!(&'static str => Text, String => Text, Cow<'static, str> => Text, i64 => Integer, i32 => Integer, u32 => Integer, u16 => Integer, f64 => Number, bool => Flag);
