//! How often each client may ask, also where that changes or is shared.

use std::{path::PathBuf, time::Duration};

use tooloo_key::Key;
use tooloo_rate_limit::{Policies, Quota, RateLimitLayer, RedisStore};
use tooloo_service::{Kit, KitConfig, StartError, Stop};

use crate::{WebConfig, clients::Clients, config};

/// What quotas are kept under in a Redis.
const PREFIX: &str = "tooloo:web";

/// Makes the layer, shows what it does, and keeps it as its file says.
///
/// # Errors
///
/// Returns a [`StartError`] where there is a file that makes no sense, or a Redis's address that makes
/// none. Whether the Redis answers is seen later.
pub(crate) fn layer(
    kit: &mut Kit,
    config: &KitConfig,
    web: &WebConfig,
) -> Result<RateLimitLayer<Clients>, StartError> {
    let (text, limits) = match &web.rate_limit_file {
        Some(path) => config::from_file(path)?,
        None => (String::new(), web.rate_limit.clone()),
    };
    let policies = match &config.redis_url {
        Some(url) => {
            let store = RedisStore::new(url.expose(), PREFIX).map_err(StartError::new)?;
            Policies::shared(limits, store, web.rate_limit_store)
        }
        None => Policies::new(limits),
    };
    if let Some(path) = web.rate_limit_file.clone() {
        let (policies, interval) = (policies.clone(), web.rate_limit_file_interval);
        kit.task("rate limit file", move |stop| {
            follow(path, text, policies, interval, stop)
        });
    }
    // The quota of most routes: those with limits of their own keep theirs.
    let limiter = policies.limiter();
    kit.rate_limiter(policies.handle(), move |key, quota: Option<Quota>| {
        let key = Key::from(key);
        if let Some(quota) = quota {
            return limiter.set_limit(&key, quota);
        }
        limiter.clear_limit(&key);
        Ok(())
    });
    Ok(RateLimitLayer::new(
        policies,
        Clients::new(web.clients.clone()),
    ))
}

/// Reads the file again where its text has changed; one that makes no sense changes nothing.
///
/// A text is taken when it is found twice: the first time it may be half written.
async fn follow(
    path: PathBuf,
    mut text: String,
    policies: Policies,
    interval: Duration,
    stop: Stop,
) {
    let (mut found, mut complaint) = (None, String::new());
    loop {
        tokio::select! {
            () = stop.requested() => return,
            () = tokio::time::sleep(interval) => {}
        }
        let path = path.clone();
        let read = tokio::task::spawn_blocking(move || config::from_file(&path)).await;
        match read {
            Ok(Ok((new, limits))) => {
                complaint.clear();
                if new != text && found.as_ref() == Some(&new) {
                    policies.reload(limits);
                    tracing::info!("the rate limits were read again");
                    text.clone_from(&new);
                }
                found = Some(new);
            }
            Ok(Err(error)) => {
                // Once, and not each time that it is looked at.
                if complaint != error.to_string() {
                    complaint = error.to_string();
                    tracing::warn!(%error, "the rate limits stay as they are");
                }
            }
            Err(error) => tracing::error!(%error, "the rate limits cannot be read"),
        }
    }
}
