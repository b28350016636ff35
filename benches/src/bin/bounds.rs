//! Prints what the benchmark `trace` counted, and fails where a bound is not kept.

use std::{env, io, path::Path, process::ExitCode};

use benches::Report;

fn main() -> io::Result<ExitCode> {
    let folder = env::args().nth(1).ok_or_else(|| {
        io::Error::other("the folder of the benchmark's summaries has to be given")
    })?;
    let report = Report::read(Path::new(&folder))?;
    print!("{report}");
    Ok(if report.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
