//! The `baggage` header: names and values that travel with a request.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::BAGGAGE;

/// Bytes that a header of ours has at the most.
const MAX_BYTES: usize = 8192;
/// List members that a header of ours has at the most.
const MAX_MEMBERS: usize = 64;

/// What a value must escape, besides what is not ASCII.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b',')
    .add(b';')
    .add(b'\\')
    .add(b'%');

/// Names and values that a request carries through every service it reaches.
///
/// At most 64 members and 8192 bytes, as W3C Baggage has it: what would exceed them is left out.
/// Baggage is sent to whoever is called, so it is no place for secrets.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Baggage {
    // As in the header: `key=value;properties`, values percent-encoded.
    members: Vec<String>,
}

impl Baggage {
    /// Creates baggage without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads all `baggage` headers of a request; a malformed member is left out.
    pub(crate) fn extract(headers: &HeaderMap) -> Self {
        let mut baggage = Self::default();
        let mut bytes = 0;
        for header in headers.get_all(&BAGGAGE) {
            let Ok(header) = header.to_str() else {
                continue;
            };
            for member in header.split(',').filter_map(parse) {
                bytes += member.len() + 1;
                if bytes > MAX_BYTES + 1 || baggage.members.len() == MAX_MEMBERS {
                    return baggage;
                }
                baggage.members.push(member);
            }
        }
        baggage
    }

    /// Returns the value under `key`, decoded.
    pub fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        self.iter()
            .find_map(|(other, value)| (other == key).then_some(value))
    }

    /// Returns every name with its value, decoded, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.members.iter().filter_map(|member| {
            let (key, value) = member.split_once('=')?;
            let value = value.split(';').next().unwrap_or(value);
            Some((key, percent_decode_str(value).decode_utf8_lossy()))
        })
    }

    /// Sets `key` to `value`, in place of the value it had.
    ///
    /// Returns false, and changes nothing, where `key` is no HTTP token or the limits are reached.
    pub fn insert(&mut self, key: &str, value: &str) -> bool {
        if !is_token(key) {
            return false;
        }
        let member = format!("{key}={}", utf8_percent_encode(value, ESCAPED));
        let place = self.members.iter().position(|other| key_of(other) == key);
        let others = self
            .members
            .iter()
            .enumerate()
            .filter(|(at, _)| Some(*at) != place);
        let (count, bytes) = others.fold((1, member.len()), |(count, bytes), (_, other)| {
            (count + 1, bytes + other.len() + 1)
        });
        if count > MAX_MEMBERS || bytes > MAX_BYTES {
            return false;
        }
        match place {
            Some(at) => self.members[at] = member,
            None => self.members.push(member),
        }
        true
    }

    /// Returns whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn to_header(&self) -> Option<HeaderValue> {
        (!self.members.is_empty()).then(|| {
            HeaderValue::from_str(&self.members.join(",")).expect("members are visible ASCII")
        })
    }
}

/// Returns a list member without its optional white space.
fn parse(member: &str) -> Option<String> {
    let mut parts = member.split(';');
    let (key, value) = pair(parts.next()?)?;
    let mut text = format!("{key}={}", value?);
    for property in parts {
        let (key, value) = pair(property)?;
        text.push(';');
        text.push_str(key);
        if let Some(value) = value {
            text.push('=');
            text.push_str(value);
        }
    }
    Some(text)
}

fn pair(text: &str) -> Option<(&str, Option<&str>)> {
    let space = [' ', '\t'];
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, Some(value.trim_matches(space))),
        None => (text, None),
    };
    let key = key.trim_matches(space);
    (is_token(key) && value.is_none_or(is_value)).then_some((key, value))
}

fn key_of(member: &str) -> &str {
    member.split('=').next().unwrap_or(member)
}

fn is_token(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn is_value(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| matches!(byte, b'!'..=b'~') && !matches!(byte, b'"' | b',' | b';' | b'\\'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn extract(headers: &[&str]) -> Baggage {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append("baggage", HeaderValue::from_str(header).unwrap());
        }
        Baggage::extract(&map)
    }

    #[test]
    fn reads_members_values_and_keeps_properties() {
        let baggage = extract(&["user = am%C3%A9lie ; ttl=5;secure , tenant=7", "empty="]);
        assert_eq!(baggage.get("user").unwrap(), "am\u{e9}lie");
        assert_eq!(baggage.get("tenant").unwrap(), "7");
        assert_eq!(baggage.get("empty").unwrap(), "");
        assert_eq!(
            baggage.to_header().unwrap(),
            "user=am%C3%A9lie;ttl=5;secure,tenant=7,empty="
        );
    }

    #[test]
    fn leaves_out_malformed_members() {
        let baggage = extract(&["ok=1,=2,no,a b=3,c=\"4\",d=5;;"]);
        assert_eq!(baggage.to_header().unwrap(), "ok=1");
    }

    #[test]
    fn keeps_to_its_limits() {
        let many: Vec<_> = (0..70).map(|n| format!("k{n}=v")).collect();
        assert_eq!(extract(&[&many.join(",")]).iter().count(), 64);
        let big = format!("a=1,b={},c=3", "x".repeat(8190));
        assert_eq!(extract(&[&big]).to_header().unwrap(), "a=1");
        let mut baggage = extract(&[&many[..64].join(",")]);
        assert!(!baggage.insert("one-more", "v"));
        assert!(baggage.insert("k7", "changed"));
        assert_eq!(baggage.get("k7").unwrap(), "changed");
    }

    proptest! {
        #[test]
        fn any_value_survives_the_wire(value in any::<String>()) {
            let mut baggage = Baggage::new();
            if baggage.insert("key", &value) {
                let header = baggage.to_header().unwrap();
                let read = extract(&[header.to_str().unwrap()]);
                prop_assert_eq!(read.get("key").unwrap(), value);
            }
        }

        #[test]
        fn no_input_panics(header in "[a-z=;, %\t\"]{0,40}") {
            let read = extract(&[&header]);
            let _ = read.to_header();
            let _ = read.iter().count();
        }
    }
}
