//! `portcullis config`: what may be written into the file.

use std::process::ExitCode;

use super::say;
use crate::cli::ConfigCommand;

/// Prints the schema, the reference or the shipped file.
///
/// # Errors
/// When the schema cannot be written as JSON, which no schema of ours is.
pub fn run(which: &ConfigCommand) -> anyhow::Result<ExitCode> {
    match which {
        ConfigCommand::Schema => say(&serde_json::to_string_pretty(&portcullis_config::schema())?),
        ConfigCommand::Reference => say(&portcullis_config::document::markdown()),
        ConfigCommand::Default => say(portcullis_config::DEFAULT_FILE.trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}
