//! What keeps a fleet from starting, and how it says so.

use tokio::net::TcpListener;
use tooloo_testkit::fleet::Exit;

use crate::fleet;

fn assert_refused(exit: &Exit, expected: &[&str]) {
    assert_ne!(exit.code, Some(0), "it started: {}", exit.stdout);
    assert!(exit.code.is_some(), "it was killed: {}", exit.stderr);
    for word in expected {
        assert!(
            exit.stderr.contains(word),
            "{word:?} is not in {:?}",
            exit.stderr
        );
    }
    assert_eq!(exit.stdout, "", "a refusal goes to standard error");
}

#[tokio::test]
async fn a_port_in_use_is_named_with_its_service_before_anything_starts() {
    let launch = fleet("");
    let (port, data) = (launch.base_port() + 3, launch.data_dir().to_owned());
    let _taken = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let keep = launch.clone();
    let exit = launch.spawn().wait().await;
    assert_refused(&exit, &["budget", &port.to_string(), "in use"]);
    let left: Vec<_> = std::fs::read_dir(data)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["tooloo.toml"], "nothing was made in the data folder");
    drop(keep);
}

#[tokio::test]
async fn an_unknown_service_is_named_with_those_there_are() {
    let exit = fleet("").with_only(&["web", "wed"]).spawn().wait().await;
    assert_refused(
        &exit,
        &["--only", "`wed`", "web", "training", "capabilities"],
    );
}

#[tokio::test]
async fn an_unknown_key_is_named_with_its_file() {
    let exit = fleet("request_timout = '1s'").spawn().wait().await;
    assert_refused(&exit, &["request_timout", "tooloo.toml"]);
    let exit = fleet("[training]\nmax_topic = 3").spawn().wait().await;
    assert_refused(&exit, &["training.max_topic", "tooloo.toml"]);
    // Also where that service is not to start.
    let exit = fleet("[training]\nmax_topic = 3")
        .with_only(&["web"])
        .spawn()
        .wait()
        .await;
    assert_refused(&exit, &["training.max_topic"]);
}

#[tokio::test]
async fn a_bad_value_is_named_with_its_variable() {
    let exit = fleet("")
        .with_env("TOOLOO_SAMPLING_RATE", "1.5")
        .spawn()
        .wait()
        .await;
    assert_refused(&exit, &["TOOLOO_SAMPLING_RATE", "1.5"]);
    let exit = fleet("")
        .with_env("TOOLOO_TRAINING_PORT", "door")
        .spawn()
        .wait()
        .await;
    assert_refused(&exit, &["TOOLOO_TRAINING_PORT", "door"]);
    let exit = fleet("")
        .with_env("TOOLOO_REQUEST_TIMOUT", "1s")
        .spawn()
        .wait()
        .await;
    assert_refused(&exit, &["TOOLOO_REQUEST_TIMOUT"]);
}

#[tokio::test]
async fn a_bad_flag_is_named() {
    let launch = fleet("");
    for (flag, value) in [
        ("--base-port", "65535"),
        ("--log-format", "loud"),
        ("--log-level", "=?="),
        ("--host", "nowhere"),
    ] {
        let exit = launch.run(&["up", flag, value]).await;
        assert_refused(&exit, &[flag]);
    }
    let exit = launch.run(&["up", "--config", "absent.toml"]).await;
    assert_refused(&exit, &["absent.toml"]);
}
