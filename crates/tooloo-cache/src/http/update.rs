//! New fields for a stored response, RFC 9111 §3.2.

use http::{HeaderMap, HeaderName, header};

use super::hop;

/// What is about the stored body, which stays.
const ABOUT_THE_BODY: [HeaderName; 3] = [
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::CONTENT_RANGE,
];

/// Returns the stored fields with those that a 304 or the answer to a HEAD brings in their places.
pub(crate) fn merge(stored: &HeaderMap, mut brought: HeaderMap) -> HeaderMap {
    hop::strip(&mut brought);
    for name in ABOUT_THE_BODY {
        brought.remove(name);
    }
    let mut merged = stored.clone();
    // An age is of one answer: the stored one's must not outlive it.
    merged.remove(header::AGE);
    for name in brought.keys() {
        merged.remove(name);
    }
    let mut last = None;
    for (name, value) in brought {
        // Further values of a field come without its name.
        last = name.or(last);
        if let Some(name) = &last {
            merged.append(name.clone(), value);
        }
    }
    merged
}
