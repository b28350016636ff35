//! Whether a response may be stored, RFC 9111 §3.

use http::{HeaderMap, Method, StatusCode, header};

use super::{
    config::{HttpCacheConfig, Sharing},
    directive::Seconds,
    response::ResponseDirectives,
    terms::{self, Terms},
    vary::VaryOn,
};

/// What about the request bears on storing its response.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) authorized: bool,
    pub(crate) no_store: bool,
}

/// Why a response is not stored, as the detail of `Cache-Status` says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    Method,
    RequestNoStore,
    NoStore,
    Private,
    Authorization,
    SetCookie,
    Status,
    Malformed,
    Vary,
    NoLifetime,
    TooLarge,
    Incomplete,
    Trailers,
    Tags,
}

/// Tells whether a response, by its head, may be stored on its terms.
pub(crate) fn check(
    asked: &Asked,
    status: StatusCode,
    headers: &HeaderMap,
    said: &ResponseDirectives,
    config: &HttpCacheConfig,
) -> Result<(), Refusal> {
    let shared = config.sharing == Sharing::Shared;
    if asked.method != Method::GET {
        return Err(Refusal::Method);
    }
    if asked.no_store {
        return Err(Refusal::RequestNoStore);
    }
    if said.malformed {
        return Err(Refusal::Malformed);
    }
    check_status(status, said)?;
    // A cache that understands the status may ignore a `no-store` meant for those that do not (§5.2.2.3).
    if said.no_store && !said.must_understand {
        return Err(Refusal::NoStore);
    }
    if shared && said.private.is_whole() {
        return Err(Refusal::Private);
    }
    let opened = said.public || said.must_revalidate || said.s_maxage.given().is_some();
    if shared && asked.authorized && !opened {
        return Err(Refusal::Authorization);
    }
    if headers.contains_key(header::SET_COOKIE) && !stores_cookies(said, config) {
        return Err(Refusal::SetCookie);
    }
    if matches!(VaryOn::of(headers, config), VaryOn::Anything) {
        return Err(Refusal::Vary);
    }
    let named = said.public
        || (!shared && said.private.is_whole())
        || said.max_age != Seconds::Absent
        || (shared && said.s_maxage != Seconds::Absent)
        || (!said.targeted && headers.contains_key(header::EXPIRES));
    if named || terms::may_guess(status, said) {
        Ok(())
    } else {
        Err(Refusal::NoLifetime)
    }
}

/// Tells whether keeping it is worth its room: it is fresh for some time, may be served stale, or
/// can be validated.
pub(crate) fn is_of_use(terms: &Terms, headers: &HeaderMap) -> bool {
    let validates =
        headers.contains_key(header::ETAG) || headers.contains_key(header::LAST_MODIFIED);
    validates || (!terms.useful_for().is_zero() && !terms.always_validate)
}

fn check_status(status: StatusCode, said: &ResponseDirectives) -> Result<(), Refusal> {
    let partial = matches!(
        status,
        StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED | StatusCode::RANGE_NOT_SATISFIABLE
    );
    let final_status = !status.is_informational();
    let understood = !said.must_understand || is_understood(status);
    if final_status && !partial && understood {
        Ok(())
    } else {
        Err(Refusal::Status)
    }
}

/// The statuses whose caching rules this cache knows and keeps (§5.2.2.3).
fn is_understood(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200 | 203 | 204 | 300..=303 | 307 | 308 | 400 | 403..=405 | 410 | 414 | 421 | 451 | 500..=505
    )
}

/// A cookie is for one client, unless the response says that it is not kept or settings say otherwise.
fn stores_cookies(said: &ResponseDirectives, config: &HttpCacheConfig) -> bool {
    let left_out = [&said.private, &said.no_cache]
        .iter()
        .any(|scope| scope.fields().contains(&header::SET_COOKIE));
    left_out || config.set_cookie || config.sharing == Sharing::Private
}

impl Refusal {
    /// Returns a token for `Cache-Status`.
    pub(crate) fn detail(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::RequestNoStore => "request-no-store",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::Authorization => "authorization",
            Self::SetCookie => "set-cookie",
            Self::Status => "status",
            Self::Malformed => "malformed",
            Self::Vary => "vary",
            Self::NoLifetime => "no-lifetime",
            Self::TooLarge => "too-large",
            Self::Incomplete => "incomplete",
            Self::Trailers => "trailers",
            Self::Tags => "tags",
        }
    }
}
