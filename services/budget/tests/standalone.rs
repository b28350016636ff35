//! The program run alone, with its simulated provider beside it.

mod rig;

use std::process::{Command, Stdio};

use http::StatusCode;
use rig::{free_port, within};
use serde_json::json;
use tempfile::TempDir;
use tooloo_testkit::{Client, client};

#[tokio::test]
async fn brings_its_provider_along_and_ends_with_it() {
    let folder = TempDir::new().unwrap();
    let (port, simulator) = (free_port().await, free_port().await);
    let mut program = Command::new(env!("CARGO_BIN_EXE_budget"));
    program.env_clear();
    if let Some(url) = database::testing::url(folder.path()).await {
        program.env("TOOLOO_DATABASE_URL", url);
    }
    let mut program = program
        // The simulated provider's port is ten above the base.
        .env("TOOLOO_BASE_PORT", (simulator - 10).to_string())
        .env("TOOLOO_BUDGET_PORT", port.to_string())
        .env("TOOLOO_DATA_DIR", folder.path())
        .env("TOOLOO_DRAIN_GRACE", "0s")
        .env("TOOLOO_LOG_LEVEL", "warn")
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let client = Client::without_keep_alive();
    let url = format!("http://127.0.0.1:{port}");
    let ready = async {
        loop {
            let ready = client::request(http::Method::GET, format!("{url}/readyz"), None);
            match client.try_send(ready).await {
                Ok(reply) if reply.status == StatusCode::OK => return,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    within(ready).await;
    let prompt = json!({"prompt": "are you alone?"});
    let answer = client
        .post(format!("{url}/api/v1/providers/burst"), &prompt)
        .await
        .json();
    assert_eq!(answer["provider"], "simulator", "{answer}");
    let stats = format!("http://127.0.0.1:{simulator}/simulator/stats");
    assert_eq!(client.get(stats).await.json()["answered"], 1);

    let pid = program.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    let ended = tokio::task::spawn_blocking(move || program.wait().unwrap());
    assert!(within(ended).await.unwrap().success());
}
