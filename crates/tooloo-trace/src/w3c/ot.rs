//! OpenTelemetry's `tracestate` member: `ot=th:<rejection threshold>;rv:<randomness>`.
//!
//! See OpenTelemetry's `TraceState` handling, "Probability Sampling". Both values are 56 bits; a threshold is
//! written without its trailing zeros, a randomness with all fourteen digits.

use super::tracestate::{MAX_PART, Tracestate};

const KEY: &str = "ot";
const DIGITS: usize = 14;

/// What the member says of sampling; a malformed field counts as absent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Probability {
    /// Traces whose randomness is below are not sampled.
    pub(crate) threshold: Option<u64>,
    /// The randomness to use in place of the trace id's.
    pub(crate) randomness: Option<u64>,
}

pub(crate) fn read(state: &Tracestate) -> Probability {
    let mut read = Probability::default();
    for (key, value) in fields(state) {
        match key {
            "th" => read.threshold = parse_threshold(value),
            "rv" => read.randomness = (value.len() == DIGITS).then(|| parse(value)).flatten(),
            _ => {}
        }
    }
    read
}

/// Writes both values, keeps what else the member holds, and puts it first where it changed.
pub(crate) fn write(state: &mut Tracestate, probability: Probability) {
    if read(state) == probability {
        return;
    }
    let mut member = Vec::new();
    if let Some(threshold) = probability.threshold {
        member.push(format!("th:{}", format_threshold(threshold)));
    }
    if let Some(randomness) = probability.randomness {
        member.push(format!("rv:{randomness:014x}"));
    }
    let own = member.len();
    let others = fields(state).filter(|(key, _)| !matches!(*key, "th" | "rv"));
    member.extend(others.map(|(key, value)| format!("{key}:{value}")));
    let mut text = member.join(";");
    if text.len() > MAX_PART {
        // A member that is too long would cost everybody theirs: what is not ours goes.
        text = member[..own].join(";");
    }
    state.set(KEY, Some(text.as_str()).filter(|text| !text.is_empty()));
}

fn fields(state: &Tracestate) -> impl Iterator<Item = (&str, &str)> {
    state
        .value(KEY)
        .unwrap_or_default()
        .split(';')
        .filter_map(|field| field.split_once(':'))
}

fn parse_threshold(text: &str) -> Option<u64> {
    let missing = DIGITS.checked_sub(text.len())?;
    Some(parse(text)? << (4 * missing))
}

fn parse(digits: &str) -> Option<u64> {
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (!digits.is_empty() && digits.bytes().all(hex)).then(|| u64::from_str_radix(digits, 16).ok())?
}

fn format_threshold(threshold: u64) -> String {
    let digits = format!("{threshold:014x}");
    let short = digits.trim_end_matches('0');
    // Zero, which samples everything, is one digit.
    if short.is_empty() { "0" } else { short }.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn state(text: &str) -> Tracestate {
        Tracestate::parse(std::iter::once(text.as_bytes())).unwrap()
    }

    #[test]
    fn reads_thresholds_without_their_trailing_zeros() {
        let read = read(&state("ot=th:c;rv:d29d6a7215ced0;pn:abc"));
        assert_eq!(read.threshold, Some(0xc0_0000_0000_0000));
        assert_eq!(read.randomness, Some(0xd2_9d6a_7215_ced0));
    }

    #[test]
    fn malformed_fields_are_absent() {
        for text in [
            "ot=th:;rv:12",
            "ot=th:C",
            "ot=th:123456789abcdef",
            "ot=rv:d29d6a7215ced0a",
            "ot=th",
            "ot=rv:+29d6a7215ced0",
        ] {
            assert_eq!(read(&state(text)), Probability::default(), "{text}");
        }
    }

    #[test]
    fn writing_keeps_the_other_fields_and_members() {
        let mut state = state("vendor=x,ot=pn:abc;th:8");
        write(
            &mut state,
            Probability {
                threshold: Some(0xc0_0000_0000_0000),
                randomness: None,
            },
        );
        assert_eq!(state.to_header().unwrap(), "ot=th:c;pn:abc,vendor=x");
        write(&mut state, Probability::default());
        assert_eq!(state.to_header().unwrap(), "ot=pn:abc,vendor=x");
    }

    #[test]
    fn a_member_never_grows_beyond_what_others_accept() {
        let mut state = state(&format!("ot=pn:{},vendor=x", "a".repeat(250)));
        let threshold = Some(0xc0_0000_0000_0001);
        write(
            &mut state,
            Probability {
                threshold,
                randomness: None,
            },
        );
        let header = state.to_header().unwrap();
        assert_eq!(header, "ot=th:c0000000000001,vendor=x");
        assert!(Tracestate::parse(std::iter::once(header.as_bytes())).is_some());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(threshold in proptest::option::of(0..1_u64 << 56), randomness in proptest::option::of(0..1_u64 << 56)) {
            let probability = Probability { threshold, randomness };
            let mut state = Tracestate::default();
            write(&mut state, probability);
            prop_assert_eq!(read(&state), probability);
        }
    }
}
