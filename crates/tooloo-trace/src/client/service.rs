//! Traces each outgoing call.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::Body;
use tooloo_clock::Moment;
use tower_service::Service;

use super::ClientResponseFuture;
use crate::{
    TraceBody, Tracer,
    call::{Begin, Call, Side},
    context::Called,
    method::MethodName,
    scope::with_current,
};

/// The peer of a request that names none.
const UNKNOWN: &str = "_UNKNOWN";

/// Makes a span of each call and sends its context along.
#[derive(Clone, Debug)]
pub struct ClientTrace<S> {
    inner: S,
    tracer: Tracer,
    peer: Option<Arc<str>>,
}

impl<S> ClientTrace<S> {
    pub(crate) fn new(inner: S, tracer: Tracer, peer: Option<Arc<str>>) -> Self {
        Self {
            inner,
            tracer,
            peer,
        }
    }

    fn begin<B>(&self, request: &mut Request<B>) -> Call {
        let start = Moment::exact();
        let called = || Called::Url(Box::new(request.uri().clone()));
        // The span belongs to whoever makes the call, also in a context that came from another tracer.
        let under = with_current(|current| Some(current?.child(&self.tracer, called())));
        let context = under.unwrap_or_else(|| self.tracer.begin(None, None, start, called()));
        context.inject(request.headers_mut());
        let method = MethodName::of(request.method());
        let peer = self
            .peer
            .as_deref()
            .or(request.uri().host())
            .unwrap_or(UNKNOWN);
        let route = Some(self.tracer.outgoing().resolve(method, peer));
        let (uri, headers) = (request.uri(), request.headers());
        Call::begin(Begin {
            context,
            start,
            side: Side::Client,
            route,
            method,
            uri,
            headers,
        })
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ClientTrace<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body,
{
    type Response = Response<TraceBody<ResBody>>;
    type Error = S::Error;
    type Future = ClientResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let mut call = self.begin(&mut request);
        let future = call.within(|| self.inner.call(request));
        ClientResponseFuture::new(future, call)
    }
}
