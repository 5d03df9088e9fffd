//! The rules the binary ships, and those that replace them.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::documents::{Located, Source, load_documents, read_folder};
use crate::problem::Problem;

#[derive(rust_embed::RustEmbed)]
#[folder = "rules"]
struct Embedded;

/// The rule files built into the binary, in the order of their names, called `rules/<family>/<file>.yaml`.
pub fn embedded_rules() -> Vec<Source> {
    let mut sources: Vec<Source> = Embedded::iter()
        .filter(|path| path.ends_with(".yaml"))
        .filter_map(|path| {
            let file = Embedded::get(&path)?;
            Some(Source {
                name: format!("rules/{path}"),
                text: String::from_utf8_lossy(&file.data).into_owned(),
            })
        })
        .collect();
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources
}

/// Reads all rules: those of a folder, or the embedded ones. `T` is the engine's type of a rule.
///
/// # Errors
/// Every problem of every file; then no rule is loaded.
pub fn load_rules<T: DeserializeOwned>(
    folder: Option<&Path>,
) -> Result<Vec<Located<T>>, Vec<Problem>> {
    match folder {
        None => load_documents(&embedded_rules()),
        Some(folder) => {
            let sources = read_folder(folder)?;
            if sources.is_empty() {
                let problem =
                    Problem::whole(&folder.display().to_string(), "no rule file in this folder");
                return Err(vec![problem.with_help(
                    "put *.yaml files there, or leave `rules.directory` out for the built-in rules",
                )]);
            }
            load_documents(&sources)
        }
    }
}
