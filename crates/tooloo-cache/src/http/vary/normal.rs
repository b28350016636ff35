//! One way to write what has several, so that requests that mean the same select the same.

use http::{HeaderMap, HeaderName};

use crate::http::list;

/// Appends a field of a request: whether it is there, and its members, normalised.
pub(super) fn push(key: &mut String, name: &HeaderName, request: &HeaderMap) {
    if !request.contains_key(name) {
        return;
    }
    key.push('=');
    let members = list::members(request, name);
    match name.as_str() {
        // Their order means nothing (RFC 9110 §12.5.3), and one without a weight has the weight one.
        "accept-encoding" | "accept-charset" => {
            let mut members: Vec<_> = members.map(preference).collect();
            members.sort_unstable();
            members.dedup();
            join(key, members.into_iter());
        }
        "accept" | "accept-language" => join(key, members.map(preference)),
        _ => join(key, members.map(text)),
    }
}

fn join(key: &mut String, members: impl Iterator<Item = String>) {
    for (at, member) in members.enumerate() {
        if at > 0 {
            key.push(',');
        }
        key.push_str(&member);
    }
}

/// Writes bytes as text, each byte above ASCII as a letter of its own.
fn text(member: &[u8]) -> String {
    member.iter().copied().map(char::from).collect()
}

/// Writes a member with a weight: names in lower case, no blanks, no needless digits.
fn preference(member: &[u8]) -> String {
    if member.contains(&b'"') {
        return text(member);
    }
    let mut written = String::with_capacity(member.len());
    for (at, part) in member.split(|byte| *byte == b';').enumerate() {
        let part = text(part.trim_ascii()).to_ascii_lowercase();
        let weight = part.strip_prefix("q=").filter(|_| at > 0);
        let Some(weight) = weight else {
            if at > 0 {
                written.push(';');
            }
            written.push_str(&part);
            continue;
        };
        let weight = match weight.split_once('.') {
            Some(_) => weight.trim_end_matches('0').trim_end_matches('.'),
            None => weight,
        };
        if weight != "1" {
            written.push_str(";q=");
            written.push_str(weight);
        }
    }
    written
}
