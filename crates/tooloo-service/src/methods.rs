//! Which methods each described route has.

use std::{collections::HashMap, sync::Arc};

use http::HeaderValue;
use utoipa::openapi::{OpenApi, path::PathItem};

/// The value of `Allow` by route.
///
/// Axum knows it too, but says it only outside of all layers, where it is too late to count the
/// answer as what it is.
#[derive(Clone, Debug)]
pub(crate) struct Methods(Arc<HashMap<String, HeaderValue>>);

impl Methods {
    pub(crate) fn of(openapi: &OpenApi) -> Self {
        let paths = openapi.paths.paths.iter();
        Self(Arc::new(
            paths
                .map(|(path, item)| (path.clone(), allow(item)))
                .collect(),
        ))
    }

    pub(crate) fn allow(&self, route: &str) -> Option<&HeaderValue> {
        self.0.get(route)
    }
}

fn allow(item: &PathItem) -> HeaderValue {
    let methods = [
        ("GET", item.get.is_some()),
        ("HEAD", item.get.is_some() || item.head.is_some()),
        ("POST", item.post.is_some()),
        ("PUT", item.put.is_some()),
        ("PATCH", item.patch.is_some()),
        ("DELETE", item.delete.is_some()),
        ("OPTIONS", true),
    ];
    let offered: Vec<_> = methods
        .into_iter()
        .filter_map(|(method, offered)| offered.then_some(method))
        .collect();
    HeaderValue::try_from(offered.join(", ")).expect("method names make a header value")
}
