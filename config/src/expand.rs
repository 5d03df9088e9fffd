//! `${NAME}`, `${NAME:-default}` and `file:PATH`: values that do not stand in the file itself.
//!
//! Runs on the tree, after the syntax was read, so that no value from outside can change the structure of the file.
//! Keys are left alone. `$$` is a dollar sign; a dollar sign before anything that is no name stays as it is.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::problem::Problem;
use crate::tree::{Kind, Node, Scalar, Style};

/// Where values come from that do not stand in the file.
pub(crate) struct Outside<'a> {
    /// The file's name, for problems.
    pub(crate) file: &'a str,
    /// The folder that `file:` paths are relative to.
    pub(crate) folder: &'a Path,
    /// The environment.
    pub(crate) env: &'a dyn Fn(&str) -> Option<String>,
}

/// The longest secret that is read from a file, in bytes.
const MAX_SECRET_BYTES: u64 = 64 << 10;

/// Puts all outside values of the tree in their places, and says what could not be found.
pub(crate) fn expand(node: &mut Node, outside: &Outside<'_>, problems: &mut Vec<Problem>) {
    let position = node.position;
    match &mut node.kind {
        Kind::Sequence(items) => items
            .iter_mut()
            .for_each(|item| expand(item, outside, problems)),
        Kind::Mapping(entries) => entries
            .iter_mut()
            .for_each(|(_, value)| expand(value, outside, problems)),
        Kind::Scalar(scalar) => {
            if let Err((message, help)) = expand_scalar(scalar, outside) {
                problems.push(Problem::at(outside.file, position, message).with_help(help));
            }
        }
    }
}

/// What is wrong, and what to write instead.
type Refusal = (String, String);

fn expand_scalar(scalar: &mut Scalar, outside: &Outside<'_>) -> Result<(), Refusal> {
    let is_file = scalar.text.starts_with("file:");
    if scalar.text.contains('$') {
        let text = substitute(&scalar.text, outside.env)?;
        // `$$` alone leaves the text as it was written; nothing came from outside.
        if text != scalar.text && scalar.style == Style::Plain {
            scalar.style = Style::Expanded;
        }
        scalar.text = text;
    }
    // Whether this is a file is decided by what stands in the configuration, not by what a variable holds.
    if is_file && let Some(path) = scalar.text.strip_prefix("file:") {
        scalar.text = read_secret(&outside.folder.join(path))?;
        scalar.style = Style::Secret;
    }
    Ok(())
}

fn substitute(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, Refusal> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let Some((inside, after)) = after.split_once('}') else {
                let help = "close it: ${NAME}; for a dollar sign write $$".to_owned();
                return Err(("`${` is never closed".to_owned(), help));
            };
            out.push_str(&lookup(inside, env)?);
            rest = after;
        } else if rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            let name: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            let message = format!("`${name}` is no variable here");
            return Err((
                message,
                format!("write ${{{name}}} for the variable, or $${name} for the text"),
            ));
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// The value of `NAME` or `NAME:-default`. As in a shell, the default also stands in for an empty value.
fn lookup(inside: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, Refusal> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !begins || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        let help = "write ${NAME} or ${NAME:-default}; for a dollar sign write $$".to_owned();
        return Err((format!("`{name}` is no name of a variable"), help));
    }
    match (env(name), default) {
        (Some(value), _) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (Some(value), None) => Ok(value),
        (None, None) => Err((
            format!("the environment variable `{name}` is not set"),
            format!("set it, or give a default: ${{{name}:-…}}"),
        )),
    }
}

fn read_secret(path: &Path) -> Result<String, Refusal> {
    let shown = path.display();
    let help = || {
        "file: takes the path of a text file of at most 64 KiB that this process may read"
            .to_owned()
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_SECRET_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            (
                format!("the secret in `{shown}` cannot be read: {error}"),
                help(),
            )
        })?;
    if bytes.len() as u64 > MAX_SECRET_BYTES {
        return Err((
            format!("the secret in `{shown}` is longer than 64 KiB"),
            help(),
        ));
    }
    let mut text = String::from_utf8(bytes)
        .map_err(|_| (format!("the secret in `{shown}` is no UTF-8 text"), help()))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_or_refused() {
        let env = |name: &str| match name {
            "A" => Some("1".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        for (text, expected) in [
            ("x", Ok("x")),
            ("${A}", Ok("1")),
            ("a${A}b${A}c", Ok("a1b1c")),
            ("${B:-two}", Ok("two")),
            ("${EMPTY:-two}", Ok("two")),
            ("${EMPTY}", Ok("")),
            ("${B:-}", Ok("")),
            ("${B:-http://h:1}", Ok("http://h:1")),
            ("$$", Ok("$")),
            ("$${A}", Ok("${A}")),
            ("$5 and $", Ok("$5 and $")),
            ("${B}", Err("the environment variable `B` is not set")),
            ("${A", Err("`${` is never closed")),
            ("${A-b}", Err("`A-b` is no name of a variable")),
            ("${}", Err("`` is no name of a variable")),
            ("${9}", Err("`9` is no name of a variable")),
            ("pa$word", Err("`$word` is no variable here")),
        ] {
            let found = substitute(text, &env).map_err(|(message, _)| message);
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text}");
        }
    }
}
