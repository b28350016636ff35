//! The `tooloo` command: runs the fleet in one process, and looks into a running one.

mod args;
mod lint;
mod look;
mod roster;
mod show;
mod status;
mod trace;
mod up;

use std::process::ExitCode;

use clap::Parser;
use tooloo_service::StartError;

use self::args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tooloo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, StartError> {
    tooloo_service::block_on(async {
        match cli.command {
            None => up::run(cli.up).await,
            Some(Command::Up(args)) => up::run(args).await,
            Some(Command::Status(args)) => status::run(args).await,
            Some(Command::Trace(args)) => trace::run(args).await,
            Some(Command::Lint(args)) => lint::run(&args),
        }
    })?
}
