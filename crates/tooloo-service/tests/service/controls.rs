//! What an administrator may change while a service runs.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use serde::{Deserialize, Serialize};
use serde_json::json;
use tooloo_hub::Observe;
use tooloo_service::{CachePurge, CacheTarget, Kit, Secret};

use crate::running::{Reply, Running, SERVICE, complete, start_with};

const BREAKER: &str = "/api/v1/system/circuit-breakers/budget";
const PURGE: &str = "/api/v1/system/cache/purge";
const LIMIT: &str = "/api/v1/system/rate-limits/2001:db8::%2F64";

/// What a cache was told to forget.
type Purges = Arc<Mutex<Vec<CachePurge>>>;

/// A breaker whose only figure is what it was told.
#[derive(Clone, Default)]
struct Breaker(Arc<Mutex<State>>);

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    #[default]
    Closed,
    ForcedOpen,
}

#[derive(Serialize)]
struct Snapshot {
    status: State,
}

/// A limiter that has room for one key.
#[derive(Clone, Default)]
struct Limiter(Arc<Mutex<BTreeMap<String, Quota>>>);

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Quota {
    limit: u32,
}

impl Observe for Breaker {
    type Snapshot = Snapshot;

    fn snapshot(&self) -> Snapshot {
        let status = *self.0.lock().unwrap();
        Snapshot { status }
    }

    fn encode(&self, _: prometheus_client::encoding::DescriptorEncoder<'_>) -> fmt::Result {
        Ok(())
    }
}

impl Observe for Limiter {
    type Snapshot = BTreeMap<String, Quota>;

    fn snapshot(&self) -> Self::Snapshot {
        self.0.lock().unwrap().clone()
    }

    fn encode(&self, _: prometheus_client::encoding::DescriptorEncoder<'_>) -> fmt::Result {
        Ok(())
    }
}

impl Limiter {
    fn set(&self, key: &str, quota: Option<Quota>) -> Result<(), &'static str> {
        let mut keys = self.0.lock().unwrap();
        match quota {
            Some(_) if keys.len() == 1 && !keys.contains_key(key) => return Err("full"),
            Some(quota) => keys.insert(key.to_owned(), quota),
            None => keys.remove(key),
        };
        Ok(())
    }
}

/// Starts a service with two breakers and a limiter.
async fn start(token: Option<&'static str>) -> Running {
    start_with(
        |config| config.admin_token = token.map(Secret::new),
        |settings| {
            let mut kit = Kit::new(&SERVICE, &settings.kit).unwrap();
            for name in ["budget", "coach"] {
                let breaker = Breaker::default();
                let switch = breaker.clone();
                kit.circuit_breaker(name, breaker, move |state: State| {
                    *switch.0.lock().unwrap() = state;
                });
            }
            let limiter = Limiter::default();
            let limits = limiter.clone();
            kit.rate_limiter(limiter, move |key, quota| limits.set(key, quota));
            complete(kit)
        },
    )
    .await
}

async fn ask(server: &Running, method: &str, path: &str, token: &str, body: &str) -> Reply {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    server.send(head).await
}

#[tokio::test]
async fn an_administrator_sets_a_breaker_by_its_name() {
    let server = start(Some("hunter2")).await;
    let open = r#"{"state":"forced-open"}"#;
    let reply = ask(&server, "POST", BREAKER, "hunter2", open).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let answer = reply.json();
    assert_eq!(answer["name"], "budget");
    assert_eq!(answer["circuitBreaker"]["status"], "forced-open");
    let told = server.get("/api/v1/system/observability").await.json();
    let breakers = json!({"budget": {"status": "forced-open"}, "coach": {"status": "closed"}});
    assert_eq!(told["circuitBreakers"], breakers);

    let unknown = "/api/v1/system/circuit-breakers/nobody";
    let reply = ask(&server, "POST", unknown, "hunter2", open).await;
    reply.problem(404, "unknown_circuit_breaker", unknown);
    let detail = reply.json()["detail"].to_string();
    assert!(detail.contains("budget, coach"), "{detail}");
    for body in [
        "{}",
        r#"{"state":"ajar"}"#,
        r#"{"state":1}"#,
        r#"{"state":"closed","for":1}"#,
    ] {
        let reply = ask(&server, "POST", BREAKER, "hunter2", body).await;
        reply.problem(422, "invalid_field", BREAKER);
    }
}

#[tokio::test]
async fn an_administrator_sets_the_quota_of_a_key() {
    let server = start(Some("hunter2")).await;
    let quotas =
        async || server.get("/api/v1/system/observability").await.json()["rateLimiter"].clone();
    let reply = ask(&server, "PUT", LIMIT, "hunter2", r#"{"limit":7}"#).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let answer = reply.json();
    assert_eq!(
        (&answer["key"], &answer["quota"]["limit"]),
        (&json!("2001:db8::/64"), &json!(7))
    );
    assert_eq!(quotas().await, json!({"2001:db8::/64": {"limit": 7}}));

    let other = "/api/v1/system/rate-limits/other";
    let reply = ask(&server, "PUT", other, "hunter2", r#"{"limit":7}"#).await;
    reply.problem(503, "quota_not_set", other);
    let reply = ask(&server, "PUT", LIMIT, "hunter2", r#"{"limit":"7"}"#).await;
    reply.problem(422, "invalid_field", LIMIT);
    let long = format!("/api/v1/system/rate-limits/{}", "k".repeat(257));
    let reply = ask(&server, "PUT", &long, "hunter2", r#"{"limit":7}"#).await;
    reply.problem(400, "invalid_path", &long);

    let reply = ask(&server, "DELETE", LIMIT, "hunter2", "").await;
    assert_eq!((reply.status, &reply.json()["quota"]), (200, &json!(null)));
    assert_eq!(quotas().await, json!({}));
}

#[tokio::test]
async fn a_stranger_changes_nothing() {
    let server = start(Some("hunter2")).await;
    let before = server.get("/api/v1/system/observability").await.json();
    let calls = [
        ("POST", BREAKER, r#"{"state":"forced-open"}"#),
        ("POST", "/api/v1/system/circuit-breakers/nobody", "{}"),
        ("PUT", LIMIT, r#"{"limit":7}"#),
        ("DELETE", LIMIT, ""),
    ];
    for (method, path, body) in calls {
        let reply = ask(&server, method, path, "hunter3", body).await;
        reply.problem(401, "not_admin", path);
    }
    let after = server.get("/api/v1/system/observability").await.json();
    for part in ["circuitBreakers", "rateLimiter"] {
        assert_eq!(before[part], after[part]);
    }
}

#[tokio::test]
async fn there_are_no_such_routes_without_a_token() {
    let server = start(None).await;
    for (method, path) in [("POST", BREAKER), ("PUT", LIMIT), ("DELETE", LIMIT)] {
        let reply = ask(&server, method, path, "", "{}").await;
        reply.problem(404, "unknown_route", path);
    }
    let paths = |document: &serde_json::Value| {
        let paths = document["paths"].as_object().unwrap().keys();
        let own =
            |path: &&String| path.contains("circuit-breakers") || path.contains("rate-limits");
        paths.filter(own).count()
    };
    assert_eq!(paths(&server.get("/openapi.json").await.json()), 0);
    let open = start(Some("hunter2")).await;
    assert_eq!(paths(&open.get("/openapi.json").await.json()), 2);
}

/// Starts a service with a cache that notes what it is to forget.
async fn start_with_cache(token: Option<&'static str>) -> (Running, Purges) {
    let purges = Purges::default();
    let noted = purges.clone();
    let server = start_with(
        |config| config.admin_token = token.map(Secret::new),
        |settings| {
            let mut kit = Kit::new(&SERVICE, &settings.kit).unwrap();
            kit.cache(Breaker::default(), move |wanted: CachePurge| {
                let noted = noted.clone();
                async move {
                    if wanted.target == CacheTarget::Key("nonsense".to_owned()) {
                        return Err("`nonsense` is none");
                    }
                    noted.lock().unwrap().push(wanted);
                    Ok(())
                }
            });
            complete(kit)
        },
    );
    (server.await, purges)
}

#[tokio::test]
async fn an_administrator_makes_the_cache_forget() {
    let (server, purges) = start_with_cache(Some("hunter2")).await;
    for (body, target, soft) in [
        (r#"{"key":"k"}"#, CacheTarget::Key("k".to_owned()), false),
        (
            r#"{"prefix":"p","soft":true}"#,
            CacheTarget::Prefix("p".to_owned()),
            true,
        ),
        (r#"{"tag":"t"}"#, CacheTarget::Tag("t".to_owned()), false),
        (
            r#"{"group":"g"}"#,
            CacheTarget::Group("g".to_owned()),
            false,
        ),
    ] {
        let reply = ask(&server, "POST", PURGE, "hunter2", body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let answer = reply.json();
        assert_eq!(
            (&answer["soft"], &answer["cache"]["status"]),
            (&json!(soft), &json!("closed"))
        );
        let last = purges.lock().unwrap().pop().unwrap();
        assert_eq!((last.target, last.soft), (target, soft));
        assert_eq!(last.origin.as_deref(), Some("http://x"));
    }
    let long = format!(r#"{{"tag":"{}"}}"#, "t".repeat(4097));
    for body in [
        "{}",
        r#"{"key":"k","tag":"t"}"#,
        r#"{"key":""}"#,
        r#"{"key":1}"#,
        r#"{"key":"k","hard":true}"#,
        r#"{"key":"nonsense"}"#,
        &long,
    ] {
        let reply = ask(&server, "POST", PURGE, "hunter2", body).await;
        reply.problem(422, "invalid_field", PURGE);
    }
    let reply = ask(&server, "POST", PURGE, "hunter3", r#"{"key":"k"}"#).await;
    reply.problem(401, "not_admin", PURGE);
    assert!(purges.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nobody_makes_a_cache_forget_without_a_token_or_a_cache() {
    let (server, _) = start_with_cache(None).await;
    let reply = ask(&server, "POST", PURGE, "", r#"{"key":"k"}"#).await;
    reply.problem(404, "unknown_route", PURGE);
    let server = start(Some("hunter2")).await;
    let reply = ask(&server, "POST", PURGE, "hunter2", r#"{"key":"k"}"#).await;
    reply.problem(404, "unknown_route", PURGE);
}
