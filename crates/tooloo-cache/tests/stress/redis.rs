//! The same over a server that both nodes share.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::{Duration, sleep};
use tooloo_cache::{
    CacheConfig, Raw,
    backend::{Redis, RedisConfig},
};
use tooloo_testkit::RedisServer;

use super::{Versioned, model::Versions, with_seeds};

/// A key that shows when what came before its removal has come to the other node.
const SIGN: &str = "sign";

fn join(server: &RedisServer) -> Versioned {
    // A busy machine is no outage.
    let config = RedisConfig::new(server.url()).with_deadline(Duration::from_secs(10));
    let redis = Redis::new(config).unwrap();
    let settings = CacheConfig::new().with_stale_while_revalidate(Duration::from_secs(60));
    Versioned::builder(settings)
        .with_tier(redis.tier(Raw))
        .with_backplane(redis.backplane())
        .build()
}

/// Waits until the other node has heard all that this one has told so far.
async fn heard(nodes: &[Versioned; 2], node: usize) {
    let (here, there) = (&nodes[node], &nodes[1 - node]);
    let sign = SIGN.to_owned();
    there.insert(sign.clone(), Bytes::new());
    // What it told itself of the new sign goes before this.
    there.flush().await;
    while there.get_in_memory(SIGN).is_some() {
        here.remove(&sign).await;
        // Another node can only be looked at.
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn two_nodes_on_a_server_serve_nothing_older_than_a_purge_that_returned() {
    with_seeds(async |mut run| {
        let server = RedisServer::start().await;
        let mut nodes = [join(&server), join(&server)];
        let versions = Arc::new(Versions::new(2));
        while run.goes_on() {
            run.step(&versions, &[&nodes[0], &nodes[1]], |node| {
                heard(&nodes, node)
            })
            .await;
            if run.one_in(60) {
                run.wait_for_readers().await;
                let node = run.below(2);
                nodes[node] = join(&server);
                heard(&nodes, 1 - node).await;
            }
        }
        run.wait_for_readers().await;
        assert!(run.hits() > 0, "everything missed");
    })
    .await;
}
