//! The benchmarks' router behind a rate limit for each client's address.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
};
use governor::middleware::{NoOpMiddleware, StateInformationMiddleware};
use tooloo_key::TrustedProxies;
use tooloo_rate_limit::{Headers, Quota, RateLimitConfig, RateLimitLayer, by};
use tower_governor::{
    GovernorLayer,
    governor::{GovernorConfig, GovernorConfigBuilder},
    key_extractor::PeerIpKeyExtractor,
};

/// Clients that the requests come from in turn.
const CLIENTS: usize = 100;

/// What a client's quota is.
#[derive(Clone, Copy, Debug)]
pub enum Quotas {
    /// More than it asks for, and full again at once.
    Ample,
    /// More than it asks for, and less each time.
    Waning,
    /// One request an hour.
    Spent,
}

/// Makes a request come from one of a hundred clients.
///
/// # Panics
///
/// Never: there are addresses for as many.
pub fn client(number: usize, request: &mut Request) {
    let host = u8::try_from(number % CLIENTS).expect("there are a hundred clients");
    let address = IpAddr::from(Ipv4Addr::new(203, 0, 113, host));
    let peer = ConnectInfo(SocketAddr::new(address, 40_000));
    request.extensions_mut().insert(peer);
}

/// Our layer as it comes: it writes five headers into every answer.
pub fn limited(quotas: Quotas) -> Router {
    limited_telling(Headers::default(), quotas)
}

/// Our layer where it writes these headers into every answer.
pub fn limited_telling(headers: Headers, quotas: Quotas) -> Router {
    let quota = match quotas {
        Quotas::Ample => Quota::per_second(quotas.burst()),
        Quotas::Waning => Quota::per_day(quotas.burst()),
        Quotas::Spent => Quota::per_hour(quotas.burst()),
    };
    let layer = RateLimitLayer::new(
        RateLimitConfig::new(quota),
        by::peer(TrustedProxies::default()),
    );
    crate::router().layer(layer.with_headers(headers))
}

/// `tower_governor` as it comes: it writes no headers into an answer that is let through.
///
/// # Panics
///
/// Panics where it does not take its settings.
pub fn governed(quotas: Quotas) -> Router {
    let config: GovernorConfig<_, NoOpMiddleware> =
        quotas.governor().finish().expect("the settings are valid");
    crate::router().layer(GovernorLayer::new(Arc::new(config)))
}

/// `tower_governor` where it tells clients how they stand, in two headers.
///
/// # Panics
///
/// Panics where it does not take its settings.
pub fn governed_with_headers(quotas: Quotas) -> Router {
    let config: GovernorConfig<_, StateInformationMiddleware> = quotas
        .governor()
        .use_headers()
        .finish()
        .expect("the settings are valid");
    crate::router().layer(GovernorLayer::new(Arc::new(config)))
}

impl Quotas {
    fn burst(self) -> NonZeroU32 {
        match self {
            Self::Ample | Self::Waning => NonZeroU32::new(1_000_000).expect("it is not zero"),
            Self::Spent => NonZeroU32::MIN,
        }
    }

    fn governor(self) -> GovernorConfigBuilder<PeerIpKeyExtractor, NoOpMiddleware> {
        let builder = GovernorConfigBuilder::default().const_burst_size(self.burst().get());
        match self {
            Self::Ample => builder.const_per_nanosecond(1000),
            Self::Waning => builder.const_per_nanosecond(86_400_000),
            Self::Spent => builder.const_per_second(3600),
        }
    }
}
