//! Directives for one kind of cache, RFC 9213: structured fields such as `CDN-Cache-Control`.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use super::{
    directive::{Scope, Seconds, delta_seconds},
    response::ResponseDirectives,
};

/// Reads a targeted field; `None` where it is empty or no dictionary, and is to be ignored (§2.2).
pub(crate) fn parse(headers: &HeaderMap, name: &HeaderName) -> Option<ResponseDirectives> {
    let lines: Vec<&[u8]> = headers
        .get_all(name)
        .iter()
        .map(http::HeaderValue::as_bytes)
        .collect();
    let dictionary: Dictionary = Parser::new(&lines.join(&b", "[..])).parse().ok()?;
    if dictionary.is_empty() {
        return None;
    }
    let mut read = ResponseDirectives {
        targeted: true,
        ..ResponseDirectives::default()
    };
    for (key, member) in &dictionary {
        take(&mut read, key.as_str(), member);
    }
    Some(read)
}

fn take(read: &mut ResponseDirectives, name: &str, member: &ListEntry) {
    let value = match member {
        ListEntry::Item(item) => Some(&item.bare_item),
        ListEntry::InnerList(_) => None,
    };
    if let Some(seconds) = read.seconds_of(|known| known == name) {
        *seconds = value.map_or(Seconds::Broken, self::seconds);
        return;
    }
    // One that forbids counts unless it is false; one that allows only where it is true.
    let said = !matches!(value, Some(BareItem::Boolean(false)));
    match name {
        "no-store" => read.no_store = said,
        "no-cache" if said => read.no_cache = scope(value),
        "private" if said => read.private = scope(value),
        "public" => read.public = matches!(value, Some(BareItem::Boolean(true))),
        "must-revalidate" => read.must_revalidate = said,
        "proxy-revalidate" => read.proxy_revalidate = said,
        "must-understand" => read.must_understand = said,
        _ => {}
    }
}

fn seconds(value: &BareItem) -> Seconds {
    let BareItem::Integer(seconds) = value else {
        return Seconds::Broken;
    };
    // An integer of a structured field may be negative: that is no age.
    let digits = i64::from(*seconds).to_string();
    delta_seconds(digits.as_bytes()).map_or(Seconds::Broken, |time: Duration| Seconds::Given(time))
}

fn scope(value: Option<&BareItem>) -> Scope {
    match value {
        Some(BareItem::String(names)) => Scope::of_names(names.as_str().as_bytes()),
        _ => Scope::Whole,
    }
}
