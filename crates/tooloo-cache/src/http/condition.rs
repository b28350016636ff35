//! Conditional requests: answered from the store, RFC 9111 §4.3.2, and made by it, §4.3.1.

use std::time::SystemTime;

use http::{HeaderMap, HeaderValue, header};

use super::date;

/// The validators of a stored response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Validators {
    pub(crate) etag: Option<HeaderValue>,
    pub(crate) last_modified: Option<SystemTime>,
    last_modified_field: Option<HeaderValue>,
    date: Option<SystemTime>,
}

impl Validators {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut etags = headers.get_all(header::ETAG).iter();
        // Of two tags nobody knows which one is meant.
        let etag = etags.next().filter(|etag| is_etag(etag.as_bytes()));
        let last_modified = date::of(headers, &header::LAST_MODIFIED).at();
        Self {
            etag: etag.filter(|_| etags.next().is_none()).cloned(),
            last_modified,
            last_modified_field: last_modified
                .and_then(|_| headers.get(header::LAST_MODIFIED).cloned()),
            date: date::of(headers, &header::DATE).at(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }

    /// Makes a request ask whether the response is still good; without validators, for a new one.
    pub(crate) fn ask(&self, request: &mut HeaderMap) {
        strip(request);
        if let Some(etag) = &self.etag {
            request.insert(header::IF_NONE_MATCH, etag.clone());
        }
        if let Some(field) = &self.last_modified_field {
            request.insert(header::IF_MODIFIED_SINCE, field.clone());
        }
    }

    /// Tells whether the client that asks has this response already.
    #[inline]
    pub(crate) fn are_known_to(&self, request: &HeaderMap) -> bool {
        if request.contains_key(header::IF_NONE_MATCH) {
            let mut lines = request.get_all(header::IF_NONE_MATCH).iter();
            return lines.any(|line| self.matches(line.as_bytes()));
        }
        if !request.contains_key(header::IF_MODIFIED_SINCE) {
            return false;
        }
        let since = date::of(request, &header::IF_MODIFIED_SINCE).at();
        let changed = self.last_modified.or(self.date);
        since
            .zip(changed)
            .is_some_and(|(since, changed)| changed <= since)
    }

    /// Tells whether a range of this response completes what the client has, RFC 9110 §13.1.5.
    pub(crate) fn allow_range(&self, request: &HeaderMap) -> bool {
        let mut lines = request.get_all(header::IF_RANGE).iter();
        let Some(line) = lines.next() else {
            return true;
        };
        if lines.next().is_some() {
            return false;
        }
        if is_etag(line.as_bytes()) {
            let strong = !line.as_bytes().starts_with(b"W/");
            return strong && self.etag.as_ref() == Some(line);
        }
        let Some(asked) = date::parse(line) else {
            return false;
        };
        // A date is a strong validator only where a second change in its second was not possible
        // (RFC 9110 §8.8.2.2).
        let minute = std::time::Duration::from_secs(60);
        match (self.last_modified, self.date) {
            (Some(changed), Some(date)) => changed == asked && date >= changed + minute,
            _ => false,
        }
    }

    /// Tells whether a 304 that carries these fields is about this response, RFC 9111 §4.3.4.
    pub(crate) fn are_confirmed_by(&self, headers: &HeaderMap) -> bool {
        let other = Self::of(headers);
        match (&self.etag, &other.etag) {
            (Some(one), Some(other)) => weak(one.as_bytes()) == weak(other.as_bytes()),
            (None, Some(_)) => false,
            _ => match (self.last_modified, other.last_modified) {
                (Some(one), Some(other)) => one == other,
                _ => true,
            },
        }
    }

    fn matches(&self, line: &[u8]) -> bool {
        if line.trim_ascii() == b"*" {
            return true;
        }
        let Some(own) = &self.etag else {
            return false;
        };
        let own = weak(own.as_bytes());
        etags(line).any(|etag| etag == own)
    }
}

/// Takes the conditions and ranges of a request away: what is asked for is to be stored as a whole.
pub(crate) fn strip(request: &mut HeaderMap) {
    for name in [
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_RANGE,
        header::RANGE,
    ] {
        request.remove(name);
    }
}

/// Tells whether only the origin can decide about the request, RFC 9111 §4.3.2.
#[inline]
pub(crate) fn is_for_origin(request: &HeaderMap) -> bool {
    request.contains_key(header::IF_MATCH) || request.contains_key(header::IF_UNMODIFIED_SINCE)
}

/// Returns the opaque tag with its quotes, RFC 9110 §8.8.3.2.
fn weak(etag: &[u8]) -> &[u8] {
    etag.strip_prefix(b"W/").unwrap_or(etag)
}

fn is_etag(etag: &[u8]) -> bool {
    let inside = weak(etag)
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    inside.is_some_and(|inside| !inside.contains(&b'"') && !inside.contains(&b' '))
}

/// Returns the opaque tags of a list up to where it is broken; a tag may hold commas.
fn etags(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let start = rest.iter().position(|byte| !b" \t,".contains(byte))?;
        let tag = weak(&rest[start..]);
        let inside = tag.strip_prefix(b"\"")?;
        let end = inside.iter().position(|byte| *byte == b'"')? + 2;
        rest = &tag[end..];
        Some(&tag[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(fields: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        let fields = fields.iter();
        fields
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn tags_are_compared_weakly_for_a_304() {
        let validators = Validators::of(&map(&[(header::ETAG, "W/\"a,b\"")]));
        for known in ["\"a,b\"", "W/\"a,b\"", "\"x\", \"a,b\"", "*", " , \"a,b\""] {
            let request = map(&[(header::IF_NONE_MATCH, known)]);
            assert!(validators.are_known_to(&request), "{known}");
        }
        for other in ["\"a\"", "a,b", "\"x", "x \"a,b\"", "w/\"a,b\"", ""] {
            let request = map(&[(header::IF_NONE_MATCH, other)]);
            assert!(!validators.are_known_to(&request), "{other}");
        }
    }

    #[test]
    fn a_tag_in_doubt_is_none() {
        for tag in ["abc", "\"a", "\"a\"b\"", "W/abc", "", "\"a b\""] {
            assert!(
                Validators::of(&map(&[(header::ETAG, tag)])).is_empty(),
                "{tag}"
            );
        }
        let mut two = map(&[(header::ETAG, "\"a\"")]);
        two.append(header::ETAG, HeaderValue::from_static("\"b\""));
        assert!(Validators::of(&two).is_empty());
    }
}
