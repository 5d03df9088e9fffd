//! `portcullis models`: which models a manifest lists, whether each can be run here, and what a change would do.

mod compare;

use std::process::ExitCode;

use portcullis_config::Ensemble;
use portcullis_detect::ensemble::manifest::{Entry, Mode, Role};

use super::{complain, say};
use crate::cli::{ModelsCommand, ModelsFrom};
use crate::models;

/// Lists, verifies or compares.
///
/// # Errors
/// Where requests cannot be read; what is wrong with models is printed.
pub fn run(which: &ModelsCommand) -> anyhow::Result<ExitCode> {
    let done = match which {
        ModelsCommand::List(from) => list(&config(from)),
        ModelsCommand::Verify(from) => verify(&config(from)),
        ModelsCommand::Compare(args) => return compare::run(args),
    };
    Ok(done.unwrap_or_else(|problem| {
        complain(&problem);
        ExitCode::FAILURE
    }))
}

fn config(from: &ModelsFrom) -> Ensemble {
    Ensemble {
        enabled: true,
        manifest: from.manifest.clone(),
        library: from.library.clone(),
        ..Ensemble::default()
    }
}

fn list(config: &Ensemble) -> Result<ExitCode, String> {
    let (manifest, _, _) = models::read(config)?;
    for entry in &manifest.models {
        say(&line(entry));
    }
    let joint = manifest.joint;
    say(&format!(
        "{} models; tag from {}, deny alone from {} (false alarms {})",
        manifest.models.len(),
        joint.tag,
        joint.deny,
        rate(joint.false_alarm_rate)
    ));
    Ok(ExitCode::SUCCESS)
}

fn verify(config: &Ensemble) -> Result<ExitCode, String> {
    let mut failed = 0;
    for (entry, tried) in models::verify(config)? {
        match tried {
            Ok(what) => say(&format!("{:<24} good: {what}", entry.name)),
            Err(problem) => {
                failed += 1;
                say(&format!("{:<24} OUT: {problem}", entry.name));
            }
        }
    }
    Ok(match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn line(entry: &Entry) -> String {
    let what = match (entry.role, entry.group) {
        (Role::Classifier, _) => "names the category",
        (_, Some(group)) => group.as_str(),
        (_, None) => "",
    };
    let mode = match entry.mode {
        Mode::Active => "active",
        Mode::Shadow => "shadow",
        Mode::Off => "off",
    };
    format!(
        "{:<24} {:<12} {:<20} weight {:<6} {mode:<7} agrees from {} (false alarms {}), {}",
        entry.name,
        entry.view.as_str(),
        what,
        entry.weight,
        entry.threshold,
        rate(entry.false_alarm_rate),
        entry.date
    )
}

fn rate(rate: Option<f32>) -> String {
    rate.map_or("not measured".to_owned(), |rate| {
        format!("{:.2} %", 100.0 * rate)
    })
}
