//! `tooloo up`: every service in one process, until it is told to stop.

mod greeting;

use std::{io, process::ExitCode};

use tokio::net::TcpListener;
use tooloo_service::{Shutdown, StartError, serve, start_logs};

use crate::{
    args::Up,
    roster::{Member, Roster},
    show::{self, Paint},
};

/// Starts the fleet, serves until a signal, and drains.
///
/// Nothing is started before every port is held: a fleet runs whole or not at all.
pub(crate) async fn run(args: Up) -> Result<ExitCode, StartError> {
    let flags = flags(&args);
    let roster = Roster::read(&args.place, flags)?;
    let shutdown = Shutdown::on_signals()?;
    let own = roster.own()?;
    let listeners = listen(&roster.members).await?;
    start_logs(&own)?;

    let mut apps = Vec::with_capacity(roster.members.len());
    for (member, listener) in roster.members.iter().zip(listeners) {
        let raw = roster.source.raw(&member.definition);
        let app = (member.definition.build)(raw).await;
        let app = app
            .map_err(|error| StartError::new(format!("cannot start {}: {error}", member.name())))?;
        apps.push((app, listener));
    }
    show::print(&greeting::greet(&roster.by_port(), Paint::for_stdout()))?;
    serve(apps, shutdown).await?;
    Ok(ExitCode::SUCCESS)
}

fn flags(args: &Up) -> Vec<(String, String)> {
    let flags = [
        (
            "data_dir",
            args.data_dir
                .as_ref()
                .map(|folder| folder.display().to_string()),
        ),
        (
            "log_format",
            args.log_format.map(|format| format.name().to_owned()),
        ),
        ("log_level", args.log_level.clone()),
    ];
    flags
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
}

/// Takes the port of every service, or names all that cannot be had.
async fn listen(members: &[Member]) -> Result<Vec<TcpListener>, StartError> {
    let mut listeners = Vec::with_capacity(members.len());
    let mut failures = Vec::new();
    for member in members {
        match TcpListener::bind(member.socket()).await {
            Ok(listener) => listeners.push(listener),
            Err(error) => failures.push(refusal(member, &error)),
        }
    }
    if failures.is_empty() {
        Ok(listeners)
    } else {
        Err(StartError::new(failures.join("\n")))
    }
}

fn refusal(member: &Member, error: &io::Error) -> String {
    let (name, socket) = (member.name(), member.socket());
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            let port = socket.port();
            format!(
                "cannot start {name}: port {port} of {} is in use; --base-port moves the fleet to other ports",
                socket.ip()
            )
        }
        _ => format!("cannot start {name}: cannot listen on {socket}: {error}"),
    }
}
