//! Asks every service at once how it is doing.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use futures_util::future::{join, join_all};
use serde::{Serialize, de::IgnoredAny};
use serde_json::{Map, Value};
use tokio::time::timeout;
use tooloo_hub::Hub;
use tooloo_service::{Kit, KitConfig, Peer, PeerError, directory};
use utoipa::ToSchema;

/// Where the figures of each service are to be had.
#[derive(Clone, Debug)]
pub(crate) struct Fleet {
    members: Arc<[Member]>,
    deadline: Duration,
}

#[derive(Debug)]
struct Member {
    name: &'static str,
    port: u16,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// The gateway has its own figures without a call. Whether it is ready it asks as others would,
    /// unless the system chose its port.
    Here(Hub, Option<Peer>),
    There(Peer),
}

/// One service, as it was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Found {
    service: &'static str,
    /// Where it was looked for; absent where the gateway does not know its own port.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Whether it gave its figures.
    ok: bool,
    /// Whether it calls itself ready; `null` where it did not say.
    ready: Option<bool>,
    /// How long its figures took, in milliseconds.
    latency: f64,
    /// Why it gave none.
    error: Option<String>,
    /// What it answers at `/api/v1/system/observability`; `null` where it did not.
    #[schema(value_type = Option<Object>)]
    observability: Option<Map<String, Value>>,
}

impl Fleet {
    /// Finds all services of the directory.
    pub(crate) fn new(kit: &Kit, config: &KitConfig, deadline: Duration) -> Self {
        let own = kit.identity().name;
        let here = || {
            let listening = || directory::address(config.host, config.port);
            let base = config.peers.get(own).cloned();
            let base = base.or_else(|| (config.port != 0).then(listening));
            Source::Here(kit.hub().clone(), base.map(|base| kit.client(base, own)))
        };
        let mut members: Vec<Member> = directory::SERVICES
            .into_iter()
            .map(|entry| Member {
                name: entry.name,
                port: entry.port,
                source: if entry.name == own {
                    here()
                } else {
                    Source::There(kit.peer(entry.name))
                },
            })
            .collect();
        members.sort_by_key(|member| member.port);
        Self {
            members: members.into(),
            deadline,
        }
    }

    /// Returns every service, answering or not, after the deadline at the latest.
    pub(crate) async fn look(&self) -> Vec<Found> {
        join_all(self.members.iter().map(|member| member.look(self.deadline))).await
    }
}

impl Member {
    async fn look(&self, deadline: Duration) -> Found {
        let started = tooloo_clock::now();
        let (figures, ready, url) = match &self.source {
            Source::Here(hub, itself) => {
                let mut figures = Map::new();
                figures.insert("service".to_owned(), self.name.into());
                figures.extend(hub.snapshot());
                let (ready, url) = match itself {
                    Some(peer) => (ready(peer, deadline).await, Some(peer.base().to_string())),
                    None => (None, None),
                };
                (Ok(figures), ready, url)
            }
            Source::There(peer) => {
                let (figures, ready) = join(figures(peer, deadline), ready(peer, deadline)).await;
                (figures, ready, Some(peer.base().to_string()))
            }
        };
        let (observability, error) = match figures {
            Ok(figures) => (Some(figures), None),
            Err(error) => (None, Some(error)),
        };
        Found {
            service: self.name,
            url,
            ok: observability.is_some(),
            ready,
            latency: started.elapsed().as_secs_f64() * 1_000.0,
            error,
            observability,
        }
    }
}

impl Found {
    pub(crate) fn ok(&self) -> bool {
        self.ok
    }
}

async fn figures(peer: &Peer, deadline: Duration) -> Result<Map<String, Value>, String> {
    let asked = peer.get("/api/v1/system/observability");
    match timeout(deadline, asked).await {
        Ok(figures) => figures.map_err(|error: PeerError| error.to_string()),
        Err(_) => Err(format!(
            "{} did not answer within {deadline:?}",
            peer.name()
        )),
    }
}

async fn ready(peer: &Peer, deadline: Duration) -> Option<bool> {
    let asked = peer.get::<IgnoredAny>("/readyz");
    match timeout(deadline, asked).await.ok()? {
        Ok(_) => Some(true),
        Err(error) if error.status() == Some(StatusCode::SERVICE_UNAVAILABLE) => Some(false),
        Err(_) => None,
    }
}
