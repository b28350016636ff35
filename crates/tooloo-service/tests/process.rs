//! A service as a process: its flags, its log, its exit.
//!
//! This program is the service as well: it starts itself with a variable that says so.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, ChildStderr, Command, ExitCode, Stdio},
    time::Duration,
};

use serde::Deserialize;
use serde_json::Value;
use tooloo_service::{App, Definition, Kit, Settings, StartError};
use utoipa_axum::{router::OpenApiRouter, routes};

const AS_SERVICE: &str = "PROCESS_TEST_AS_SERVICE";
const HANG: Duration = Duration::from_secs(10);

const SERVICE: Definition = Definition {
    name: "training",
    port: 3001,
    sampling_rate: 0.15,
    version: "1.2.3",
    summary: "a service under test",
    check: |raw| raw.settings::<Nothing>().map(drop),
    build: |raw| Box::pin(async move { app(&raw.settings()?) }),
};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Nothing {}

/// Panics.
#[utoipa::path(get, path = "/panic", responses((status = 200)))]
async fn panics() -> &'static str {
    panic!("on purpose")
}

/// Never answers.
#[utoipa::path(get, path = "/never", responses((status = 200)))]
async fn never() {
    std::future::pending::<()>().await;
}

fn app(settings: &Settings<Nothing>) -> Result<App, StartError> {
    let kit = Kit::new(&SERVICE, &settings.kit)?;
    let routes = OpenApiRouter::new().routes(routes!(panics));
    Ok(kit.finish(routes.routes(routes!(never))))
}

fn main() -> ExitCode {
    if env::var_os(AS_SERVICE).is_some() {
        return tooloo_service::main(SERVICE);
    }
    // Nothing here may hang a build: the whole program ends in time.
    std::thread::spawn(|| {
        std::thread::sleep(HANG * 3);
        eprintln!("a process test hangs");
        std::process::exit(1);
    });
    let tests: [(&str, fn()); 5] = [
        ("a_terminated_service_drains_and_exits_well", drains),
        ("a_second_signal_ends_it_at_once", hurries),
        ("help_lists_the_flags", helps),
        ("a_mistake_in_the_settings_is_told_in_one_line", refuses),
        ("a_port_in_use_is_named", collides),
    ];
    for (name, test) in tests {
        test();
        println!("test {name} ... ok");
    }
    ExitCode::SUCCESS
}

fn command(arguments: &[&str]) -> Command {
    let folder = env::temp_dir().join(format!("tooloo-process-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for temporary files");
    let mut command = Command::new(env::current_exe().expect("this program"));
    command
        .env(AS_SERVICE, "1")
        .current_dir(&folder)
        .args(["--data-dir", "."])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A service that runs, and its log.
struct Service {
    child: Child,
    log: BufReader<ChildStderr>,
    address: SocketAddr,
}

impl Service {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command(&["--port", "0"])
            .args(arguments)
            .spawn()
            .expect("a child");
        let mut log = BufReader::new(child.stderr.take().expect("piped"));
        let serving = next(&mut log);
        let address = serving["address"].as_str().expect("an address");
        let address = address
            .trim_start_matches("http://")
            .parse()
            .expect("an address");
        Self {
            child,
            log,
            address,
        }
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.expect("kill").success());
    }

    fn send(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(HANG)).expect("a timeout");
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream
            .write_all(request.as_bytes())
            .expect("a request is taken");
        stream
    }

    fn get(&self, path: &str) -> String {
        let mut answer = String::new();
        self.send(path)
            .read_to_string(&mut answer)
            .expect("an answer");
        answer
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already, unless a test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the next line of a log.
fn next(log: &mut impl BufRead) -> Value {
    let mut line = String::new();
    log.read_line(&mut line).expect("a line of text");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}"))
}

fn drains() {
    let mut service = Service::start(&["--log-format", "json"]);
    let answer = service.get("/panic");
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    let panicked = next(&mut service.log);
    assert_eq!(panicked["panic"], "on purpose");
    assert_eq!(panicked["service"], "training");
    let trace = panicked["traceId"].as_str().expect("a trace id");
    assert!(
        answer.contains(&format!("\"traceId\":\"{trace}\"")),
        "{answer}"
    );
    service.signal("-TERM");
    assert!(service.child.wait().expect("an end").success());
    let mut rest = String::new();
    service.log.read_to_string(&mut rest).expect("text");
    assert!(rest.contains("drained"), "{rest}");
    assert!(
        !rest.contains("\"panic\":"),
        "it was logged more than once: {rest}"
    );
}

fn hurries() {
    let mut service = Service::start(&[]);
    let _held = service.send("/never");
    service.signal("-INT");
    // The drain waits for what never ends; the second signal does not.
    while next(&mut service.log)["message"] != "draining" {}
    service.signal("-INT");
    let status = service.child.wait().expect("an end");
    assert_eq!(status.code(), Some(1));
}

fn helps() {
    let output = command(&["--help"]).output().expect("output");
    let help = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success());
    for flag in [
        "--config",
        "--data-dir",
        "--host",
        "--port",
        "--log-format",
        "--log-level",
    ] {
        assert!(help.contains(flag), "{flag} is missing in {help}");
    }
    assert!(
        help.contains("a service under test") && !help.contains('\x1b'),
        "{help}"
    );
}

fn refuses() {
    let output = command(&["--port", "many"]).output().expect("output");
    let told = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1));
    assert!(told.starts_with("training: flag --port: "), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

fn collides() {
    let service = Service::start(&[]);
    let port = service.address.port().to_string();
    let output = command(&["--port", &port]).output().expect("output");
    let told = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told.contains(&format!("cannot listen on 127.0.0.1:{port}")),
        "{told}"
    );
}
