//! The command line of a service that runs alone.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::Parser;
use tokio::net::TcpListener;

use crate::{
    ConfigSource, Definition, KitConfig, RawSettings, ServeError, Shutdown, StartError, runtime,
    serve, start_logs,
};

#[derive(Debug, Parser)]
struct Flags {
    /// Configuration file [default: ./tooloo.toml if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder that databases are kept in
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// Port to listen on; 0 lets the system choose
    #[arg(long)]
    port: Option<String>,
    /// How log lines are written: auto, json or pretty
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// What is logged: a level, or directives such as `info,tooloo_service=debug`
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

/// Runs one service: reads flags, environment and file, serves until a signal, and drains.
pub fn main(definition: Definition) -> ExitCode {
    let command = <Flags as clap::CommandFactory>::command()
        .name(definition.name)
        .version(definition.version)
        .about(format!("{}: {}", definition.name, definition.summary));
    let flags = match <Flags as clap::FromArgMatches>::from_arg_matches(&command.get_matches()) {
        Ok(flags) => flags,
        Err(error) => error.exit(),
    };
    match run(&definition, flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", definition.name);
            ExitCode::FAILURE
        }
    }
}

fn run(definition: &Definition, flags: Flags) -> Result<(), StartError> {
    let (file, flags) = flags.settings(definition.name);
    let source = ConfigSource::of_process(file.as_deref(), flags)?;
    let raw = source.raw(definition);
    let config = raw.kit()?;
    (definition.check)(&raw)?;
    start_logs(&config)?;
    runtime::block_on(start(definition, raw, &config))?
}

async fn start(
    definition: &Definition,
    raw: RawSettings,
    config: &KitConfig,
) -> Result<(), StartError> {
    let shutdown = Shutdown::on_signals()?;
    let address = SocketAddr::new(config.host, config.port);
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| ServeError::new(format!("cannot listen on {address}"), error))?;
    let bound = listener.local_addr()?;
    let app = (definition.build)(raw).await?;
    tracing::info!(
        service = definition.name,
        version = definition.version,
        address = %format_args!("http://{bound}"),
        "serving"
    );
    serve(vec![(app, listener)], shutdown).await?;
    Ok(())
}

impl Flags {
    /// Returns the file, and the flags as settings of `service` alone.
    fn settings(self, service: &str) -> (Option<PathBuf>, Vec<(String, String)>) {
        let flags = [
            ("data_dir", self.data_dir),
            ("host", self.host),
            ("port", self.port),
            ("log_format", self.log_format),
            ("log_level", self.log_level),
        ];
        let given = flags
            .into_iter()
            .filter_map(|(key, value)| Some((format!("{service}.{key}"), value?)));
        (self.config, given.collect())
    }
}
