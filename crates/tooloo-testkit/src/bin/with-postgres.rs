//! Runs a command beside a private PostgreSQL server, whose URL it finds in `POSTGRES_FOR_TESTS`.
//!
//! `cargo run -p tooloo-testkit --bin with-postgres -- cargo test -p training`

use std::process::ExitCode;

use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
};
use tooloo_testkit::PostgresServer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else {
        eprintln!("with-postgres: which command?");
        return ExitCode::from(2);
    };
    // Many tests at once, each with pools of its own.
    let server = PostgresServer::start_with(&["max_connections=600"]).await;
    let mut command = Command::new(&program);
    command.args(words).env("POSTGRES_FOR_TESTS", server.url());
    command.kill_on_drop(true);
    // Told to stop, it takes the server along.
    let mut told = signal(SignalKind::terminate()).expect("signals can be listened to");
    let status = tokio::select! {
        status = command.status() => status,
        _ = told.recv() => return ExitCode::FAILURE,
    };
    match status {
        Ok(status) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            code.map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            eprintln!("with-postgres: {}: {error}", program.display());
            ExitCode::from(127)
        }
    }
}
