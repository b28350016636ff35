//! The `traceparent` and `traceresponse` headers.

use http::{HeaderMap, HeaderValue};

use super::{TRACEPARENT, hex};
use crate::{SpanId, TraceId, context::Flags};

/// Characters of a version 00 header; a higher version has at least as many.
const LENGTH: usize = 55;

/// What a caller says of the trace it is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Parent {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) flags: Flags,
}

/// Reads the one `traceparent` of a request; several are as bad as none.
pub(crate) fn extract(headers: &HeaderMap) -> Option<Parent> {
    let mut values = headers.get_all(&TRACEPARENT).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    parse(value.as_bytes())
}

/// Parses by fixed offsets: `version-trace_id-span_id-flags`.
pub(crate) fn parse(text: &[u8]) -> Option<Parent> {
    if text.len() < LENGTH || text[2] != b'-' || text[35] != b'-' || text[52] != b'-' {
        return None;
    }
    let [version] = hex::decode(&text[..2])?;
    match version {
        0 if text.len() != LENGTH => return None,
        0xff => return None,
        // A later version may append fields, behind a dash.
        1.. if text.len() > LENGTH && text[LENGTH] != b'-' => return None,
        _ => {}
    }
    let [flags] = hex::decode(&text[53..LENGTH])?;
    Some(Parent {
        trace_id: TraceId::from_bytes(hex::decode(&text[3..35])?)?,
        span_id: SpanId::from_bytes(hex::decode(&text[36..52])?)?,
        flags: Flags::known(flags),
    })
}

/// Writes a version 00 header value.
#[inline]
pub(crate) fn format(trace_id: TraceId, span_id: SpanId, flags: Flags) -> HeaderValue {
    let mut ids = [0; 24];
    ids[..16].copy_from_slice(&trace_id.to_bytes());
    ids[16..].copy_from_slice(&span_id.to_bytes());
    let digits = hex::encode(&ids);
    let (trace_id, span_id) = digits.as_flattened().split_at(32);
    let [flags] = hex::encode(&[flags.bits()]);
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    text[3..35].copy_from_slice(trace_id);
    text[36..52].copy_from_slice(span_id);
    text[53..].copy_from_slice(&flags);
    HeaderValue::from_bytes(&text).expect("hex and dashes make a header value")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VALID: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn reads_what_it_writes() {
        let parent = parse(VALID.as_bytes()).unwrap();
        assert!(parent.flags.sampled());
        assert_eq!(format(parent.trace_id, parent.span_id, parent.flags), VALID);
    }

    #[test]
    fn refuses_what_the_recommendation_refuses() {
        for (text, why) in [
            ("", "empty"),
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
                "short",
            ),
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
                "version 00 is 55 long",
            ),
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
                "version 00 has no more fields",
            ),
            (
                "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "version ff",
            ),
            (
                "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.x",
                "no dash after the flags",
            ),
            (
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                "no trace id",
            ),
            (
                "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                "no span id",
            ),
            (
                "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                "upper case",
            ),
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0X",
                "no hex",
            ),
            (
                "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "no dash",
            ),
            (
                " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "leading space",
            ),
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{why}");
        }
    }

    #[test]
    fn reads_a_later_version_as_this_one() {
        let read = parse(VALID.as_bytes());
        assert_eq!(parse(VALID.replacen("00", "cc", 1).as_bytes()), read);
        assert_eq!(
            parse(format!("{}-what", VALID.replacen("00", "cc", 1)).as_bytes()),
            read
        );
    }

    #[test]
    fn clears_flags_that_this_level_does_not_define() {
        let text = VALID.replace("-01", "-ff");
        assert_eq!(parse(text.as_bytes()).unwrap().flags.bits(), 0b11);
    }

    #[test]
    fn refuses_two_headers() {
        let mut headers = HeaderMap::new();
        headers.append("traceparent", HeaderValue::from_static(VALID));
        assert!(extract(&headers).is_some());
        headers.append("traceparent", HeaderValue::from_static(VALID));
        assert_eq!(extract(&headers), None);
    }

    proptest! {
        #[test]
        fn no_input_panics(text in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse(&text);
        }

        #[test]
        fn a_damaged_header_is_refused_or_reads_as_itself(at in 0_usize..55, byte in any::<u8>()) {
            let mut text = VALID.as_bytes().to_vec();
            text[at] = byte;
            if let Some(parent) = parse(&text) {
                let written = format(parent.trace_id, parent.span_id, parent.flags);
                // All but the version and undefined flag bits come back.
                prop_assert_eq!(&written.as_bytes()[2..53], &text[2..53]);
            }
        }

        #[test]
        fn every_context_survives_the_wire(trace in 1_u128.., span in 1_u64.., bits in 0_u8..4) {
            let trace_id = TraceId::from_bytes(trace.to_be_bytes()).unwrap();
            let span_id = SpanId::from_bytes(span.to_be_bytes()).unwrap();
            let flags = Flags::known(bits);
            let written = format(trace_id, span_id, flags);
            prop_assert_eq!(parse(written.as_bytes()), Some(Parent { trace_id, span_id, flags }));
        }
    }
}
