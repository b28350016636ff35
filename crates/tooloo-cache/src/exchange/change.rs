//! Requests that may change what they are sent to, RFC 9111 §4.4.

use http::{HeaderMap, Response};
use http_body::Body;

use crate::{
    CacheBody, HttpCache,
    future::Keep,
    http::{
        invalidate,
        key::PrimaryKey,
        status::{Forwarded, Handled},
    },
};

/// A request with an unsafe method, on its way to the service.
pub(crate) struct Change {
    http: HttpCache,
    key: PrimaryKey,
    keep: Keep,
}

impl Change {
    pub(crate) fn new(http: HttpCache, key: PrimaryKey, keep: Keep) -> Self {
        Self { http, key, keep }
    }

    /// Waits for the answer, and invalidates what it made old before it is passed on.
    pub(crate) async fn run<B: Body, E>(
        self,
        call: impl Future<Output = Result<Response<B>, E>>,
    ) -> Result<Response<CacheBody<B>>, E> {
        let mut response = call.await?;
        if invalidate::took_effect(response.status()) {
            // The change has happened, whether its client waits or not.
            self.keep.want();
            self.invalidate(response.headers()).await;
            self.keep.let_go();
        }
        let handled = Handled::forwarded(Forwarded::Method);
        let key = Some(self.key.uri());
        handled.write(response.headers_mut(), key, self.http.config());
        Ok(response.map(CacheBody::passed))
    }

    async fn invalidate(&self, headers: &HeaderMap) {
        let config = self.http.config();
        for key in invalidate::targets(&self.key, headers, config) {
            self.http.cache().remove(&key.to_owned()).await;
        }
        self.http.invalidate_groups(headers, &self.key).await;
    }
}
