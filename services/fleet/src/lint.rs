//! `tooloo lint`: anti-patterns in files of SQL.

mod input;
mod report;
mod sarif;
mod text;

use std::process::ExitCode;

use tooloo_query::analyze;
use tooloo_service::StartError;

use self::report::{Report, Trouble};
use crate::{
    args::{Lint, LintFormat},
    show::{self, Paint},
};

/// What the command ends with where something could not be read, or is not SQL.
const TROUBLE: u8 = 2;

/// Prints what is found; fails where something of the chosen severity or above is.
pub(crate) fn run(args: &Lint) -> Result<ExitCode, StartError> {
    let mut report = Report::default();
    for name in &args.files {
        match input::read(name) {
            Ok(sql) => match analyze(&sql, args.dialect.into()) {
                Ok(findings) => report.add(name, findings),
                Err(error) => report.troubles.push(Trouble::syntax(name, &error)),
            },
            Err(error) => report.troubles.push(Trouble::unreadable(name, &error)),
        }
    }
    let shown = match args.format {
        LintFormat::Text => text::draw(&report, Paint::for_stdout()),
        LintFormat::Json => format!("{:#}\n", serde_json::json!(report)),
        LintFormat::Sarif => format!("{:#}\n", sarif::log(&report)),
    };
    show::print(&shown)?;
    for trouble in &report.troubles {
        eprintln!("tooloo: {}", show::printable(&trouble.to_string()));
    }
    let severity = args.severity.into();
    Ok(if !report.troubles.is_empty() {
        ExitCode::from(TROUBLE)
    } else if report
        .findings
        .iter()
        .any(|found| found.finding.severity >= severity)
    {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
