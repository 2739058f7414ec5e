//! Where the log goes, and what of it. To standard error: standard output belongs to what a command prints.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Config, LogFormat};

/// Starts the log, for the whole process. To be called once, before anything is logged.
pub fn start(config: &Config) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&config.log).map_err(Error::Filter)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);

    match config.log_format {
        // https://no-color.org: any value that is not empty.
        LogFormat::Text => {
            let colours = std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            builder.with_ansi(colours).finish().try_init()
        }
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
    }
    .map_err(|_| Error::StartedBefore)
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting that was not checked.
    #[error("the log filter is malformed")]
    Filter(#[source] ParseError),
    /// A process has one log.
    #[error("the log was started before")]
    StartedBefore,
}
