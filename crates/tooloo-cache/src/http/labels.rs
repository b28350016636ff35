//! The names that a response can be purged by: tags, and groups of its origin, RFC 9875.

use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{BareItem, List, ListEntry, Parser};

use super::{config::HttpCacheConfig, key::PrimaryKey, list};

pub(crate) const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
pub(crate) const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");
const CACHE_GROUPS: HeaderName = HeaderName::from_static("cache-groups");
const CACHE_GROUP_INVALIDATION: HeaderName = HeaderName::from_static("cache-group-invalidation");

/// The tags and groups of a response.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Labels {
    pub(crate) tags: Vec<Box<str>>,
    /// With their origin, so that no other one can purge them.
    pub(crate) groups: Vec<Box<str>>,
}

impl Labels {
    /// Reads them; `None` where they are more or longer than the bounds, or no text.
    pub(crate) fn of(
        headers: &HeaderMap,
        key: &PrimaryKey,
        config: &HttpCacheConfig,
    ) -> Option<Self> {
        let commas = list::members(headers, &CACHE_TAG);
        let blanks = headers.get_all(SURROGATE_KEY).into_iter();
        let blanks = blanks.flat_map(|line| line.as_bytes().split(u8::is_ascii_whitespace));
        let tags = commas.chain(blanks).filter(|tag| !tag.is_empty());
        let tags: Option<Vec<Box<str>>> = tags
            .map(|tag| std::str::from_utf8(tag).ok().map(Box::from))
            .collect();
        let tags = tags?;
        let names = groups(headers, &CACHE_GROUPS);
        let bound = config.max_tag_bytes.get();
        let long = |name: &str| name.len() > bound;
        if tags.len() + names.len() > config.max_tags.get()
            || tags.iter().any(|tag| long(tag))
            || names.iter().any(|name| long(name))
        {
            return None;
        }
        let groups = names.iter().map(|name| key.group(name)).collect();
        Some(Self { tags, groups })
    }

    /// Reads the groups that the answer to an unsafe request invalidates, RFC 9875 §3.
    pub(crate) fn invalidated(headers: &HeaderMap, key: &PrimaryKey) -> Vec<Box<str>> {
        let names = groups(headers, &CACHE_GROUP_INVALIDATION);
        names.iter().map(|name| key.group(name)).collect()
    }
}

/// Reads a list of strings; one that is anything else is ignored (§2).
fn groups(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    if !headers.contains_key(name) {
        return Vec::new();
    }
    let lines: Vec<&[u8]> = headers
        .get_all(name)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    let Ok(list) = Parser::new(&lines.join(&b", "[..])).parse::<List>() else {
        return Vec::new();
    };
    let names: Option<Vec<String>> = list
        .iter()
        .map(|member| match member {
            ListEntry::Item(item) => match &item.bare_item {
                BareItem::String(name) => Some(name.as_str().to_owned()),
                _ => None,
            },
            ListEntry::InnerList(_) => None,
        })
        .collect();
    names.unwrap_or_default()
}
