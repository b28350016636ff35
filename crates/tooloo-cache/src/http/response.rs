//! What a response allows caches, RFC 9111 §5.2.2, RFC 5861, RFC 8246.

use http::{HeaderMap, header};

use super::{
    directive::{Directive, Scope, Seconds},
    list, targeted,
};

/// The directives of a response that a cache obeys.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a directive of its own, and any may go with any"
)]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct ResponseDirectives {
    pub(crate) no_store: bool,
    pub(crate) no_cache: Scope,
    pub(crate) private: Scope,
    pub(crate) public: bool,
    pub(crate) must_revalidate: bool,
    pub(crate) proxy_revalidate: bool,
    pub(crate) must_understand: bool,
    pub(crate) max_age: Seconds,
    pub(crate) s_maxage: Seconds,
    pub(crate) stale_while_revalidate: Seconds,
    pub(crate) stale_if_error: Seconds,
    /// Some member is no directive: what it forbids is unknown.
    pub(crate) malformed: bool,
    /// They come from a field for this kind of cache, which hides `Expires` too.
    pub(crate) targeted: bool,
}

impl ResponseDirectives {
    /// Reads the first field of `targets` that is there and well-formed, or `Cache-Control`.
    ///
    /// RFC 9213 §2.2: a targeted field hides all that the others say.
    pub(crate) fn parse(headers: &HeaderMap, targets: &[http::HeaderName]) -> Self {
        targets
            .iter()
            .filter(|target| headers.contains_key(*target))
            .find_map(|target| targeted::parse(headers, target))
            .unwrap_or_else(|| Self::of_cache_control(headers))
    }

    fn of_cache_control(headers: &HeaderMap) -> Self {
        let mut read = Self::default();
        for member in list::members(headers, &header::CACHE_CONTROL) {
            match Directive::parse(member) {
                Some(directive) => read.take(&directive),
                None => read.malformed = true,
            }
        }
        read
    }

    fn take(&mut self, directive: &Directive<'_>) {
        // One that forbids counts whatever value it carries; one that allows has none.
        if directive.is("no-store") {
            self.no_store = true;
        } else if directive.is("no-cache") {
            self.no_cache.widen(directive.scope());
        } else if directive.is("private") {
            self.private.widen(directive.scope());
        } else if directive.is("public") {
            self.public |= !directive.has_value();
        } else if directive.is("must-revalidate") {
            self.must_revalidate = true;
        } else if directive.is("proxy-revalidate") {
            self.proxy_revalidate = true;
        } else if directive.is("must-understand") {
            self.must_understand = true;
        } else if let Some(seconds) = self.seconds_of(|name| directive.is(name)) {
            *seconds = seconds.and(directive.seconds());
        }
    }

    /// Returns the place of the directive with seconds whose name `is` accepts.
    pub(super) fn seconds_of(&mut self, is: impl Fn(&str) -> bool) -> Option<&mut Seconds> {
        if is("max-age") {
            Some(&mut self.max_age)
        } else if is("s-maxage") {
            Some(&mut self.s_maxage)
        } else if is("stale-while-revalidate") {
            Some(&mut self.stale_while_revalidate)
        } else if is("stale-if-error") {
            Some(&mut self.stale_if_error)
        } else {
            None
        }
    }
}
