//! Binds values as whatever type the server wants.

use std::{error::Error, fmt};

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{IsNull, Kind, ToSql, Type, to_sql_checked};

use super::{numeric, time};
use crate::Value;

/// A value, bound as the type that its parameter has.
#[derive(Debug)]
pub(super) struct Bound<'a>(pub(super) &'a Value);

/// A value does not fit the type of its parameter.
#[derive(Debug)]
pub(super) struct Unfit {
    kind: &'static str,
    wanted: String,
}

type Result<T> = std::result::Result<T, Box<dyn Error + Sync + Send>>;

impl ToSql for Bound<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull> {
        let unfit = || Unfit {
            kind: self.0.kind(),
            wanted: ty.name().to_owned(),
        };
        match self.0 {
            Value::Null => return Ok(IsNull::Yes),
            Value::Array(values) => {
                let bound: Vec<_> = values.iter().map(Bound).collect();
                if !matches!(ty.kind(), Kind::Array(_)) {
                    return Err(unfit().into());
                }
                return bound.to_sql(ty, out);
            }
            Value::Bool(value) if *ty == Type::BOOL => return value.to_sql(ty, out),
            Value::Bool(value) => whole((*value).into(), ty, out).ok_or_else(unfit)?,
            Value::Int(value) => whole(*value, ty, out).ok_or_else(unfit)?,
            Value::Real(value) => real(*value, ty, out).ok_or_else(unfit)?,
            Value::Text(value) | Value::Decimal(value) => {
                text(value, ty, out).ok_or_else(unfit)?;
            }
            Value::Bytes(value) if *ty == Type::BYTEA => out.put_slice(value),
            Value::Bytes(_) => return Err(unfit().into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        // Said with the value's own kind, in `to_sql`.
        true
    }

    to_sql_checked!();
}

/// Binds a whole number; `None` where the type holds none, or not this one.
fn whole(value: i64, ty: &Type, out: &mut BytesMut) -> Option<()> {
    match *ty {
        Type::INT8 => out.put_i64(value),
        Type::INT4 => out.put_i32(value.try_into().ok()?),
        Type::INT2 => out.put_i16(value.try_into().ok()?),
        Type::OID => out.put_u32(value.try_into().ok()?),
        Type::BOOL => match value {
            0 | 1 => out.put_u8(u8::from(value == 1)),
            _ => return None,
        },
        Type::NUMERIC => return numeric::put(&value.to_string(), out),
        #[expect(
            clippy::cast_precision_loss,
            reason = "as any program's own conversion"
        )]
        Type::FLOAT4 | Type::FLOAT8 => return real(value as f64, ty, out),
        _ => return None,
    }
    Some(())
}

fn real(value: f64, ty: &Type, out: &mut BytesMut) -> Option<()> {
    match *ty {
        Type::FLOAT8 => out.put_f64(value),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the nearest that the column holds"
        )]
        Type::FLOAT4 => out.put_f32(value as f32),
        Type::NUMERIC => return numeric::put(&value.to_string(), out),
        _ => return None,
    }
    Some(())
}

fn text(value: &str, ty: &Type, out: &mut BytesMut) -> Option<()> {
    match *ty {
        Type::JSON => out.put_slice(value.as_bytes()),
        Type::JSONB => {
            // The version of the format.
            out.put_u8(1);
            out.put_slice(value.as_bytes());
        }
        Type::UUID => out.put_u128(uuid(value)?),
        Type::NUMERIC => return numeric::put(value, out),
        Type::TIMESTAMPTZ | Type::TIMESTAMP | Type::DATE | Type::TIME => {
            return time::put(value, ty, out);
        }
        _ if is_text(ty) => out.put_slice(value.as_bytes()),
        _ => return None,
    }
    Some(())
}

/// Says whether a type's wire form is its text.
pub(super) fn is_text(ty: &Type) -> bool {
    const TEXTS: [Type; 5] = [
        Type::TEXT,
        Type::VARCHAR,
        Type::BPCHAR,
        Type::NAME,
        Type::UNKNOWN,
    ];
    TEXTS.contains(ty) || matches!(ty.kind(), Kind::Enum(_)) || ty.name() == "citext"
}

fn uuid(text: &str) -> Option<u128> {
    let digits: String = text.chars().filter(|digit| *digit != '-').collect();
    let whole = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    whole.then(|| u128::from_str_radix(&digits, 16).ok())?
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, wanted } = self;
        write!(f, "a value of kind {kind} does not fit the type {wanted}")
    }
}

impl Error for Unfit {}
