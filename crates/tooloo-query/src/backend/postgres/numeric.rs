//! PostgreSQL's `numeric` on the wire: digits to the base of 10000, a weight, a sign and a scale.

use std::fmt::Write as _;

use bytes::{BufMut, BytesMut};

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITE: u16 = 0xD000;
const NEGATIVE_INFINITE: u16 = 0xF000;

/// Writes a number given in digits; `None` where it is none, or too long.
pub(super) fn put(text: &str, out: &mut BytesMut) -> Option<()> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (NEGATIVE, digits),
        None => (0, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let written = !(whole.is_empty() && fraction.is_empty());
    let is_digits = |part: &str| part.bytes().all(|digit| digit.is_ascii_digit());
    if !written || !is_digits(whole) || !is_digits(fraction) {
        return special(text, out);
    }
    let whole = whole.trim_start_matches('0');
    // Groups of four begin at the point.
    let lead = (4 - whole.len() % 4) % 4;
    let trail = (4 - fraction.len() % 4) % 4;
    let all = format!("{}{whole}{fraction}{}", "0".repeat(lead), "0".repeat(trail));
    let mut groups = all
        .as_bytes()
        .chunks(4)
        .map(|group| {
            group
                .iter()
                .fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'))
        })
        .collect::<Vec<_>>();
    let mut weight = i16::try_from(whole.len().div_ceil(4))
        .ok()?
        .checked_sub(1)?;
    while groups.last() == Some(&0) {
        groups.pop();
    }
    let zeros = groups.iter().take_while(|group| **group == 0).count();
    groups.drain(..zeros);
    weight = weight.checked_sub(i16::try_from(zeros).ok()?)?;
    let (sign, weight) = if groups.is_empty() {
        (0, 0)
    } else {
        (sign, weight)
    };
    head(groups.len(), weight, sign, fraction.len(), out)?;
    for group in groups {
        out.put_u16(group);
    }
    Some(())
}

fn special(text: &str, out: &mut BytesMut) -> Option<()> {
    let sign = match text {
        "NaN" => NAN,
        "Infinity" | "inf" => INFINITE,
        "-Infinity" | "-inf" => NEGATIVE_INFINITE,
        _ => return None,
    };
    head(0, 0, sign, 0, out)
}

fn head(groups: usize, weight: i16, sign: u16, scale: usize, out: &mut BytesMut) -> Option<()> {
    let (groups, scale) = (i16::try_from(groups).ok()?, u16::try_from(scale).ok()?);
    out.put_i16(groups);
    out.put_i16(weight);
    out.put_u16(sign);
    out.put_u16(scale);
    Some(())
}

/// Reads a number, and writes it out in digits.
pub(super) fn read(raw: &[u8]) -> Option<String> {
    let mut words = raw
        .chunks_exact(2)
        .map(|word| u16::from_be_bytes([word[0], word[1]]));
    let [count, weight, sign, scale] = [words.next()?, words.next()?, words.next()?, words.next()?];
    match sign {
        NAN => return Some("NaN".to_owned()),
        INFINITE => return Some("Infinity".to_owned()),
        NEGATIVE_INFINITE => return Some("-Infinity".to_owned()),
        _ => {}
    }
    let groups: Vec<u16> = words.collect();
    if groups.len() != usize::from(count) {
        return None;
    }
    let weight = i32::from(weight.cast_signed());
    let group = |place: i32| {
        let index = usize::try_from(weight - place).ok();
        index
            .and_then(|index| groups.get(index))
            .copied()
            .unwrap_or(0)
    };
    let mut text = if sign == NEGATIVE {
        "-".to_owned()
    } else {
        String::new()
    };
    let mut whole = String::new();
    for place in (0..=weight).rev() {
        write!(whole, "{:04}", group(place)).ok()?;
    }
    let whole = whole.trim_start_matches('0');
    text.push_str(if whole.is_empty() { "0" } else { whole });
    if scale > 0 {
        let groups = i32::from(scale).div_euclid(4) + 1;
        let mut fraction = String::new();
        for place in 1..=groups {
            write!(fraction, "{:04}", group(-place)).ok()?;
        }
        text.push('.');
        text.push_str(&fraction[..usize::from(scale)]);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn there_and_back(text: &str) -> Option<String> {
        let mut out = BytesMut::new();
        put(text, &mut out)?;
        read(&out)
    }

    #[test]
    fn numbers_come_back_as_they_went() {
        for text in [
            "0",
            "1",
            "-1",
            "10000",
            "9999",
            "12345678",
            "0.5",
            "-0.0001",
            "0.00001",
            "3.14",
            "100000000.00000001",
            "0.000",
            "NaN",
            "-Infinity",
        ] {
            assert_eq!(there_and_back(text).as_deref(), Some(text));
        }
        for text in ["", ".", "1e5", "--1", "1.2.3", "twelve"] {
            assert_eq!(there_and_back(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_digits_come_back(text in "-?[1-9][0-9]{0,30}(\\.[0-9]{1,30})?") {
            prop_assert_eq!(there_and_back(&text), Some(text));
        }
    }
}
