//! `tooloo status`: how each service of a running fleet is doing.

mod report;

use std::process::ExitCode;

use futures_util::future;
use serde_json::json;
use tooloo_service::StartError;

use self::report::Report;
use crate::{
    args::Status,
    look::Lookout,
    roster::Roster,
    show::{self, Paint, Tint},
};

/// Prints the fleet's state; fails where a service is down or not ready.
pub(crate) async fn run(args: Status) -> Result<ExitCode, StartError> {
    let roster = Roster::read(&args.place, Vec::new())?;
    let lookout = Lookout::new();
    let members = roster.by_port();
    let reports = future::join_all(
        members
            .into_iter()
            .map(|member| Report::gather(&lookout, member)),
    )
    .await;
    let ok = reports.iter().all(Report::is_ready);
    let text = if args.json {
        let services: Vec<_> = reports.iter().map(Report::to_json).collect();
        format!("{:#}\n", json!({ "ok": ok, "services": services }))
    } else {
        render(&reports, Paint::for_stdout())
    };
    show::print(&text)?;
    Ok(if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn render(reports: &[Report], paint: Paint) -> String {
    let mut table = report::table();
    for report in reports {
        table.push(report.row());
    }
    let mut text = table.render(paint);
    let notes = reports.iter().flat_map(Report::notes);
    let notes: Vec<_> = notes
        .map(|note| paint.paint(Tint::Bad, &show::printable(&note)))
        .collect();
    if !notes.is_empty() {
        text.push('\n');
        text.push_str(&notes.join("\n"));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_shows_what_is_known_and_what_is_wrong() {
        let reports = report::tests::three();
        let expected = "\
service   address                health  ready  uptime  requests   rate      p50      p99  errors
web       http://127.0.0.1:3000  up      yes    2m 05s     1,245  3.4/s  2.20 ms  9.80 ms      12
training  http://127.0.0.1:3001  up      no         3s         0  0.0/s        –        –       0
budget    http://127.0.0.1:3003  down    –           –         –      –        –        –       –

training is not ready: database: locked
budget is down: nothing answers there
";
        let shown = render(&reports, Paint::plain());
        assert_eq!(shown, expected, "\n{shown}");
    }
}
