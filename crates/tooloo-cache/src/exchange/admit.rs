//! Deciding about an answer by its head.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, header};
use tooloo_clock::Moment;

use super::{Ask, fetch::Arrival};
use crate::{
    CacheBody,
    http::{
        Sharing,
        age::{self, Aging},
        labels::Labels,
        response::ResponseDirectives,
        shape,
        status::Handled,
        storable::{self, Asked, Refusal},
        stored::{self, Head, Whole},
        terms::Terms,
        vary::VaryOn,
    },
};

/// An answer that may be stored once its body is whole.
#[derive(Clone, Debug)]
pub(super) struct Admitted {
    pub(super) head: Head,
    pub(super) labels: Labels,
    pub(super) vary: VaryOn,
    /// How long its body is, where that was said.
    pub(super) length: Option<usize>,
}

impl Ask {
    /// Tells whether an answer may be stored, and on which terms.
    ///
    /// `known` is the length of a body that knows its own.
    pub(super) fn admit(
        &self,
        response: &Response<()>,
        known: Option<u64>,
        arrival: Arrival,
    ) -> Result<Admitted, Refusal> {
        self.admit_as(&self.method, response, known, arrival)
    }

    /// Tells the same of an answer to another method.
    pub(super) fn admit_as(
        &self,
        method: &Method,
        response: &Response<()>,
        known: Option<u64>,
        arrival: Arrival,
    ) -> Result<Admitted, Refusal> {
        let config = self.http.config();
        let (status, headers) = (response.status(), response.headers());
        let said = ResponseDirectives::parse(headers, &config.targets);
        let asked = Asked {
            method: method.clone(),
            authorized: self.is_authorized(),
            no_store: self.asked.no_store,
        };
        storable::check(&asked, status, headers, &said, config)?;
        let length = announced(headers)?.or(known);
        let length = length.map(|length| {
            let length = usize::try_from(length).ok();
            let length = length.filter(|length| *length <= config.max_body_bytes.get());
            length.ok_or(Refusal::TooLarge)
        });
        let labels = Labels::of(headers, &self.key, config).ok_or(Refusal::Tags)?;
        let head = self.head(response, &said, arrival);
        if !storable::is_of_use(&head.terms, &head.headers) {
            return Err(Refusal::NoLifetime);
        }
        Ok(Admitted {
            head,
            labels,
            vary: VaryOn::of(headers, config).and_unkeyed(&self.fields, config),
            length: length.transpose()?,
        })
    }

    /// Reads beforehand what hits will ask of an answer.
    fn head(&self, response: &Response<()>, said: &ResponseDirectives, arrival: Arrival) -> Head {
        let config = self.http.config();
        let (status, headers) = (response.status(), response.headers());
        let terms = Terms::of(status, headers, said, config, arrival.wall);
        let age = age::initial(headers, arrival.delay, arrival.wall);
        let shared = config.sharing == Sharing::Shared;
        let stored = stored::storable_fields(headers.clone(), said, shared, arrival.wall);
        let aging = Aging::new(age, arrival.now);
        Head::new(status, stored, terms, aging, arrival.wall, config)
    }

    /// Makes a response with a body that is there, but is not stored.
    pub(super) fn unstored(&self, response: &Response<()>, body: Bytes, arrival: Arrival) -> Whole {
        let said = ResponseDirectives::parse(response.headers(), &self.http.config().targets);
        let head = Arc::new(self.head(response, &said, arrival));
        Whole { head, body }
    }

    /// Passes an answer on, but for what is not for clients.
    pub(super) fn pass_on<B: http_body::Body>(
        &self,
        mut response: Response<CacheBody<B>>,
        handled: Handled,
    ) -> Response<CacheBody<B>> {
        let config = self.http.config();
        let headers = response.headers_mut();
        for name in stored::hidden(config) {
            headers.remove(name);
        }
        if handled.stored {
            let age = headers.get(header::AGE).map(HeaderValue::as_bytes);
            let age = age.and_then(crate::http::directive::delta_seconds);
            shape::tell_cdn(headers, age.unwrap_or_default(), config);
        }
        handled.write(headers, Some(self.key.uri()), config);
        response
    }
}

impl Admitted {
    /// Tells what is left of its lifetime now.
    pub(super) fn time(&self, now: Moment) -> (std::time::Duration, std::time::Duration) {
        (self.head.terms.fresh_for, self.head.aging.at(now))
    }
}

/// Reads `Content-Length`: one number, or several that are alike, RFC 9110 §8.6.
fn announced(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let mut length = None;
    for line in headers.get_all(header::CONTENT_LENGTH) {
        let told = line.to_str().ok().and_then(|line| line.parse::<u64>().ok());
        let told = told.ok_or(Refusal::Malformed)?;
        if length.is_some_and(|length| length != told) {
            return Err(Refusal::Malformed);
        }
        length = Some(told);
    }
    Ok(length)
}
