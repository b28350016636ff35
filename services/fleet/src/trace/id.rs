//! A trace's id, as people paste it.

use std::{fmt, str::FromStr};

const DIGITS: usize = 32;

/// 32 lower-case hexadecimal digits, not all of them zero.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct TraceId(String);

impl FromStr for TraceId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let id = match *text.trim().split('-').collect::<Vec<_>>().as_slice() {
            [id] => id,
            // As in a traceparent or a traceresponse: version, trace, span, flags.
            [version, id, span, flags]
                if (version.len(), span.len(), flags.len()) == (2, 16, 2) =>
            {
                id
            }
            _ => return Err(malformed(text)),
        };
        if id.len() != DIGITS || !id.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(malformed(text));
        }
        if id.bytes().all(|digit| digit == b'0') {
            return Err("a trace id of nothing but zeros names no trace".to_owned());
        }
        Ok(Self(id.to_ascii_lowercase()))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn malformed(text: &str) -> String {
    format!(
        "{text:?} is no trace id: {DIGITS} hexadecimal digits are expected, as in 0af7651916cd43dd8448eb211c80319c"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn takes_an_id_or_the_header_it_came_in() {
        for text in [
            ID.to_owned(),
            ID.to_uppercase(),
            format!(" {ID}\n"),
            format!("00-{ID}-00f067aa0ba902b7-01"),
        ] {
            assert_eq!(text.parse::<TraceId>().unwrap().to_string(), ID, "{text:?}");
        }
    }

    #[test]
    fn refuses_what_is_none_and_says_why() {
        let cut = &ID[1..];
        for text in [
            "",
            "xyz",
            cut,
            &format!("{ID}0"),
            &format!("00-{ID}"),
            &ID.replace('0', "g"),
            "日本日本日本日本日本日",
        ] {
            let error = text.parse::<TraceId>().unwrap_err();
            assert!(
                error.contains("no trace id") && error.contains(&format!("{text:?}")),
                "{error}"
            );
        }
        let error = "0".repeat(32).parse::<TraceId>().unwrap_err();
        assert!(error.contains("zeros"), "{error}");
    }
}
