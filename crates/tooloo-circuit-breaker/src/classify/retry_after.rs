//! Reads `Retry-After`, RFC 9110 section 10.2.3.

use std::time::Duration;

use http::{HeaderMap, header};

/// Returns how long the answer asks to wait; `None` where it does not say, or says it has been long enough.
pub(super) fn read(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than fit are for ever, which the breaker's own bound makes bearable.
        (!value.is_empty()).then(|| Duration::from_secs(value.parse().unwrap_or(u64::MAX)))?
    } else {
        let date = httpdate::parse_http_date(value).ok()?;
        date.duration_since(tooloo_clock::wall()).ok()?
    };
    (!wait.is_zero()).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, value.parse().unwrap());
        super::read(&headers)
    }

    #[test]
    fn seconds_are_read() {
        assert_eq!(read("120"), Some(Duration::from_secs(120)));
        assert_eq!(read(" 7 "), Some(Duration::from_secs(7)));
        let endless = read("99999999999999999999999");
        assert_eq!(endless, Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn a_date_is_read() {
        let soon = tooloo_clock::wall() + Duration::from_secs(60);
        let wait = read(&httpdate::fmt_http_date(soon)).unwrap();
        // The date has whole seconds.
        let expected = Duration::from_secs(58)..=Duration::from_secs(60);
        assert!(expected.contains(&wait), "{wait:?}");
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), None);
    }

    #[test]
    fn what_says_nothing_is_nothing() {
        for value in ["", "0", "-1", "1.5", "soon", "7 s"] {
            assert_eq!(read(value), None, "{value:?}");
        }
    }
}
