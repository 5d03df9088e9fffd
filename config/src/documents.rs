//! Lists in YAML files, such as rules: each item typed, with the file and line it came from.
//!
//! Generic over the item, since the engine owns the type of a rule. Nothing is half-loaded: either all items of all
//! files are good, or every problem of all of them comes back.

use std::collections::HashMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use crate::de;
use crate::load::read_text;
use crate::problem::{Problem, tidy};
use crate::tree::{self, Kind, Meaning, Node};

/// A YAML text and what problems call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file's name.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// An item, and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The item.
    pub value: T,
}

/// Reads lists of `T` from YAML texts. An item with an `id` shares it with no other, in any of the texts.
///
/// # Errors
/// Every problem of every text, each with the id of its item where it has one.
pub fn load_documents<T: DeserializeOwned>(
    sources: &[Source],
) -> Result<Vec<Located<T>>, Vec<Problem>> {
    let mut items = Vec::new();
    let mut problems = Vec::new();
    let mut ids: HashMap<String, (String, usize)> = HashMap::new();
    for source in sources {
        let list = match list_of(source) {
            Ok(list) => list,
            Err(more) => {
                problems.extend(more);
                continue;
            }
        };
        for node in &list {
            problems.extend(repeated_id(node, source, &mut ids));
            match de::read::<T>(node, &source.name) {
                Ok(value) => items.push(Located {
                    file: source.name.clone(),
                    line: node.position.line,
                    value,
                }),
                Err(more) => problems.extend(more.into_iter().map(|problem| named(problem, node))),
            }
        }
    }
    if problems.is_empty() {
        Ok(items)
    } else {
        Err(tidy(problems))
    }
}

/// Reads one YAML document as `T`. A text without any reads as an empty value.
///
/// # Errors
/// Every unknown key and otherwise the first problem, with its place.
pub fn from_yaml<T: DeserializeOwned>(text: &str, name: &str) -> Result<T, Vec<Problem>> {
    de::read(&tree::parse(text, name).map_err(tidy)?, name).map_err(tidy)
}

/// Reads one YAML document as JSON.
///
/// # Errors
/// What is wrong with its syntax, with its place.
pub fn yaml_to_json(text: &str, name: &str) -> Result<Value, Vec<Problem>> {
    tree::parse(text, name)
        .map(|node| json(&node))
        .map_err(tidy)
}

/// All `*.yaml` and `*.yml` files below a folder, in the order of their names.
///
/// # Errors
/// Folders and files that cannot be read, and more files than anyone writes by hand.
pub fn read_folder(folder: &Path) -> Result<Vec<Source>, Vec<Problem>> {
    let mut paths = Vec::new();
    walk(folder, 0, &mut paths).map_err(|problem| vec![problem])?;
    paths.sort();
    let mut sources = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        match read_text(&path) {
            Ok(text) => sources.push(Source {
                name: path.display().to_string(),
                text,
            }),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(sources)
    } else {
        Err(tidy(problems))
    }
}

fn walk(folder: &Path, depth: usize, paths: &mut Vec<std::path::PathBuf>) -> Result<(), Problem> {
    let refuse = |message: String| Problem::whole(&folder.display().to_string(), message);
    // A link to a folder above itself would never end.
    if depth > MAX_FOLDERS {
        return Err(refuse(format!("more than {MAX_FOLDERS} folders deep"))
            .with_help("is there a link to a folder above?"));
    }
    let unreadable = |error: std::io::Error| refuse(format!("the folder cannot be read: {error}"));
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path
            .file_name()
            .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden {
            continue;
        }
        if path.is_dir() {
            walk(&path, depth + 1, paths)?;
        } else if path
            .extension()
            .is_some_and(|end| end == "yaml" || end == "yml")
        {
            paths.push(path);
        }
        if paths.len() > MAX_FILES {
            return Err(refuse(format!("more than {MAX_FILES} files"))
                .with_help("is this the right folder?"));
        }
    }
    Ok(())
}

fn list_of(source: &Source) -> Result<Vec<Node>, Vec<Problem>> {
    let node = tree::parse(&source.text, &source.name)?;
    match node.kind {
        Kind::Sequence(items) => Ok(items),
        // A file in which everything is commented out holds an empty list.
        Kind::Scalar(_) if node.is_null() => Ok(Vec::new()),
        Kind::Scalar(_) | Kind::Mapping(_) => {
            let problem = Problem::at(&source.name, node.position, "the file is no list");
            Err(vec![
                problem.with_help("begin each item with `- `, such as `- id: …`"),
            ])
        }
    }
}

fn repeated_id(
    node: &Node,
    source: &Source,
    ids: &mut HashMap<String, (String, usize)>,
) -> Option<Problem> {
    let id = node.get("id")?;
    let place = (source.name.clone(), id.position.line);
    let (file, line) = ids.insert(id.text()?.to_owned(), place)?;
    let message = format!("the id `{}` is already used in {file}:{line}", id.text()?);
    Some(Problem::at(&source.name, id.position, message).with_help("give each its own id"))
}

/// Puts the id of the item before the message.
fn named(problem: Problem, node: &Node) -> Problem {
    match node.get("id").and_then(Node::text) {
        Some(id) if !id.is_empty() => Problem {
            message: format!("{id}: {}", problem.message),
            ..problem
        },
        _ => problem,
    }
}

fn json(node: &Node) -> Value {
    match &node.kind {
        Kind::Sequence(items) => Value::Array(items.iter().map(json).collect()),
        Kind::Mapping(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| (key.text.clone(), json(value)));
            Value::Object(entries.collect())
        }
        Kind::Scalar(scalar) => match scalar.meaning() {
            Meaning::Null => Value::Null,
            Meaning::Bool(value) => Value::Bool(value),
            Meaning::Unsigned(value) => Value::Number(value.into()),
            Meaning::Signed(value) => Value::Number(value.into()),
            // Infinite and undefined numbers have been read as text, so that every one here has a JSON form.
            Meaning::Float(value) => Number::from_f64(value).map_or(Value::Null, Value::Number),
            Meaning::Text(text) => Value::String(text.to_owned()),
        },
    }
}

/// The most files of one folder.
const MAX_FILES: usize = 10_000;

/// The deepest folder below it.
const MAX_FOLDERS: usize = 16;

#[cfg(test)]
mod tests;
