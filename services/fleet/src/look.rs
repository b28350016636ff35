//! Asks a running service what it says of itself.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(5);
const LARGEST: usize = 16 << 20;

/// Gets JSON from services; clones share their connections.
#[derive(Clone, Debug)]
pub(crate) struct Lookout {
    client: Client<HttpConnector, Empty<Bytes>>,
}

/// Why a service said nothing.
#[derive(Debug)]
pub(crate) enum Silence {
    Unreachable,
    Late,
    BrokenOff,
    /// It answered something else than what was asked for.
    Strange(StatusCode, String),
}

impl Lookout {
    pub(crate) fn new() -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Gets `path` of the service at `url`, whatever the status of the answer.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        url: &str,
        path: &str,
    ) -> Result<(StatusCode, T), Silence> {
        let uri: Uri = format!("{url}{path}")
            .parse()
            .expect("an address and a path make a URL");
        let exchange = async {
            let response = self.client.get(uri).await;
            let (head, body) = response.map_err(|_| Silence::Unreachable)?.into_parts();
            let body = Limited::new(body, LARGEST)
                .collect()
                .await
                .map_err(|_| Silence::BrokenOff)?;
            let read = serde_json::from_slice(&body.to_bytes());
            read.map(|read| (head.status, read))
                .map_err(|error| Silence::Strange(head.status, error.to_string()))
        };
        timeout(PATIENCE, exchange)
            .await
            .unwrap_or(Err(Silence::Late))
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("nothing answers there"),
            Self::Late => write!(f, "no answer within {} s", PATIENCE.as_secs()),
            Self::BrokenOff => f.write_str("the answer broke off"),
            Self::Strange(status, why) => {
                write!(f, "a strange answer ({}): {why}", status.as_u16())
            }
        }
    }
}
