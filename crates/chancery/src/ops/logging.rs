//! Log lines on stderr: text for people, JSON for machines.

use std::io::{self, IsTerminal};

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Begins to log. Once in a process.
///
/// # Errors
/// Where the filter cannot be read, or logging was begun before.
pub fn start(format: LogFormat, filter: &str, colour: bool) -> Result<()> {
    let filter = EnvFilter::builder().parse(filter).with_context(|| format!("the log filter {filter:?}"))?;
    // Where stderr is closed, its errors have nowhere to go: the library would print them there, which panics.
    let builder = tracing_subscriber::fmt().log_internal_errors(false);
    let builder = builder.with_env_filter(filter).with_writer(io::stderr);
    let json = match format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !io::stderr().is_terminal(),
    };
    let started = if json {
        builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        builder.with_ansi(colour).with_target(false).compact().try_init()
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot begin: {error}"))
}
