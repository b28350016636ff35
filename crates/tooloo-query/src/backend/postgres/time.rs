//! PostgreSQL's times on the wire: microseconds, or days, since the start of the year 2000.

use bytes::{BufMut, BytesMut};
use jiff::{
    SpanRound, Timestamp, ToSpan, Unit,
    civil::{Date, DateTime, Time, date},
};
use tokio_postgres::types::Type;

/// Of the year 2000, since 1970, in microseconds.
const START: i64 = 946_684_800_000_000;

/// Writes a time given in ISO 8601; `None` where it is none.
pub(super) fn put(text: &str, ty: &Type, out: &mut BytesMut) -> Option<()> {
    match *ty {
        Type::TIMESTAMPTZ => {
            let time: Timestamp = text.parse().ok()?;
            out.put_i64(time.as_microsecond() - START);
        }
        Type::TIMESTAMP => {
            let time: DateTime = text.parse().ok()?;
            let since = time.duration_since(epoch());
            out.put_i64(i64::try_from(since.as_micros()).ok()?);
        }
        Type::DATE => {
            let day: Date = text.parse().ok()?;
            let since = day.to_datetime(Time::midnight()).duration_since(epoch());
            out.put_i32(i32::try_from(since.as_hours() / 24).ok()?);
        }
        Type::TIME => {
            let time: Time = text.parse().ok()?;
            let since = time.duration_since(Time::midnight());
            out.put_i64(i64::try_from(since.as_micros()).ok()?);
        }
        _ => return None,
    }
    Some(())
}

/// Writes a time out in ISO 8601; `None` where that cannot be done.
pub(super) fn read(raw: &[u8], ty: &Type) -> Option<String> {
    if *ty == Type::DATE {
        let days = i32::from_be_bytes(raw.try_into().ok()?);
        return match days {
            i32::MAX => Some("infinity".to_owned()),
            i32::MIN => Some("-infinity".to_owned()),
            days => Some(epoch().date().checked_add(days.days()).ok()?.to_string()),
        };
    }
    let micros = i64::from_be_bytes(raw.try_into().ok()?);
    match (ty, micros) {
        (&Type::TIME, micros) => {
            let time = Time::midnight().checked_add(micros.microseconds()).ok()?;
            Some(time.to_string())
        }
        (_, i64::MAX) => Some("infinity".to_owned()),
        (_, i64::MIN) => Some("-infinity".to_owned()),
        (&Type::TIMESTAMPTZ, micros) => {
            let time = Timestamp::from_microsecond(micros.checked_add(START)?).ok()?;
            Some(format!("{time:.6}"))
        }
        (_, micros) => {
            let round = SpanRound::new().largest(Unit::Day).days_are_24_hours();
            let span = micros.microseconds().round(round).ok()?;
            Some(format!("{:.6}", epoch().checked_add(span).ok()?))
        }
    }
}

fn epoch() -> DateTime {
    date(2000, 1, 1).at(0, 0, 0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_as_they_went() {
        let times = [
            (Type::TIMESTAMPTZ, "2026-11-21T23:16:51.123456Z"),
            (Type::TIMESTAMPTZ, "1969-07-20T20:17:40.000000Z"),
            (Type::TIMESTAMP, "1999-12-31T23:59:59.999999"),
            (Type::TIMESTAMP, "2262-04-12T00:00:00.000001"),
            (Type::DATE, "1858-11-17"),
            (Type::DATE, "2026-02-28"),
            (Type::TIME, "23:59:59.000001"),
        ];
        for (ty, text) in times {
            let mut out = BytesMut::new();
            put(text, &ty, &mut out).unwrap();
            assert_eq!(read(&out, &ty).as_deref(), Some(text), "{ty}");
        }
        assert_eq!(put("tomorrow", &Type::DATE, &mut BytesMut::new()), None);
    }
}
