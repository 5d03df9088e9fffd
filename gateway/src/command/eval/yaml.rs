//! Suites in YAML: every file below a folder, as JSON values.

use std::path::Path;

use anyhow::Context;
use portcullis_config::{Source, read_folder, yaml_to_json};
use serde_json::Value;

/// The suite's files in the order of their paths, as name and text.
///
/// # Errors
/// When one cannot be read.
pub fn files(folder: &Path) -> anyhow::Result<Vec<Source>> {
    read_folder(folder).map_err(|problems| joined(&problems))
}

/// What a file holds. An empty one holds null.
///
/// # Errors
/// What is wrong with its syntax, with file and line.
pub fn read(file: &Source) -> anyhow::Result<Value> {
    yaml_to_json(&file.text, &file.name).map_err(|problems| joined(&problems))
}

/// A member's text; numbers and booleans as they are written.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A member that has to be there.
///
/// # Errors
/// When it is not.
pub fn member<'a>(value: &'a Value, name: &str, file: &Source) -> anyhow::Result<&'a Value> {
    let found = value.get(name);
    found.with_context(|| format!("{}: a case without {name:?}", file.name))
}

/// The items of a member that has to be a list.
///
/// # Errors
/// When there is no list of that name.
pub fn list<'a>(value: &'a Value, name: &str, file: &Source) -> anyhow::Result<&'a [Value]> {
    let found = member(value, name, file)?.as_array();
    let found = found.with_context(|| format!("{}: {name:?} is no list", file.name))?;
    Ok(found)
}

fn joined(problems: &[portcullis_config::Problem]) -> anyhow::Error {
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    anyhow::anyhow!(problems.join("\n"))
}
