//! Reads columns of whatever type the server sends.

use std::{error::Error, fmt};

use tokio_postgres::types::{FromSql, Kind, Type};

use super::{bind::is_text, numeric, time};
use crate::Value;

/// A column's value.
pub(super) struct Cell(pub(super) Value);

/// A column has a type that is not read.
#[derive(Debug)]
pub(super) struct Unread {
    ty: String,
}

type Result<T> = std::result::Result<T, Box<dyn Error + Sync + Send>>;

impl<'a> FromSql<'a> for Cell {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self> {
        let value = match *ty {
            Type::BOOL => Value::Bool(bool::from_sql(ty, raw)?),
            Type::INT2 => Value::Int(i16::from_sql(ty, raw)?.into()),
            Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::OID => Value::Int(u32::from_sql(ty, raw)?.into()),
            Type::FLOAT4 => Value::Real(f32::from_sql(ty, raw)?.into()),
            Type::FLOAT8 => Value::Real(f64::from_sql(ty, raw)?),
            Type::NUMERIC => Value::Decimal(numeric::read(raw).ok_or("a broken numeric")?.into()),
            Type::BYTEA => Value::Bytes(raw.to_vec().into()),
            Type::JSON => text(raw)?,
            Type::JSONB => text(raw.get(1..).ok_or("an empty jsonb")?)?,
            Type::UUID => Value::Text(uuid(raw).ok_or("a broken uuid")?.into()),
            Type::VOID => Value::Null,
            Type::TIMESTAMPTZ | Type::TIMESTAMP | Type::DATE | Type::TIME => {
                let shown = time::read(raw, ty).ok_or("a time beyond the year 9999")?;
                Value::Text(shown.into())
            }
            _ if is_text(ty) => text(raw)?,
            _ if matches!(ty.kind(), Kind::Array(_)) => {
                let cells: Vec<Self> = Vec::from_sql(ty, raw)?;
                Value::array(cells.into_iter().map(|cell| cell.0))
            }
            _ => {
                let ty = ty.name().to_owned();
                return Err(Unread { ty }.into());
            }
        };
        Ok(Self(value))
    }

    fn from_sql_null(_: &Type) -> Result<Self> {
        Ok(Self(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn text(raw: &[u8]) -> Result<Value> {
    Ok(Value::Text(std::str::from_utf8(raw)?.into()))
}

fn uuid(raw: &[u8]) -> Option<String> {
    let digits = format!("{:032x}", u128::from_be_bytes(raw.try_into().ok()?));
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
    Some(parts.join("-"))
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the type {} is not read; cast the column to text",
            self.ty
        )
    }
}

impl Error for Unread {}
