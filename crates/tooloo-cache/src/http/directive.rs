//! One cache directive, RFC 9111 §5.2: a name, and a token or a quoted string.

use std::{borrow::Cow, time::Duration};

use http::HeaderName;

use super::list;

/// The longest age that is told apart, RFC 9111 §1.2.2.
const LONGEST: u64 = 1 << 31;

/// A directive of `Cache-Control` or of a field like it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Directive<'a> {
    name: &'a [u8],
    value: Option<Cow<'a, [u8]>>,
}

/// A number of seconds as a directive gave it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Seconds {
    /// The directive is not there.
    #[default]
    Absent,
    /// It is there once, or several times alike.
    Given(Duration),
    /// It is no number, or several that differ.
    Broken,
}

/// Whether a directive is there, and for which fields.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Scope {
    #[default]
    Absent,
    /// Only for these fields.
    Fields(Vec<HeaderName>),
    /// For the whole message.
    Whole,
}

impl<'a> Directive<'a> {
    /// Reads a member of a list; `None` where it is no directive.
    pub(crate) fn parse(member: &'a [u8]) -> Option<Self> {
        let end = member.iter().position(|byte| *byte == b'=');
        let (name, value) = match end {
            Some(end) => (&member[..end], Some(unquoted(&member[end + 1..])?)),
            None => (member, None),
        };
        list::is_token(name).then_some(Self { name, value })
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Reads delta-seconds; a huge number is the longest age.
    pub(crate) fn seconds(&self) -> Seconds {
        let value = self.value.as_deref().unwrap_or_default();
        delta_seconds(value).map_or(Seconds::Broken, Seconds::Given)
    }

    pub(crate) fn has_value(&self) -> bool {
        self.value.is_some()
    }

    /// Reads names of fields; any that cannot be one widens the directive to the whole message.
    pub(crate) fn scope(&self) -> Scope {
        self.value.as_deref().map_or(Scope::Whole, Scope::of_names)
    }
}

impl Seconds {
    /// Adds what another directive of the same name said.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Absent, other) | (other, Self::Absent) => other,
            (one, other) if one == other => one,
            _ => Self::Broken,
        }
    }

    /// Returns the time, where there is one to rely on.
    pub(crate) fn given(self) -> Option<Duration> {
        match self {
            Self::Given(time) => Some(time),
            Self::Absent | Self::Broken => None,
        }
    }

    /// Returns the time, or none at all where what was said is broken.
    pub(crate) fn or_zero(self) -> Option<Duration> {
        match self {
            Self::Absent => None,
            Self::Given(time) => Some(time),
            Self::Broken => Some(Duration::ZERO),
        }
    }
}

impl Scope {
    pub(crate) fn of_names(names: &[u8]) -> Self {
        let names: Result<Vec<_>, _> = list::split(names).map(HeaderName::from_bytes).collect();
        match names {
            Ok(names) if !names.is_empty() => Self::Fields(names),
            _ => Self::Whole,
        }
    }

    pub(crate) fn is_whole(&self) -> bool {
        *self == Self::Whole
    }

    pub(crate) fn fields(&self) -> &[HeaderName] {
        match self {
            Self::Fields(names) => names,
            Self::Absent | Self::Whole => &[],
        }
    }

    /// Adds what another directive of the same name said.
    pub(crate) fn widen(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Whole, _) | (_, Self::Absent) => {}
            (Self::Fields(names), Self::Fields(more)) => names.extend(more),
            (_, other) => *self = other,
        }
    }
}

/// Reads a number of seconds of RFC 9111 §1.2.2.
pub(crate) fn delta_seconds(value: &[u8]) -> Option<Duration> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let seconds = value.iter().fold(0_u64, |seconds, digit| {
        (seconds * 10 + u64::from(digit - b'0')).min(LONGEST)
    });
    Some(Duration::from_secs(seconds))
}

/// Reads a token or a quoted string; `None` where it is neither.
fn unquoted(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let Some(quoted) = value.strip_prefix(b"\"") else {
        return list::is_token(value).then_some(Cow::Borrowed(value));
    };
    let inside = quoted.strip_suffix(b"\"")?;
    let mut text = Vec::new();
    let mut bytes = inside.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return None,
            b'\\' => text.push(bytes.next()?),
            byte => text.push(byte),
        }
    }
    Some(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(member: &str) -> Seconds {
        let directive = Directive::parse(member.as_bytes());
        directive.map_or(Seconds::Broken, |directive| directive.seconds())
    }

    #[test]
    fn reads_tokens_and_quoted_numbers_and_nothing_else() {
        let ten = Seconds::Given(Duration::from_secs(10));
        for member in [
            "max-age=10",
            "MAX-AGE=\"10\"",
            "max-age=\"1\\0\"",
            "max-age=010",
        ] {
            assert_eq!(seconds(member), ten, "{member}");
        }
        for member in [
            "max-age",
            "max-age=",
            "max-age=-1",
            "max-age=1.5",
            "max-age=ten",
            "max-age =10",
            "max-age= 10",
            "max-age=\"10",
            "max-age=10\"",
            "max-age=\"1\"0",
            "max-age=1 0",
            "=10",
            "max-age=\"10\\\"",
        ] {
            assert_eq!(seconds(member), Seconds::Broken, "{member}");
        }
    }

    #[test]
    fn a_huge_number_is_the_longest_age() {
        let longest = Seconds::Given(Duration::from_secs(2_147_483_648));
        for member in [
            "a=2147483648",
            "a=4294967296",
            "a=99999999999999999999999999",
        ] {
            assert_eq!(seconds(member), longest, "{member}");
        }
    }

    #[test]
    fn a_name_that_cannot_be_a_field_widens_the_scope() {
        let scope = |member: &'static str| Directive::parse(member.as_bytes()).unwrap().scope();
        assert_eq!(scope("private"), Scope::Whole);
        assert_eq!(scope("private=\"\""), Scope::Whole);
        assert_eq!(scope("private=\"a, b c\""), Scope::Whole);
        assert_eq!(
            scope("private=\"X-A, x-b\""),
            Scope::Fields(vec![
                HeaderName::from_static("x-a"),
                HeaderName::from_static("x-b")
            ])
        );
    }
}
