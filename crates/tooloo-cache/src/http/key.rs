//! What a response is found by, RFC 9111 §2: scheme, authority, path and query.

use std::{fmt::Write, sync::Arc};

use http::{HeaderMap, Uri, header};

use super::config::HttpCacheConfig;

/// Ends the target in a key: what begins with both is this target's response, or a variant of it.
pub(crate) const END: char = '\n';

/// The key of a request's target, which those of its variants begin with.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct PrimaryKey {
    text: String,
    /// Where the origin, scheme and authority, ends.
    origin: usize,
}

impl PrimaryKey {
    /// Makes the key of a request; `None` where its host is missing, in doubt, or the key would be too long.
    ///
    /// A target that names its host and a `Host` that names another one is a request whose service may
    /// believe either.
    pub(crate) fn of(uri: &Uri, headers: &HeaderMap, config: &HttpCacheConfig) -> Option<Self> {
        let mut lines = headers.get_all(header::HOST).iter();
        let host = match lines.next() {
            Some(line) => Some(line.to_str().ok()?),
            None => None,
        };
        if lines.next().is_some() {
            return None;
        }
        let authority = match (uri.authority(), host) {
            (Some(authority), None) => authority.as_str(),
            (Some(authority), Some(host)) if authority.as_str().eq_ignore_ascii_case(host) => host,
            (None, Some(host)) => host,
            _ => return None,
        };
        let scheme = uri.scheme_str().unwrap_or(&config.scheme);
        Self::new(scheme, authority, uri.path(), uri.query(), config)
    }

    /// Makes the key of an absolute URI.
    pub(crate) fn of_uri(uri: &Uri, config: &HttpCacheConfig) -> Option<Self> {
        let authority = uri.authority()?.as_str();
        let scheme = uri.scheme_str()?;
        Self::new(scheme, authority, uri.path(), uri.query(), config)
    }

    pub(crate) fn new(
        scheme: &str,
        authority: &str,
        path: &str,
        query: Option<&str>,
        config: &HttpCacheConfig,
    ) -> Option<Self> {
        let authority = without_default_port(scheme, authority);
        if authority.is_empty() || !authority.bytes().all(is_authority_byte) {
            return None;
        }
        let room = scheme.len() + authority.len() + path.len() + query.map_or(0, str::len) + 6;
        if room > config.max_key_bytes.get() {
            return None;
        }
        let mut text = String::with_capacity(room);
        text.push_str(scheme);
        text.push_str("://");
        text.push_str(authority);
        text.make_ascii_lowercase();
        let origin = text.len();
        text.push_str(if path.is_empty() { "/" } else { path });
        if let Some(query) = query.and_then(|query| config.query.apply(query)) {
            text.push('?');
            text.push_str(&query);
        }
        text.push(END);
        Some(Self { text, origin })
    }

    /// Returns the key that the cache knows it by.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns that key as the cache keeps it.
    pub(crate) fn to_owned(&self) -> Arc<str> {
        self.text.as_str().into()
    }

    /// Returns the target as a URI.
    pub(crate) fn uri(&self) -> &str {
        self.text.trim_end_matches(END)
    }

    /// Returns the scheme and the authority.
    pub(crate) fn origin(&self) -> &str {
        &self.text[..self.origin]
    }

    /// Returns the path and the query.
    pub(crate) fn path_and_query(&self) -> &str {
        &self.uri()[self.origin..]
    }

    /// Returns what its origin's group of this name is called among those of all origins, RFC 9875 §2.
    pub(crate) fn group(&self, name: &str) -> Box<str> {
        let mut group = String::with_capacity(self.origin + 1 + name.len());
        write!(group, "{} {name}", self.origin()).expect("text grows");
        group.into()
    }
}

fn without_default_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return authority,
    };
    let bare = authority.strip_suffix(port).unwrap_or(authority);
    // An empty port is the default one as well.
    bare.strip_suffix(':').unwrap_or(bare)
}

/// User names, paths and blanks have no place in an authority of ours.
fn is_authority_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:[]%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn key(uri: &str, hosts: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, HeaderValue::from_static(host));
        }
        let config = HttpCacheConfig::default();
        PrimaryKey::of(&uri.parse().unwrap(), &headers, &config).map(|key| key.uri().to_owned())
    }

    #[test]
    fn names_of_one_host_are_one_and_of_two_are_two() {
        let expected = Some("http://a.example/x?y".to_owned());
        assert_eq!(key("/x?y", &["a.example"]), expected);
        assert_eq!(key("/x?y", &["A.Example:80"]), expected);
        assert_eq!(key("/x?y", &["a.example:"]), expected);
        assert_eq!(key("http://A.example/x?y", &[]), expected);
        assert_eq!(key("http://a.example/x?y", &["A.example"]), expected);
        assert_ne!(key("https://a.example/x?y", &[]), expected);
        assert_ne!(key("/x?y", &["a.example:8080"]), expected);
        assert_ne!(key("/x?y", &["b.example"]), expected);
        assert_ne!(key("/X?y", &["a.example"]), expected);
    }

    #[test]
    fn a_host_in_doubt_makes_no_key() {
        assert_eq!(key("/x", &[]), None);
        assert_eq!(key("/x", &[""]), None);
        assert_eq!(key("/x", &["a.example", "b.example"]), None);
        assert_eq!(key("http://a.example/x", &["b.example"]), None);
        for host in ["a/b", "a@b", "a b", "a?b", "a#b", "a\\b", "a\tb"] {
            assert_eq!(key("/x", &[host]), None, "{host}");
        }
        let long = format!("/{}", "x".repeat(5000));
        assert_eq!(key(&long, &["a.example"]), None);
    }

    #[test]
    fn an_empty_path_is_the_root() {
        assert_eq!(
            key("http://a.example", &[]).as_deref(),
            Some("http://a.example/")
        );
    }
}
