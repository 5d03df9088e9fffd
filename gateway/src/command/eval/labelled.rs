//! Payload lists as they are, without a request around them: each value as a query argument and as a JSON leaf, with
//! the label that its list gives it.

use std::path::Path;

use anyhow::Context;

use super::payload::lists::{encoded_lines, read_text, rows};
use super::sample::{Label, Sample, Sieve, Sink, both};

/// The tables of HttpParams.
const TABLES: [&str; 2] = ["payload_test.csv", "payload_train.csv"];

/// The rows of HttpParams' tables: `norm` is harmless, everything else an attack.
///
/// # Errors
/// When a table cannot be read or a line is no row of it.
pub fn params(folder: &Path, every: usize, sink: &mut Sink<'_>) -> anyhow::Result<()> {
    let mut sieve = Sieve::new(every);
    for name in TABLES {
        let file = folder.join(name);
        for row in rows(&read_text(&file)?, &file)? {
            let label = match row.attack.as_str() {
                "norm" => Label::Harmless,
                _ => Label::Attack,
            };
            if sieve.keeps() {
                hand(&row.attack, name, label, &row.payload, sink)?;
            }
        }
    }
    Ok(())
}

/// The lists of libinjection: `sqli-*` and `xss-*` are attacks, `false_positives` are harmless, and of the test cases
/// those of whole inputs (`test-sqli-*`) are attacks where a fingerprint is expected, else harmless. The other test
/// cases show how single tokens are read and say nothing about attacks.
///
/// # Errors
/// When a list cannot be read, or a test case has no input.
pub fn libinjection(folder: &Path, every: usize, sink: &mut Sink<'_>) -> anyhow::Result<()> {
    let mut sieve = Sieve::new(every);
    for name in names(&folder.join("data"))? {
        let (class, label) = match name.split('-').next() {
            Some("sqli") => ("sqli", Label::Attack),
            Some("xss") => ("xss", Label::Attack),
            Some("false_positives.txt") => ("false positives", Label::Harmless),
            _ => continue,
        };
        for line in encoded_lines(&read_text(&folder.join("data").join(&name))?) {
            if sieve.keeps() {
                hand(class, &name, label, &line, sink)?;
            }
        }
    }
    for name in names(&folder.join("tests"))? {
        if !name.starts_with("test-sqli-") || !sieve.keeps() {
            continue;
        }
        let file = folder.join("tests").join(&name);
        let (input, expected) = case(&read_text(&file)?).with_context(|| {
            format!(
                "{}: no test case with --INPUT-- and --EXPECTED--",
                file.display()
            )
        })?;
        let (class, label) = match expected.is_empty() {
            true => ("cases, harmless", Label::Harmless),
            false => ("cases, sqli", Label::Attack),
        };
        hand(class, "tests", label, &input, sink)?;
    }
    Ok(())
}

fn hand(
    class: &str,
    source: &str,
    label: Label,
    value: &str,
    sink: &mut Sink<'_>,
) -> anyhow::Result<()> {
    for (place, request) in both(value) {
        sink(Sample {
            host: source.to_owned(),
            payload: value.to_owned(),
            ..Sample::new(format!("{class}, {place}"), label, request)
        })?;
    }
    Ok(())
}

/// The names of the files in a folder, in order.
fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let unreadable = || format!("{} cannot be read", folder.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(unreadable)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Input and expected fingerprint of a test case.
fn case(text: &str) -> Option<(String, String)> {
    let (_, rest) = text.split_once("--INPUT--\n")?;
    let (input, expected) = rest.split_once("--EXPECTED--")?;
    let input = input.strip_suffix('\n').unwrap_or(input);
    Some((input.to_owned(), expected.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_of_libinjection() {
        let text = "--TEST--\nx\n--INPUT--\n1 or\n1--\n--EXPECTED--\n1&1c\n";
        assert_eq!(
            case(text),
            Some(("1 or\n1--".to_owned(), "1&1c".to_owned()))
        );
        assert_eq!(case("--INPUT--\n1"), None);
    }
}
