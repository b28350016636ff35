//! What the answer to an unsafe request makes old, RFC 9111 §4.4.

use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};

use super::{config::HttpCacheConfig, key::PrimaryKey};

/// Tells whether a method may change what it is sent to; one that nobody knows may.
#[inline]
pub(crate) fn is_unsafe(method: &Method) -> bool {
    !matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    )
}

/// Tells whether the answer says that something changed: anything but an error.
pub(crate) fn took_effect(status: StatusCode) -> bool {
    status.is_success() || status.is_redirection()
}

/// Returns the target of the request, and those of `Location` and `Content-Location` at the same origin.
pub(crate) fn targets(
    key: &PrimaryKey,
    headers: &HeaderMap,
    config: &HttpCacheConfig,
) -> Vec<PrimaryKey> {
    let named = [header::LOCATION, header::CONTENT_LOCATION];
    let named = named.iter().filter_map(|name| headers.get(name));
    let mut keys = vec![key.clone()];
    for other in named.filter_map(|location| resolve(location, key, config)) {
        if other.origin() == key.origin() && !keys.contains(&other) {
            keys.push(other);
        }
    }
    keys
}

/// Resolves a reference against the target, RFC 3986 §5.2; `None` where it is none.
fn resolve(
    location: &HeaderValue,
    base: &PrimaryKey,
    config: &HttpCacheConfig,
) -> Option<PrimaryKey> {
    let reference = location.to_str().ok()?;
    let reference = reference.split('#').next()?;
    let (scheme, authority) = base.origin().split_once("://")?;
    let absolute = if let Some(rest) = reference.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if reference.starts_with('/') {
        format!("{scheme}://{authority}{reference}")
    } else if has_scheme(reference) {
        reference.to_owned()
    } else {
        let path = base.path_and_query();
        let path = path.split('?').next()?;
        let folder = match reference.as_bytes().first() {
            // Only the query differs, or nothing.
            Some(b'?') | None => path,
            Some(_) => &path[..=path.rfind('/')?],
        };
        format!("{scheme}://{authority}{folder}{reference}")
    };
    let uri: Uri = absolute.parse().ok()?;
    let path = without_dots(uri.path());
    let authority = uri.authority()?.as_str();
    PrimaryKey::new(uri.scheme_str()?, authority, &path, uri.query(), config)
}

fn has_scheme(reference: &str) -> bool {
    let first = reference.split(['/', '?']).next().unwrap_or_default();
    first.contains(':')
}

/// Takes `.` and `..` out of a path, RFC 3986 §5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let segments = path.strip_prefix('/').unwrap_or(path).split('/');
    let mut open = false;
    for segment in segments {
        open = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let end = if open && !kept.is_empty() { "/" } else { "" };
    format!("/{}{end}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(location: &'static str) -> Option<String> {
        let config = HttpCacheConfig::default();
        let base = PrimaryKey::new("http", "a.example", "/b/c/d", Some("q"), &config).unwrap();
        let location = HeaderValue::from_static(location);
        resolve(&location, &base, &config).map(|key| key.uri().to_owned())
    }

    #[test]
    fn references_are_resolved_as_the_rfc_does() {
        for (reference, target) in [
            ("g", "http://a.example/b/c/g"),
            ("./g", "http://a.example/b/c/g"),
            ("g/", "http://a.example/b/c/g/"),
            ("/g", "http://a.example/g"),
            ("//g.example", "http://g.example/"),
            ("?y", "http://a.example/b/c/d?y"),
            ("g?y#s", "http://a.example/b/c/g?y"),
            ("..", "http://a.example/b/"),
            ("../..", "http://a.example/"),
            ("../../../g", "http://a.example/g"),
            ("", "http://a.example/b/c/d"),
            ("https://x.example:443/y", "https://x.example/y"),
        ] {
            assert_eq!(resolved(reference).as_deref(), Some(target), "{reference}");
        }
        assert_eq!(resolved("mailto:x"), None);
        assert_eq!(resolved("http://a b/"), None);
    }
}
