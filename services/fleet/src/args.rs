//! What the command line can say.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tooloo_query::{Dialect, Severity};

/// Runs the TooLoo fleet in one process, and looks into it.
///
/// With no command it does what `tooloo up` does. Settings are taken from the defaults, then
/// from a tooloo.toml, then from TOOLOO_* variables, then from these flags; the last one wins.
#[derive(Debug, Parser)]
#[command(
    name = "tooloo",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Stop the fleet with Ctrl-C: requests in flight are finished first."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) up: Up,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Starts every service and the simulated model provider, and runs until it is told to stop
    Up(Up),
    /// Shows how each service of a running fleet is doing
    ///
    /// Exits with 1 where a service is down or not ready.
    Status(Status),
    /// Shows one trace as a waterfall, gathered from every service it passed through
    ///
    /// Every answer of the fleet carries its trace id in the traceresponse header and in the
    /// traceId member of its body. A service keeps the traces it sampled, and those that failed
    /// or were slow, until newer ones take their room.
    Trace(Trace),
    /// Finds anti-patterns in files of SQL
    ///
    /// Exits with 1 where something of the chosen severity or above is found, and with 2 where a
    /// file cannot be read or is not SQL of the dialect.
    Lint(Lint),
}

#[derive(Args, Debug)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) place: Place,

    /// Keeps the services' data in this folder [default: data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Writes log lines in this format
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,

    /// Writes log lines of this level and above, or by a filter such as info,hyper=debug
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,
}

/// Which fleet, and where it listens.
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// Puts web on this port, and every other part as far from it as its default is from 3000
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..=i64::from(u16::MAX - crate::roster::SPAN)))]
    pub(crate) base_port: Option<u16>,

    /// Listens on, or looks at, this address [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) host: Option<String>,

    /// Reads settings from this file [default: tooloo.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Has to do with these services only, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) place: Place,

    /// Prints JSON, for other programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Trace {
    /// The trace's id, 32 hexadecimal digits; a whole traceparent or traceresponse does as well
    pub(crate) id: String,

    #[command(flatten)]
    pub(crate) place: Place,

    /// Prints the spans as JSON, for other programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Lint {
    /// Reads these files; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) files: Vec<String>,

    /// Reads SQL as this database does
    #[arg(long, value_enum, default_value_t = LintDialect::Postgres)]
    pub(crate) dialect: LintDialect,

    /// Fails from this severity on
    #[arg(long, value_enum, default_value_t = LintSeverity::Warning)]
    pub(crate) severity: LintSeverity,

    /// Prints the findings in this format
    #[arg(long, value_enum, default_value_t = LintFormat::Text)]
    pub(crate) format: LintFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LintDialect {
    Postgres,
    Sqlite,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LintSeverity {
    /// There is a better way to write it
    Hint,
    /// It costs more than it must, or breaks when a table changes
    Warning,
    /// It does not do what it says, or does more
    Error,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LintFormat {
    /// Lines to read, coloured on a terminal
    Text,
    /// One JSON object
    Json,
    /// A SARIF 2.1.0 log, for code scanners
    Sarif,
}

impl From<LintDialect> for Dialect {
    fn from(dialect: LintDialect) -> Self {
        match dialect {
            LintDialect::Postgres => Self::Postgres,
            LintDialect::Sqlite => Self::Sqlite,
        }
    }
}

impl From<LintSeverity> for Severity {
    fn from(severity: LintSeverity) -> Self {
        match severity {
            LintSeverity::Hint => Self::Hint,
            LintSeverity::Warning => Self::Warning,
            LintSeverity::Error => Self::Error,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    /// Pretty on a terminal, JSON otherwise
    Auto,
    /// One JSON object a line
    Json,
    /// Lines to read
    Pretty,
}

impl LogFormat {
    /// Returns its name in the settings.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Json => "json",
            Self::Pretty => "pretty",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_takes_the_flags_of_up() {
        let cli =
            Cli::try_parse_from(["tooloo", "--base-port", "4000", "--only", "web,meta"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.up.place.base_port, Some(4000));
        assert_eq!(cli.up.place.only, ["web", "meta"]);
    }

    #[test]
    fn a_base_port_leaves_room_for_the_whole_fleet() {
        for refused in ["0", "65530", "70000", "web"] {
            let error = Cli::try_parse_from(["tooloo", "up", "--base-port", refused]).unwrap_err();
            assert!(error.to_string().contains("--base-port"), "{error}");
        }
    }
}
