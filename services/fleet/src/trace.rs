//! `tooloo trace`: one trace, gathered from every service it passed through.

mod id;
mod span;
mod waterfall;

use std::process::ExitCode;

use futures_util::future;
use http::StatusCode;
use serde_json::{Value, json};
use tooloo_service::StartError;

use self::{
    id::TraceId,
    span::{Part, Span},
};
use crate::{
    args::Trace,
    look::{Lookout, Silence},
    roster::{Member, Roster},
    show::{self, Paint},
};

/// Prints the trace; fails where no service knows it.
pub(crate) async fn run(args: Trace) -> Result<ExitCode, StartError> {
    let id: TraceId = args.id.parse().map_err(StartError::new)?;
    let roster = Roster::read(&args.place, Vec::new())?;
    let lookout = Lookout::new();
    let members = roster.by_port();
    let parts = future::join_all(members.iter().map(|member| gather(&lookout, member, &id))).await;

    let mut spans: Vec<Span> = Vec::new();
    let mut silent = Vec::new();
    for (member, part) in members.iter().zip(parts) {
        match part {
            Ok(part) => spans.extend(part),
            Err(silence) => silent.push(format!("{}: {silence}", member.name())),
        }
    }
    if spans.is_empty() {
        return Err(StartError::new(unknown(&id, &silent, members.len())));
    }
    for silent in silent {
        eprintln!("tooloo: spans may be missing: {silent}");
    }
    let text = if args.json {
        let ordered: Vec<_> = span::tree(&spans)
            .into_iter()
            .map(|placed| placed.span)
            .collect();
        format!(
            "{:#}\n",
            json!({ "traceId": id.to_string(), "spans": ordered })
        )
    } else {
        waterfall::draw(&spans, show::terminal_columns(), Paint::for_stdout())
    };
    show::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Gets what one service has of a trace, which is nothing where it does not know it.
async fn gather(lookout: &Lookout, member: &Member, id: &TraceId) -> Result<Vec<Span>, Silence> {
    let path = format!("/api/v1/system/traces/{id}");
    let (status, answer) = lookout.get::<Value>(&member.url(), &path).await?;
    match status {
        StatusCode::NOT_FOUND => Ok(Vec::new()),
        StatusCode::OK => match serde_json::from_value::<Part>(answer) {
            Ok(part) => Ok(part.spans),
            Err(error) => Err(Silence::Strange(status, error.to_string())),
        },
        _ => Err(Silence::Strange(status, "spans were asked for".to_owned())),
    }
}

fn unknown(id: &TraceId, silent: &[String], asked: usize) -> String {
    if silent.len() == asked {
        return format!(
            "no service answers; is the fleet running?\n  {}",
            silent.join("\n  ")
        );
    }
    let why = "it was not sampled, or newer ones have taken its room";
    let mut text = format!("no service knows the trace {id}: {why}");
    for silent in silent {
        text.push_str("\n  not asked: ");
        text.push_str(silent);
    }
    text
}
