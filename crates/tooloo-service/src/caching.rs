//! What caches may do with answers: said by handlers, and kept to by default.

mod conditional;
mod unsaid;

use std::{convert::Infallible, fmt::Display, time::Duration};

use axum::response::{IntoResponseParts, ResponseParts};
use http::{HeaderName, HeaderValue, header};

pub(crate) use self::{conditional::answer_conditions, unsaid::keep_nothing};

/// RFC 9213, for the caches of the fleet: they take it out of what they send on.
const FLEET_CACHE_CONTROL: HeaderName = HeaderName::from_static("tooloo-cache-control");
const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
/// RFC 9875.
const CACHE_GROUPS: HeaderName = HeaderName::from_static("cache-groups");
const CACHE_GROUP_INVALIDATION: HeaderName = HeaderName::from_static("cache-group-invalidation");

/// What caches may do with an answer, by RFC 9111; goes before the answer in what a handler returns.
///
/// What says nothing is not to be stored at all. A body's `traceId` names the trace that made it, and stays
/// what it is when the answer is given again; `traceresponse` is of the request at hand.
#[derive(Clone, Debug)]
#[must_use]
pub struct Caching {
    control: String,
    in_fleet: Option<String>,
    tags: Vec<&'static str>,
    groups: Vec<&'static str>,
    etag: Option<String>,
}

/// Says that a request changed what answers of these groups told, RFC 9875 §3; goes before the answer in
/// what a handler returns. It works where the answer is a success.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct MadeOld(pub &'static [&'static str]);

impl Caching {
    /// May be stored, and is to be asked about each time it is given again.
    pub fn validated() -> Self {
        Self::new("no-cache".to_owned())
    }

    /// May be given again for this long, in whole seconds.
    pub fn fresh_for(time: Duration) -> Self {
        Self::new(format!("max-age={}", time.as_secs()))
    }

    /// Lets caches of the fleet, which hear when it is [made old](MadeOld), give it again for this long, in
    /// whole seconds.
    pub fn in_fleet_for(mut self, time: Duration) -> Self {
        self.in_fleet = Some(format!("max-age={}", time.as_secs()));
        self
    }

    /// Gives it a tag to be purged by.
    pub fn with_tag(mut self, tag: &'static str) -> Self {
        self.tags.push(tag);
        self
    }

    /// Puts it in a group, which is [made old](MadeOld) as a whole.
    pub fn with_group(mut self, group: &'static str) -> Self {
        self.groups.push(group);
        self
    }

    /// Names its state: two answers with one name say the same, but for their trace.
    pub fn with_etag(mut self, etag: impl Display) -> Self {
        self.etag = Some(format!("W/\"{etag}\""));
        self
    }

    fn new(control: String) -> Self {
        Self {
            control,
            in_fleet: None,
            tags: Vec::new(),
            groups: Vec::new(),
            etag: None,
        }
    }
}

impl IntoResponseParts for Caching {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        let tags = (!self.tags.is_empty()).then(|| self.tags.join(", "));
        let groups = (!self.groups.is_empty()).then(|| strings(&self.groups));
        let fields = [
            (header::CACHE_CONTROL, Some(self.control)),
            (FLEET_CACHE_CONTROL, self.in_fleet),
            (CACHE_TAG, tags),
            (CACHE_GROUPS, groups),
            (header::ETAG, self.etag),
        ];
        for (name, value) in fields {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                parts.headers_mut().insert(name, value);
            }
        }
        Ok(parts)
    }
}

impl IntoResponseParts for MadeOld {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        if let Ok(groups) = HeaderValue::try_from(strings(self.0)) {
            let headers = parts.headers_mut();
            headers.insert(CACHE_GROUP_INVALIDATION, groups);
        }
        Ok(parts)
    }
}

/// Writes a list of strings as a structured field, RFC 9651 §4.1.
fn strings(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    #[test]
    fn an_answer_says_how_long_by_whom_and_under_which_names_it_is_kept() {
        let caching = Caching::validated()
            .in_fleet_for(Duration::from_secs(2))
            .with_tag("training")
            .with_tag("overview")
            .with_group("training")
            .with_etag("7.9");
        let response = (caching, ()).into_response();
        for (name, value) in [
            ("cache-control", "no-cache"),
            ("tooloo-cache-control", "max-age=2"),
            ("cache-tag", "training, overview"),
            ("cache-groups", "\"training\""),
            ("etag", "W/\"7.9\""),
        ] {
            assert_eq!(response.headers()[name], value);
        }
        let response = Caching::fresh_for(Duration::from_secs(9));
        let response = (response, ()).into_response();
        assert_eq!(response.headers()["cache-control"], "max-age=9");
        assert_eq!(response.headers().len(), 1);
    }

    #[test]
    fn a_change_names_the_groups_that_it_made_old() {
        let response = (MadeOld(&["training", "meta"]), ()).into_response();
        let field = &response.headers()["cache-group-invalidation"];
        assert_eq!(field, "\"training\", \"meta\"");
    }
}
