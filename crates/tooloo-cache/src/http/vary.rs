//! Which of several responses a request selects, RFC 9111 §4.1.

mod names;
mod normal;

use std::sync::Arc;

use http::{HeaderMap, HeaderName, header};
use serde::{Deserialize, Serialize};

use super::{config::HttpCacheConfig, key::END, list};

/// What a response varies on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum VaryOn {
    Nothing,
    Fields(Vec<HeaderName>),
    /// More than can be told: no other request selects it.
    Anything,
}

/// What the responses of one target vary on, stored in their stead.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Marker {
    /// Sorted by name.
    #[serde(with = "names")]
    fields: Arc<[HeaderName]>,
    /// A part of the variants' keys: those of an earlier marker are out of reach.
    id: u64,
}

/// The fields that no response names and services go by all the same: a set of their names' lengths, so that
/// most requests need but a glance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unkeyed {
    lengths: u64,
}

impl Unkeyed {
    pub(crate) fn of(config: &HttpCacheConfig) -> Self {
        let bits = config.unkeyed.iter().map(Self::bit);
        Self {
            lengths: bits.fold(0, |lengths, bit| lengths | bit),
        }
    }

    /// Tells whether a request has any of them.
    #[inline]
    pub(crate) fn are_in(self, request: &HeaderMap, config: &HttpCacheConfig) -> bool {
        let mut names = request.keys();
        names.any(|name| self.lengths & Self::bit(name) != 0 && config.unkeyed.contains(name))
    }

    #[inline]
    fn bit(name: &HeaderName) -> u64 {
        1 << name.as_str().len().min(63)
    }
}

impl VaryOn {
    /// Reads `Vary`.
    pub(crate) fn of(headers: &HeaderMap, config: &HttpCacheConfig) -> Self {
        let members = list::members(headers, &header::VARY);
        let names: Result<Vec<_>, _> = members
            .map(|member| match member {
                b"*" => Err(()),
                name => HeaderName::from_bytes(name).map_err(|_| ()),
            })
            .collect();
        match names {
            Ok(names) if names.is_empty() => Self::Nothing,
            Ok(names) if names.len() <= config.max_vary.get() => Self::Fields(names),
            _ => Self::Anything,
        }
    }

    /// Adds the [unkeyed](Unkeyed) fields of a request.
    pub(crate) fn and_unkeyed(self, request: &HeaderMap, config: &HttpCacheConfig) -> Self {
        let present = config
            .unkeyed
            .iter()
            .filter(|name| request.contains_key(*name))
            .cloned();
        let mut names = match self {
            Self::Anything => return self,
            Self::Fields(names) => names,
            Self::Nothing => Vec::new(),
        };
        names.extend(present);
        if names.is_empty() {
            Self::Nothing
        } else {
            Self::Fields(names)
        }
    }
}

impl Marker {
    /// Makes a marker for these fields and those of the one before; that one, where it has them all.
    pub(crate) fn covering(fields: &[HeaderName], before: Option<&Self>) -> Self {
        let has = |marker: &&Self| fields.iter().all(|name| marker.fields.contains(name));
        if let Some(before) = before.filter(has) {
            return before.clone();
        }
        let known = before.map(|before| &before.fields[..]).unwrap_or_default();
        let mut fields: Vec<HeaderName> = known.iter().chain(fields).cloned().collect();
        fields.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        fields.dedup();
        Self {
            fields: fields.into(),
            id: fastrand::u64(..),
        }
    }

    /// Returns how many fields it is about.
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Returns the key of the response that a request selects; `None` where it would be too long.
    pub(crate) fn key(
        &self,
        primary: &str,
        request: &HeaderMap,
        config: &HttpCacheConfig,
    ) -> Option<String> {
        let mut key = format!("{primary}{:x}", self.id);
        for name in &*self.fields {
            // No value of a field holds a line end.
            key.push(END);
            normal::push(&mut key, name, request);
            if key.len() > config.max_key_bytes.get() {
                return None;
            }
        }
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn key(names: &[&'static str], fields: &[(&'static str, &'static str)]) -> Option<String> {
        let names: Vec<_> = names.iter().copied().map(HeaderName::from_static).collect();
        let marker = Marker {
            id: 7,
            ..Marker::covering(&names, None)
        };
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        marker.key("k", &headers, &HttpCacheConfig::default())
    }

    #[test]
    fn values_that_mean_the_same_select_the_same() {
        let name = ["accept-encoding"];
        let one = key(
            &name,
            &[("accept-encoding", "gzip, br;q=1.0, identity;q=0.50")],
        );
        let other = key(
            &name,
            &[
                ("accept-encoding", "BR"),
                ("accept-encoding", "identity; q=0.5,gzip"),
            ],
        );
        assert_eq!(one, other);
        assert_ne!(one, key(&name, &[("accept-encoding", "gzip")]));
        let name = ["accept-language"];
        let one = key(&name, &[("accept-language", "de, en;q=0.8")]);
        assert_eq!(one, key(&name, &[("accept-language", "DE ,en;q=0.8")]));
        // Some take the order of languages for a preference.
        assert_ne!(one, key(&name, &[("accept-language", "en;q=0.8, de")]));
        let name = ["x-a"];
        let one = key(&name, &[("x-a", "1, 2")]);
        assert_eq!(one, key(&name, &[("x-a", "1"), ("x-a", "2")]));
        assert_ne!(one, key(&name, &[("x-a", "2, 1")]));
        assert_ne!(key(&name, &[("x-a", "A")]), key(&name, &[("x-a", "a")]));
    }

    #[test]
    fn an_absent_field_is_not_an_empty_one() {
        assert_ne!(key(&["x-a"], &[]), key(&["x-a"], &[("x-a", "")]));
        assert_ne!(
            key(&["x-a", "x-b"], &[("x-a", "1")]),
            key(&["x-a", "x-b"], &[("x-b", "1")])
        );
    }

    #[test]
    fn a_value_cannot_pass_for_two_fields() {
        let two = key(&["x-a", "x-b"], &[("x-a", "1"), ("x-b", "2")]);
        for value in ["1,2", "1\t=2", "1\\n=2", "1 =2"] {
            assert_ne!(two, key(&["x-a", "x-b"], &[("x-a", value)]));
        }
    }

    #[test]
    fn a_marker_keeps_its_variants_until_there_is_a_new_field() {
        let [a, b] = ["x-a", "x-b"].map(HeaderName::from_static);
        let first = Marker::covering(&[a.clone(), b.clone()], None);
        assert_eq!(Marker::covering(&[b], Some(&first)), first);
        let more = Marker::covering(&[HeaderName::from_static("x-c"), a], Some(&first));
        assert_ne!(more.id, first.id);
        assert_eq!(more.len(), 3);
    }
}
