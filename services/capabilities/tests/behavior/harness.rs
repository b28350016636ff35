//! The service in this process, on a data folder of its own, in a fleet that a test makes up.

use std::{collections::BTreeMap, path::Path, time::Duration};

use axum::body::Body;
use capabilities::{CapabilitiesConfig, SERVICE};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;
use tooloo_query::{Database, DatabaseConfig};
use tooloo_service::{App, Secret, Settings, directory};
use tower::ServiceExt;

use crate::upstream::Upstream;

const SOON: Duration = Duration::from_secs(30);

/// An address where nothing listens.
const NOWHERE: &str = "http://127.0.0.1:1";

/// The service under test.
pub(crate) struct Service {
    pub(crate) app: App,
    folder: TempDir,
    fleet: BTreeMap<String, String>,
}

/// What the service answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) media_type: String,
    pub(crate) body: Value,
}

impl Service {
    /// Starts the service in a fleet where only these services run.
    pub(crate) async fn start(fleet: &[(&str, &Upstream)]) -> Self {
        Self::start_with(json!({}), fleet).await
    }

    /// Starts the service with some settings of its own.
    pub(crate) async fn start_with(domain: Value, fleet: &[(&str, &Upstream)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = |upstream: &Upstream| format!("http://{}", upstream.address);
        let fleet = fleet
            .iter()
            .map(|&(name, upstream)| (name.to_owned(), address(upstream)))
            .collect();
        let app = app(folder.path(), domain, &fleet).await;
        Self { app, folder, fleet }
    }

    /// Stops the service and starts it again on the same folder.
    pub(crate) async fn restart(self) -> Self {
        self.app.shutdown().await;
        drop(self.app);
        let app = app(self.folder.path(), json!({}), &self.fleet).await;
        Self { app, ..self }
    }

    /// Gives a table of the service's database another name.
    pub(crate) async fn rename(&self, table: &str, name: &str) {
        let file = self.app.config().data_dir.join("capabilities.sqlite");
        let (url, schema) = database::testing::url(self.folder.path())
            .await
            .map_or_else(
                || (format!("sqlite:{}", file.display()), "main"),
                |url| (url, "capabilities"),
            );
        let database = Database::open(&url, DatabaseConfig::new()).expect("a database");
        let script = format!("ALTER TABLE {schema}.{table} RENAME TO {name}");
        timeout(SOON, database.script(script))
            .await
            .expect("an end in time")
            .expect("a script that runs");
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answered {
        self.send(Method::POST, path, Some(body.to_string())).await
    }

    /// Looks at the whole fleet, and returns what is discovered.
    pub(crate) async fn refresh(&self) -> Value {
        self.get("/discovered?refresh=true").await.ok()
    }

    pub(crate) async fn activate(&self, id: &str) -> Value {
        self.post("/activate", &json!({ "id": id })).await.ok()
    }

    /// Returns everything that the service shows of itself.
    pub(crate) async fn observed(&self) -> Value {
        let path = "/api/v1/system/observability".to_owned();
        self.ask(Method::GET, path, None).await.ok()
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<String>) -> Answered {
        let path = format!("/api/v1/capabilities{path}");
        self.ask(method, path, body).await
    }

    async fn ask(&self, method: Method, path: String, body: Option<String>) -> Answered {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Body::from(body.unwrap_or_default()))
            .expect("a valid request");
        let answered = async {
            let response = self
                .app
                .router()
                .oneshot(request)
                .await
                .expect("routers do not fail");
            let (parts, body) = response.into_parts();
            (
                parts,
                body.collect().await.expect("a whole body").to_bytes(),
            )
        };
        let (parts, bytes) = timeout(SOON, answered).await.expect("an answer in time");
        let media_type = parts.headers.get(header::CONTENT_TYPE);
        Answered {
            status: parts.status,
            media_type: media_type
                .and_then(|v| v.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }
}

impl Answered {
    /// Returns the body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.body
    }

    /// Checks that this is a problem with `status` whose detail names `field`.
    #[track_caller]
    pub(crate) fn refused(&self, status: StatusCode, field: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.media_type, "application/problem+json");
        let detail = self.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(field), "{field} is not in {detail:?}");
    }
}

/// Returns the member of `list` whose `key` is `name`.
#[track_caller]
pub(crate) fn find<'a>(list: &'a Value, key: &str, name: &str) -> &'a Value {
    let mut members = list.as_array().into_iter().flatten();
    let found = members.find(|member| member[key] == name);
    found.unwrap_or_else(|| panic!("no {key} is {name} in {list:#}"))
}

/// Returns the ids in a list of operations.
pub(crate) fn ids(list: &Value) -> Vec<&str> {
    let members = list.as_array().into_iter().flatten();
    members.filter_map(|member| member["id"].as_str()).collect()
}

async fn app(folder: &Path, domain: Value, fleet: &BTreeMap<String, String>) -> App {
    let mut settings: Settings<CapabilitiesConfig> = Settings::for_tests(&SERVICE, folder);
    settings.kit.database_url = database::testing::url(folder).await.map(Secret::new);
    settings.domain = serde_json::from_value(domain).expect("valid settings");
    for service in directory::SERVICES {
        let address = fleet.get(service.name).map_or(NOWHERE, String::as_str);
        let address = address.parse().expect("an address");
        settings.kit.peers.insert(service.name.to_owned(), address);
    }
    capabilities::app(settings)
        .await
        .expect("a service that starts")
}
