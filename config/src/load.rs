//! From a file to a configuration, or to every problem it has.
//!
//! The order: syntax ([`crate::tree`]), values from outside ([`crate::expand`]), the schema ([`crate::check`]), serde
//! ([`crate::de`]), and what holds between settings ([`crate::cross`]). A syntax error ends it; everything after that
//! is reported together.

use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;

use crate::check;
use crate::cross;
use crate::de;
use crate::expand::{self, Outside};
use crate::model::Config;
use crate::problem::{Position, Problem, tidy};
use crate::tree::{self, MAX_FILE_BYTES};

/// Reads a configuration file. `env` answers for the environment variables that the file names.
///
/// # Errors
/// Every problem of the file, in the order of its lines.
pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, Vec<Problem>> {
    let text = read_text(path).map_err(|problem| vec![problem])?;
    parse(&text, &path.display().to_string(), env)
}

/// Reads a configuration from text. `file_name` is what problems call it, and its folder is what relative
/// paths in it start from.
///
/// # Errors
/// Every problem of the text, in the order of its lines.
pub fn parse(
    text: &str,
    file_name: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, Vec<Problem>> {
    let mut tree = tree::parse(text, file_name).map_err(tidy)?;
    let mut problems = Vec::new();
    let folder = Path::new(file_name).parent().unwrap_or(Path::new(""));
    let outside = Outside {
        file: file_name,
        folder,
        env,
    };
    expand::expand(&mut tree, &outside, &mut problems);
    if !problems.is_empty() {
        // What a missing variable stands for is unknown, and everything said about it would be a guess.
        return Err(tidy(problems));
    }
    let named = cross::Named::of(&tree);
    let usable = check::check(&SCHEMA, &mut tree, file_name, &mut problems);
    if !usable {
        return Err(tidy(problems));
    }
    match de::read::<Config>(&tree, file_name) {
        Ok(mut config) => {
            config.resolve_paths(folder);
            cross::check(&config, &tree, &named, file_name, &mut problems);
            if !problems.is_empty() {
                return Err(tidy(problems));
            }
            config.settle();
            Ok(config)
        }
        Err(more) => {
            problems.extend(more);
            Err(tidy(problems))
        }
    }
}

/// The JSON schema (draft 2020-12) of the configuration, for editors and for `portcullis config schema`.
pub fn schema() -> Value {
    SCHEMA.clone()
}

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let mut schema = schemars::schema_for!(Config).to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), "Portcullis configuration".into());
    }
    schema
});

/// Reads a text file within the size that is read at all.
pub(crate) fn read_text(path: &Path) -> Result<String, Problem> {
    use std::io::Read;

    let name = path.display().to_string();
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            Problem::whole(&name, format!("the file cannot be read: {error}"))
                .with_help("check the path and its permissions")
        })?;
    String::from_utf8(bytes)
        .map_err(|error| not_text(&name, error.as_bytes(), error.utf8_error().valid_up_to()))
}

fn not_text(name: &str, bytes: &[u8], valid: usize) -> Problem {
    let before = bytes.get(..valid).unwrap_or_default();
    let start = before
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |at| at + 1);
    let line_start = String::from_utf8_lossy(before.get(start..).unwrap_or_default());
    let position = Position {
        line: before.iter().filter(|b| **b == b'\n').count() + 1,
        column: line_start.chars().count() + 1,
    };
    Problem::at(name, position, "this is no UTF-8 text").with_help("save the file as UTF-8")
}

#[cfg(test)]
mod tests;
