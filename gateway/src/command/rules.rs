//! `portcullis rules`: what the rules are, and whether they do what their tests say.

use std::path::Path;
use std::process::ExitCode;

use portcullis_config::from_yaml;
use portcullis_detect::ruletest::{RuleTestFile, run_file};
use portcullis_detect::{Detector, Worker};

use super::{complain, list_problems, say};
use crate::cli::{RulesCommand, RulesFrom};
use crate::rules;

/// Lists, shows, tests or lints.
///
/// # Errors
/// When a folder cannot be read.
pub fn run(which: &RulesCommand) -> anyhow::Result<ExitCode> {
    let from = match which {
        RulesCommand::List(from) | RulesCommand::Lint(from) => from,
        RulesCommand::Show { from, .. } | RulesCommand::Test { from, .. } => from,
    };
    let detector = match load(from) {
        Ok(detector) => detector,
        Err(problems) => {
            list_problems(&problems, "rules");
            return Ok(ExitCode::FAILURE);
        }
    };
    match which {
        RulesCommand::List(_) => list(&detector),
        RulesCommand::Show { id, .. } => return show(&detector, id),
        RulesCommand::Test { tests, .. } => return test(&detector, tests),
        RulesCommand::Lint(_) => return Ok(lint(&detector)),
    }
    Ok(ExitCode::SUCCESS)
}

fn load(from: &RulesFrom) -> Result<Detector, Vec<String>> {
    rules::load(from.rules.as_deref()).map(Detector::new)
}

fn list(detector: &Detector) {
    for rule in detector.rules().iter() {
        say(&format!(
            "{:<44} {:<22} {:<9} {}",
            rule.spec.id,
            rule.spec.category.as_str(),
            format!("{:?}", rule.spec.severity).to_lowercase(),
            rule.spec.name
        ));
    }
    say(&format!("{} rules", detector.rules().len()));
}

fn show(detector: &Detector, id: &str) -> anyhow::Result<ExitCode> {
    let Some(rule) = detector.rules().find(id) else {
        complain(&format!(
            "there is no rule {id:?}; `portcullis rules list` names them"
        ));
        return Ok(ExitCode::FAILURE);
    };
    say(&format!("{}: {}", rule.spec.id, rule.spec.name));
    say(&rule.spec.why);
    say(&format!(
        "written in {}:{}",
        rule.origin.file, rule.origin.line
    ));
    say(&serde_json::to_string_pretty(&rule.spec)?);
    Ok(ExitCode::SUCCESS)
}

fn test(detector: &Detector, folder: &Path) -> anyhow::Result<ExitCode> {
    let sources = match portcullis_config::read_folder(folder) {
        Ok(sources) => sources,
        Err(problems) => {
            list_problems(
                &problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "tests",
            );
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut worker = Worker::default();
    let (mut cases, mut failed, mut problems) = (0, 0, Vec::new());
    for source in &sources {
        match from_yaml::<RuleTestFile>(&source.text, &source.name) {
            Err(found) => problems.extend(found.iter().map(ToString::to_string)),
            Ok(file) => {
                cases += file.matching.len() + file.no_match.len();
                for failure in run_file(detector, &mut worker, &file) {
                    failed += 1;
                    say(&failure.to_string());
                }
            }
        }
    }
    if !problems.is_empty() {
        list_problems(&problems, "tests");
    }
    say(&format!(
        "{} files, {} passed, {failed} failed",
        sources.len(),
        cases - failed
    ));
    Ok(if failed == 0 && problems.is_empty() && cases > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn lint(detector: &Detector) -> ExitCode {
    let remarks = detector.rules().lint();
    for remark in &remarks {
        say(&remark.to_string());
    }
    say(&format!(
        "{} rules, {} remarks",
        detector.rules().len(),
        remarks.len()
    ));
    ExitCode::SUCCESS
}
