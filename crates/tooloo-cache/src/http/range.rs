//! Parts of a stored body, RFC 9110 §14.

use std::ops::Range;

use http::HeaderMap;
use http::header;

/// What a request wants of a body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Wanted {
    Whole,
    /// One part or several, in the order asked for.
    Parts(Vec<Range<usize>>),
    /// Nothing that is there.
    Nothing,
}

/// Reads `Range` for a body of this length.
///
/// A field that is malformed, in another unit or greedy, with more than `most` ranges or with ranges
/// that overlap, asks for the whole (§14.2, §17.15).
pub(crate) fn wanted(headers: &HeaderMap, length: usize, most: usize) -> Wanted {
    let mut lines = headers.get_all(header::RANGE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Wanted::Whole;
    };
    parse(line.as_bytes(), length, most).unwrap_or(Wanted::Whole)
}

fn parse(line: &[u8], length: usize, most: usize) -> Option<Wanted> {
    let unit = line.get(..6)?;
    if !unit.eq_ignore_ascii_case(b"bytes=") {
        return None;
    }
    let mut parts = Vec::new();
    let specs = line[6..].split(|byte| *byte == b',');
    let specs = specs
        .map(<[u8]>::trim_ascii)
        .filter(|spec| !spec.is_empty());
    let mut seen = 0;
    for spec in specs {
        seen += 1;
        if seen > most {
            return None;
        }
        let part = part(spec, length)?;
        if !part.is_empty() {
            parts.push(part);
        }
    }
    if seen == 0 {
        return None;
    }
    if parts.is_empty() {
        return Some(Wanted::Nothing);
    }
    (!overlap(&parts)).then_some(Wanted::Parts(parts))
}

/// Reads one range, an empty one where the body has nothing of it; `None` where it is malformed.
fn part(spec: &[u8], length: usize) -> Option<Range<usize>> {
    let dash = spec.iter().position(|byte| *byte == b'-')?;
    let (first, last) = (&spec[..dash], &spec[dash + 1..]);
    if first.is_empty() {
        let suffix = number(last)?.min(length);
        return Some(length - suffix..length);
    }
    let first = number(first)?;
    let last = if last.is_empty() {
        usize::MAX
    } else {
        number(last)?
    };
    if last < first {
        return None;
    }
    let end = last.saturating_add(1).min(length);
    Some(first.min(end)..end)
}

/// Reads a number; one that is too large for any body is the largest.
fn number(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0_usize, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(usize::from(digit - b'0'))
    }))
}

fn overlap(parts: &[Range<usize>]) -> bool {
    let mut sorted: Vec<_> = parts.iter().collect();
    sorted.sort_unstable_by_key(|part| part.start);
    sorted.windows(2).any(|pair| pair[1].start < pair[0].end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_ten(line: &str) -> Option<Wanted> {
        parse(line.as_bytes(), 10, 3)
    }

    #[test]
    fn ranges_are_cut_to_what_is_there() {
        let one = |range| Some(Wanted::Parts(vec![range]));
        assert_eq!(of_ten("bytes=0-3"), one(0..4));
        assert_eq!(of_ten("Bytes= 2-"), one(2..10));
        assert_eq!(of_ten("bytes=-3"), one(7..10));
        assert_eq!(of_ten("bytes=-99"), one(0..10));
        assert_eq!(of_ten("bytes=9-99999999999999999999999"), one(9..10));
        assert_eq!(
            of_ten("bytes=0-0,,-1"),
            Some(Wanted::Parts(vec![0..1, 9..10]))
        );
        assert_eq!(of_ten("bytes=5-6, 99-"), one(5..7));
        assert_eq!(of_ten("bytes=10-"), Some(Wanted::Nothing));
        assert_eq!(of_ten("bytes=-0"), Some(Wanted::Nothing));
    }

    #[test]
    fn malformed_and_greedy_ranges_are_ignored() {
        for line in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=x-1",
            "bytes=3-1",
            "bytes=1",
            "bytes=-",
            "lines=0-1",
            "bytes=0-1,x",
            "bytes=0-5,5-6",
            "bytes=0-,0-,0-",
            "bytes=0-0,2-2,4-4,6-6",
            "bytes=+1-2",
        ] {
            assert_eq!(of_ten(line), None, "{line}");
        }
    }
}
