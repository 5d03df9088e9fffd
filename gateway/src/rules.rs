//! The rules, from the binary or from a folder: read, checked and compiled as a whole, or not at all.

use std::path::Path;

use portcullis_config::{Located, load_rules};
use portcullis_detect::{Origin, RuleSet, RuleSpec};

/// Loads and compiles all rules.
///
/// # Errors
/// Every problem, with file, line, rule and what to write instead.
pub fn load(folder: Option<&Path>) -> Result<RuleSet, Vec<String>> {
    let located: Vec<Located<RuleSpec>> = load_rules(folder)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let specs = located
        .into_iter()
        .map(|rule| {
            let origin = Origin {
                file: rule.file.as_str().into(),
                line: u32::try_from(rule.line).unwrap_or(u32::MAX),
            };
            (origin, rule.value)
        })
        .collect();
    RuleSet::compile(specs).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}
