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
        match method.as_str() {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            "PATCH" => Self::Patch,
            "OPTIONS" => Self::Options,
            "CONNECT" => Self::Connect,
            "TRACE" => Self::Trace,
            "QUERY" => Self::Query,
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
