//! Lists in header fields: members parted by commas, over all of a field's lines.

use http::{HeaderMap, HeaderName};

/// Returns the members of a list field; empty ones are left out, quoted commas part nothing.
///
/// A quoted string that does not end swallows the rest of its line: whoever reads the member sees
/// that it is broken.
pub(crate) fn members<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let lines = headers.get_all(name).into_iter();
    lines.flat_map(|line| split(line.as_bytes()))
}

/// Returns the members of one line.
pub(crate) fn split(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        loop {
            let (member, after) = cut(rest?);
            rest = after;
            let member = member.trim_ascii();
            if !member.is_empty() {
                return Some(member);
            }
        }
    })
}

fn cut(line: &[u8]) -> (&[u8], Option<&[u8]>) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in line.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return (&line[..at], Some(&line[at + 1..])),
            _ => {}
        }
    }
    (line, None)
}

/// Tells whether a byte may stand in a token of RFC 9110 §5.6.2.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Tells whether these bytes are a token of RFC 9110 §5.6.2.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().copied().all(is_token_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_text(line: &str) -> Vec<&str> {
        split(line.as_bytes())
            .map(|member| std::str::from_utf8(member).unwrap())
            .collect()
    }

    #[test]
    fn commas_part_members_but_not_within_quotes() {
        assert_eq!(split_text(" a , ,b=\"1,2\",,c "), ["a", "b=\"1,2\"", "c"]);
        assert_eq!(split_text(r#"a="\",", b"#), [r#"a="\",""#, "b"]);
        assert_eq!(split_text("a=\"1, b"), ["a=\"1, b"]);
        assert!(split_text(" , ,").is_empty());
    }
}
