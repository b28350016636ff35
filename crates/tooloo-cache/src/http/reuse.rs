//! Whether a stored response answers a request now, RFC 9111 §4 and RFC 5861.

use std::time::Duration;

use super::{request::RequestDirectives, terms::Terms};

/// What to do with a stored response that was selected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It answers.
    Fresh,
    /// It answers although it is stale: the request allows that.
    Stale,
    /// It answers although it is stale, and is fetched anew meanwhile.
    Refresh,
    /// The origin is asked.
    Validate {
        /// It answers where the origin fails.
        if_error: bool,
        /// It is stale, rather than fresh and not wanted.
        stale: bool,
    },
}

/// Judges a response of this age; one that was purged softly counts as stale from now on.
#[inline]
pub(crate) fn judge(
    terms: &Terms,
    age: Duration,
    purged: bool,
    asked: &RequestDirectives,
) -> Verdict {
    let fresh = age < terms.fresh_for && !purged;
    if terms.always_validate || asked.no_cache {
        return Verdict::Validate {
            if_error: false,
            stale: !fresh,
        };
    }
    let staleness = age.saturating_sub(terms.fresh_for);
    let errs = asked.stale_if_error.unwrap_or_default();
    let if_error = fresh
        || staleness <= terms.if_error && !terms.if_error.is_zero()
        || !terms.never_stale && staleness <= errs && !errs.is_zero();
    let validate = Verdict::Validate {
        if_error,
        stale: !fresh,
    };
    if asked.max_age.is_some_and(|most| age > most) {
        return validate;
    }
    if fresh {
        let left = terms.fresh_for.saturating_sub(age);
        return match asked.min_fresh {
            Some(least) if left < least => validate,
            _ => Verdict::Fresh,
        };
    }
    if asked.min_fresh.is_some() {
        return validate;
    }
    if !terms.while_revalidate.is_zero() && staleness <= terms.while_revalidate {
        return Verdict::Refresh;
    }
    match asked.max_stale {
        Some(most) if !terms.never_stale && !purged && staleness <= most => Verdict::Stale,
        _ => validate,
    }
}
