//! Answers each request from the store, or from the service through it.

use std::{
    mem,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::{
    CacheBody, HttpCache,
    exchange::{Ask, Change, Exchange},
    future::{Keep, ResponseFuture},
    http::{condition, invalidate, key::PrimaryKey, request::RequestDirectives, status::Forwarded},
};

/// Answers HTTP requests from stored responses.
#[derive(Clone, Debug)]
pub struct CacheService<S> {
    inner: S,
    http: HttpCache,
}

impl<S> CacheService<S> {
    pub(crate) fn new(inner: S, http: HttpCache) -> Self {
        Self { inner, http }
    }
}

impl<S: Clone> CacheService<S> {
    /// Takes the instance that was polled ready, which goes along with its request.
    fn take_ready(&mut self) -> S {
        let clone = self.inner.clone();
        mem::replace(&mut self.inner, clone)
    }
}

impl<S, B, R> Service<Request<B>> for CacheService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    B: Send + 'static,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Send + 'static,
{
    type Response = Response<CacheBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // Whether the inner service is needed is not known before `call`.
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let config = self.http.config();
        let (method, headers) = (request.method(), request.headers());
        let Some(key) = PrimaryKey::of(request.uri(), headers, config) else {
            return ResponseFuture::passed(self.inner.call(request), &self.http, Forwarded::Bypass);
        };
        if invalidate::is_unsafe(method) {
            let keep = Keep::new(config.finish_for);
            let change = Change::new(self.http.clone(), key, keep.clone());
            return ResponseFuture::working(keep, change.run(self.inner.call(request)));
        }
        let cacheable = matches!(*method, Method::GET | Method::HEAD);
        if !cacheable {
            return ResponseFuture::passed(self.inner.call(request), &self.http, Forwarded::Method);
        }
        if condition::is_for_origin(headers) {
            return ResponseFuture::passed(self.inner.call(request), &self.http, Forwarded::Bypass);
        }
        let asked = if config.obey_requests {
            RequestDirectives::parse(headers)
        } else {
            RequestDirectives::default()
        };
        // The inner service stays ready: a hit does not spend its grant.
        if let Some(response) = self.http.hit(&request, &key, &asked) {
            return ResponseFuture::answered(response);
        }
        let Some(selection) = self.http.select_in_memory(&key, headers) else {
            return ResponseFuture::passed(self.inner.call(request), &self.http, Forwarded::Bypass);
        };
        let keep = Keep::new(config.finish_for);
        let ask = Ask {
            http: self.http.clone(),
            method: method.clone(),
            fields: headers.clone(),
            key,
            asked,
            keep: keep.clone(),
        };
        let exchange = Exchange::new(ask, self.take_ready(), request);
        ResponseFuture::working(keep, exchange.run(selection))
    }
}
