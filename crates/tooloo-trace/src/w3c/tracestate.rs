//! The `tracestate` header: what each vendor on the way wants to know again.

use http::{HeaderMap, HeaderValue};

use super::TRACESTATE;

/// List members a header may have; one more and all of it is discarded.
const MAX_MEMBERS: usize = 32;
/// Characters a key or a value may have.
pub(crate) const MAX_PART: usize = 256;

/// The members in order, each `key=value`, without white space or duplicates.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tracestate {
    text: String,
}

impl Tracestate {
    /// Joins all `tracestate` headers of a request; where one member is bad, there is none.
    pub(crate) fn extract(headers: &HeaderMap) -> Self {
        let mut parts = headers.get_all(&TRACESTATE).iter().peekable();
        if parts.peek().is_none() {
            return Self::default();
        }
        Self::parse(parts.map(HeaderValue::as_bytes)).unwrap_or_default()
    }

    pub(crate) fn parse<'a>(headers: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut text = String::new();
        let mut members = 0;
        for header in headers {
            let header = str::from_utf8(header).ok()?;
            for member in header.split(',') {
                let member = member.trim_matches([' ', '\t']);
                if member.is_empty() {
                    continue;
                }
                members += 1;
                let (key, value) = member.split_once('=')?;
                if members > MAX_MEMBERS || !is_key(key) || !is_value(value) {
                    return None;
                }
                if find(&text, key).is_none() {
                    push(&mut text, key, value);
                }
            }
        }
        Some(Self { text })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Returns the value under `key`.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        find(&self.text, key)
    }

    /// Puts `key=value` first, as the one who changes a member must; without a value it is removed.
    ///
    /// The last member is dropped where there would be too many.
    pub(crate) fn set(&mut self, key: &str, value: Option<&str>) {
        let mut text = String::with_capacity(self.text.len() + key.len() + 64);
        let mut room = MAX_MEMBERS;
        if let Some(value) = value {
            push(&mut text, key, value);
            room -= 1;
        }
        for (other, value) in members(&self.text)
            .filter(|(other, _)| *other != key)
            .take(room)
        {
            push(&mut text, other, value);
        }
        self.text = text;
    }

    /// Returns the header, or `None` where there are no members.
    pub(crate) fn to_header(&self) -> Option<HeaderValue> {
        (!self.text.is_empty())
            .then(|| HeaderValue::from_str(&self.text).expect("members are visible ASCII"))
    }
}

fn members(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(',').filter_map(|member| member.split_once('='))
}

fn find<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    members(text).find_map(|(other, value)| (other == key).then_some(value))
}

fn push(text: &mut String, key: &str, value: &str) {
    if !text.is_empty() {
        text.push(',');
    }
    text.push_str(key);
    text.push('=');
    text.push_str(value);
}

fn is_key(key: &str) -> bool {
    key.len() <= MAX_PART
        && key.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && key.bytes().all(
            |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@'),
        )
}

fn is_value(value: &str) -> bool {
    (1..=MAX_PART).contains(&value.len())
        && !value.ends_with(' ')
        && value
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b',' | b'='))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(headers: &[&str]) -> Option<String> {
        Tracestate::parse(headers.iter().map(|header| header.as_bytes())).map(|state| state.text)
    }

    #[test]
    fn joins_headers_in_order_and_trims() {
        assert_eq!(
            parse(&[" a=1 ,\tb=2", "", "c=3,,"]).as_deref(),
            Some("a=1,b=2,c=3")
        );
    }

    #[test]
    fn keeps_the_first_of_a_duplicate_key() {
        assert_eq!(parse(&["a=1,b=2", "a=3"]).as_deref(), Some("a=1,b=2"));
    }

    #[test]
    fn accepts_the_keys_and_values_of_level_two() {
        for member in ["0=x", "a@b=x", "t/e_n*a-n@t=x", "a=x y", "a=!~+", "k= lead"] {
            assert_eq!(parse(&[member]).as_deref(), Some(member));
        }
        let longest = format!("{}={}", "k".repeat(256), "v".repeat(256));
        assert_eq!(parse(&[&longest]), Some(longest));
    }

    #[test]
    fn one_bad_member_discards_all() {
        let too_long = format!("a={}", "v".repeat(257));
        for bad in [
            "a", "=1", "a=", "A=1", "_a=1", "a b=1", "a=1=2", "a=\u{e4}", "a=\u{7f}", &too_long,
        ] {
            assert_eq!(parse(&["good=1", bad]), None, "{bad}");
        }
    }

    #[test]
    fn more_than_32_members_discard_all() {
        let many: Vec<String> = (0..33).map(|n| format!("k{n}=v")).collect();
        assert_eq!(parse(&[&many.join(",")]), None);
        assert!(parse(&[&many[..32].join(",")]).is_some());
    }

    #[test]
    fn a_changed_member_comes_first_and_the_bound_holds() {
        let many: Vec<String> = (0..32).map(|n| format!("k{n}=v")).collect();
        let mut state = Tracestate {
            text: many.join(","),
        };
        state.set("k7", Some("w"));
        assert!(state.text.starts_with("k7=w,k0=v,"));
        assert_eq!(members(&state.text).count(), 32);
        state.set("ot", Some("th:8"));
        assert!(state.text.starts_with("ot=th:8,k7=w,"));
        assert_eq!(members(&state.text).count(), 32);
        state.set("ot", None);
        assert!(state.text.starts_with("k7=w,"));
    }

    proptest! {
        #[test]
        fn no_input_panics_and_what_is_kept_is_kept_again(headers in proptest::collection::vec("[a-c=, \\t~é]{0,12}", 0..6)) {
            let bytes = headers.iter().map(String::as_bytes);
            if let Some(state) = Tracestate::parse(bytes) {
                prop_assert_eq!(parse(&[&state.text]), Some(state.text.clone()));
                let mut keys: Vec<_> = members(&state.text).map(|(key, _)| key).collect();
                let count = keys.len();
                keys.sort_unstable();
                keys.dedup();
                prop_assert_eq!(keys.len(), count);
                let _ = state.to_header();
            }
        }

        #[test]
        fn no_bytes_panic(header in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Tracestate::parse(std::iter::once(&header[..]));
        }
    }
}
