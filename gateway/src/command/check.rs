//! `portcullis check`: every mistake of a configuration and its rules, without binding anything.

use std::process::ExitCode;

use super::{list_problems, say};
use crate::cli::CheckArgs;
use crate::limit::{LimitClock, Limits};
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::reload;
use crate::snapshot::Snapshot;

/// Checks as `run` would, up to the point where it binds.
///
/// # Errors
/// None of its own; problems are printed and end in exit code 1.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let name = args.config.display().to_string();
    let checked = reload::read(&args.config).and_then(|config| {
        let metrics = Metrics::new().map_err(|error| vec![error.to_string()])?;
        let limits = Limits::new(
            LimitClock::system(),
            metrics.limit_keys.clone(),
            metrics.limit_evictions.clone(),
        );
        for listener in config
            .listeners
            .iter()
            .filter_map(|listener| listener.tls.as_ref())
        {
            crate::tls::server_config(listener).map_err(|problem| vec![problem])?;
        }
        crate::share::Plan::of(&config).map_err(|problem| vec![problem])?;
        let memory = Memory::idle(&config.behaviour, None).map_err(|problem| vec![problem])?;
        let models = Models::load(&config.ensemble, 0, &metrics, &Models::none())?;
        Snapshot::build(config, &limits, &metrics, memory.state(), &models)
    });
    match checked {
        Ok(snapshot) => {
            say(&format!(
                "{name}: good; {} routes, {} upstreams, {} rules",
                snapshot.routes.all().len(),
                snapshot.upstreams.len(),
                snapshot.detector.rules().len()
            ));
            Ok(ExitCode::SUCCESS)
        }
        Err(problems) => {
            list_problems(&problems, &name);
            Ok(ExitCode::FAILURE)
        }
    }
}
