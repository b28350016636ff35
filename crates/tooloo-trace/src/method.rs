//! HTTP methods as a bounded set of names.

use http::Method;

/// A method by its name; one that is not known is [`Other`](Self::Other), so that clients cannot
/// make names up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MethodName {
    /// Not HTTP: a trace that the program began itself.
    None,
    Get,
    Head,
    Post,
    Put,
    Delete,
    Patch,
    Options,
    Connect,
    Trace,
    Query,
    Other,
}

impl MethodName {
    #[inline]
    pub(crate) fn of(method: &Method) -> Self {
        match *method {
            Method::GET => Self::Get,
            Method::HEAD => Self::Head,
            Method::POST => Self::Post,
            Method::PUT => Self::Put,
            Method::DELETE => Self::Delete,
            Method::PATCH => Self::Patch,
            Method::OPTIONS => Self::Options,
            Method::CONNECT => Self::Connect,
            Method::TRACE => Self::Trace,
            Method::QUERY => Self::Query,
            _ => Self::Other,
        }
    }

    pub(crate) const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Get => Some("GET"),
            Self::Head => Some("HEAD"),
            Self::Post => Some("POST"),
            Self::Put => Some("PUT"),
            Self::Delete => Some("DELETE"),
            Self::Patch => Some("PATCH"),
            Self::Options => Some("OPTIONS"),
            Self::Connect => Some("CONNECT"),
            Self::Trace => Some("TRACE"),
            Self::Query => Some("QUERY"),
            Self::Other => Some("_OTHER"),
        }
    }
}
