//! The values that differ from answer to answer, in one piece of memory.

use std::{cell::RefCell, ops::Range};

use bytes::Bytes;
use http::HeaderValue;

use super::Told;

/// Bytes that suffice for one tier with a name as most have.
const USUAL: usize = 96;

/// The digits of the largest number.
const DIGITS: usize = 20;

const WINDOW: &[u8] = b";t=";
const NEXT: &[u8] = b", ";

/// Bytes that two numbers of a tier and what stands around them take, and those of a time, at most.
pub(super) const LONGEST_REST: usize = DIGITS + WINDOW.len() + DIGITS + NEXT.len();
pub(super) const LONGEST_TIME: usize = DIGITS;

/// What is written first of all: where the parts of the line are.
struct Marks {
    limit: usize,
    remaining: Range<usize>,
    end: usize,
}

/// Writes `RateLimit`, what remains in the `tightest` tier, and a time; each in a value of its own.
///
/// An item is what stands before a tier's numbers; the line takes at most `longest` bytes.
#[inline]
pub(super) fn write<'a>(
    items: impl Iterator<Item = (&'a [u8], &'a Told)>,
    tightest: usize,
    time: u64,
    longest: usize,
) -> [HeaderValue; 3] {
    if longest <= USUAL {
        let mut line = [0; USUAL];
        let marks = marks(&mut line, items, tightest, time);
        cut(Bytes::from_owner(line), marks)
    } else {
        let mut line = vec![0; longest];
        let marks = marks(&mut line, items, tightest, time);
        cut(Bytes::from(line), marks)
    }
}

#[inline]
fn marks<'a>(
    line: &mut [u8],
    items: impl Iterator<Item = (&'a [u8], &'a Told)>,
    tightest: usize,
    time: u64,
) -> Marks {
    let mut remaining = 0..0;
    let mut at = 0;
    for (index, (item, told)) in items.enumerate() {
        if index > 0 {
            at = text(line, at, NEXT);
        }
        let from = text(line, at, item);
        let to = digits(line, from, told.remaining.into());
        if index == tightest {
            remaining = from..to;
        }
        let after = text(line, to, WINDOW);
        at = digits(line, after, told.seconds);
    }
    Marks {
        limit: at,
        remaining,
        end: digits(line, at, time),
    }
}

fn cut(mut line: Bytes, marks: Marks) -> [HeaderValue; 3] {
    let remaining = line.slice(marks.remaining);
    line.truncate(marks.end);
    let time = line.split_off(marks.limit);
    [value(line), value(remaining), value(time)]
}

/// Writes a time in seconds, which this thread has mostly written for the answer before.
pub(super) fn time(seconds: u64) -> HeaderValue {
    thread_local! {
        static LAST: RefCell<(u64, HeaderValue)> =
            const { RefCell::new((0, HeaderValue::from_static("0"))) };
    }
    let written = LAST.try_with(|last| {
        let (of, value) = &mut *last.borrow_mut();
        if *of != seconds {
            (*of, *value) = (seconds, number(seconds));
        }
        value.clone()
    });
    // A thread that is ending may have dropped it.
    written.unwrap_or_else(|_| number(seconds))
}

/// Writes a number, in a value of its own.
fn number(number: u64) -> HeaderValue {
    let mut line = [0; DIGITS];
    let end = digits(&mut line, 0, number);
    value(Bytes::copy_from_slice(&line[..end]))
}

#[inline]
fn value(text: Bytes) -> HeaderValue {
    HeaderValue::from_maybe_shared(text).expect("a structured field is ASCII")
}

#[inline]
fn text(line: &mut [u8], at: usize, text: &[u8]) -> usize {
    let end = at + text.len();
    line[at..end].copy_from_slice(text);
    end
}

#[inline]
fn digits(line: &mut [u8], at: usize, mut number: u64) -> usize {
    let end = at + 1 + number.checked_ilog10().unwrap_or(0) as usize;
    let (first, pairs) = line[at..end].as_rchunks_mut::<2>();
    for pair in pairs.iter_mut().rev() {
        let two = (number % 100) as u8;
        *pair = [b'0' + two / 10, b'0' + two % 10];
        number /= 100;
    }
    if let [digit] = first {
        *digit = b'0' + (number % 10) as u8;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_anew_when_it_is_another() {
        for seconds in [0, 7, 7, 8, 7, u64::MAX] {
            assert_eq!(time(seconds), seconds.to_string().as_str());
        }
    }
}
