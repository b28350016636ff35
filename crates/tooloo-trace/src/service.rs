//! Traces each request.

use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tooloo_clock::Moment;
use tower_service::Service;

use crate::{
    TraceBody, TraceContext, Tracer,
    call::{Begin, Call, Side},
    context::{Called, Carried},
    future::ResponseFuture,
    layer::RouteOf,
    method::MethodName,
    w3c::{self, traceparent},
};

/// The route of requests that matched none.
const UNMATCHED: &str = "_UNMATCHED";

/// Begins or joins a trace with each request, and ends its span with the answer's body.
#[derive(Clone, Debug)]
pub struct Trace<S> {
    inner: S,
    tracer: Tracer,
    route: RouteOf,
    counted: bool,
}

impl<S> Trace<S> {
    pub(crate) fn new(inner: S, tracer: Tracer, route: RouteOf, counted: bool) -> Self {
        Self {
            inner,
            tracer,
            route,
            counted,
        }
    }

    #[inline]
    fn begin<B>(&self, request: &Request<B>) -> Call {
        let start = Moment::exact();
        let headers = request.headers();
        let (parent, carried) = if w3c::may_bring_context(headers) {
            let parent = traceparent::extract(headers);
            (parent, Carried::extract(headers, parent.is_some()))
        } else {
            (None, None)
        };
        let context = if self.counted {
            let path = request.uri().path_and_query().cloned();
            let called = path.map_or(Called::Nothing, Called::Path);
            self.tracer.begin(parent, carried, start, called)
        } else {
            TraceContext::passed_on(&self.tracer, parent, carried)
        };
        let method = MethodName::of(request.method());
        let route = self.counted.then(|| {
            self.tracer.counts().begin(context.is_sampled());
            let route = (self.route)(request.extensions()).unwrap_or(UNMATCHED);
            self.tracer.routes().resolve(method, route)
        });
        Call::begin(Begin {
            context,
            start,
            side: Side::Server,
            route,
            method,
            uri: request.uri(),
            headers,
        })
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Trace<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body,
{
    type Response = Response<TraceBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let mut call = self.begin(&request);
        // A service may work in `call` already.
        let future = call.within(|| self.inner.call(request));
        ResponseFuture::new(future, call)
    }
}
