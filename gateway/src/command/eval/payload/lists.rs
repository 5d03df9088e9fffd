//! Reads payload lists as they lie: one payload a line, with the exceptions that the collections' own documents name.
//! What counts as a payload line is written in docs/EVAL.md.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use super::{Class, Payload};
use crate::command::eval::text::{form_decoded, utf8_or_latin1};

/// A list that is longer is no list of payloads.
const MOST_BYTES: u64 = 16 << 20;
/// Folders within folders; a link to a folder above would never end.
const MOST_DEEP: usize = 8;

/// What stands in lists for something that whoever uses them has to fill in, and what is filled in here.
#[rustfmt::skip]
const BLANKS: &[(&str, &str)] = &[
    // The path of the attacker's own script, as fuzzdb/attack/rfi/README.md says.
    ("XXpathXX", "http://files.example.net/shell.txt"),
    ("{FILE}", "etc/passwd"),
    ("{cmd}", "cat /etc/passwd"),
    ("__TIME__", "5"),
];

/// The attack payloads of all lists below a folder, in the order of their paths.
///
/// # Errors
/// When a list cannot be read, or a line of a table is none.
pub fn read(folder: &Path) -> anyhow::Result<Vec<Payload>> {
    let mut files = Vec::new();
    walk(folder, 0, &mut files)?;
    files.sort();
    let mut payloads = Vec::new();
    for file in files {
        let path = file.strip_prefix(folder).unwrap_or(&file);
        let path = path.to_string_lossy().replace('\\', "/");
        if !is_list(&path) {
            continue;
        }
        let text = read_text(&file)?;
        if path.starts_with("httpparams/") {
            table(&text, &file, &mut payloads)?;
            continue;
        }
        let (folder, class) = (Arc::from(folder_of(&path)), Class::of(&path));
        payloads.extend(lines(&path, &text).into_iter().map(|text| Payload {
            text: filled(text),
            folder: Arc::clone(&folder),
            class,
        }));
    }
    Ok(payloads)
}

/// The text of a file; Latin-1 where it is no UTF-8.
///
/// # Errors
/// When it cannot be read or is too long.
pub fn read_text(file: &Path) -> anyhow::Result<String> {
    let unreadable = || format!("{} cannot be read", file.display());
    let length = std::fs::metadata(file).with_context(unreadable)?.len();
    anyhow::ensure!(
        length <= MOST_BYTES,
        "{} is longer than {} MiB: is it a list?",
        file.display(),
        MOST_BYTES >> 20
    );
    Ok(utf8_or_latin1(
        std::fs::read(file).with_context(unreadable)?,
    ))
}

/// The lines of a list of libinjection: URL-encoded, with comments behind `#`.
pub fn encoded_lines(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(form_decoded)
        .collect()
}

/// The columns of a line of a table with commas, in which quotes may enclose a column and are doubled inside.
pub fn columns(line: &str) -> Option<Vec<String>> {
    let mut columns = Vec::new();
    let mut column = String::new();
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                column.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => columns.push(std::mem::take(&mut column)),
            other => column.push(other),
        }
    }
    columns.push(column);
    (!quoted).then_some(columns)
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let unreadable = || format!("{} cannot be read", folder.display());
    anyhow::ensure!(
        depth <= MOST_DEEP,
        "{} is more than {MOST_DEEP} folders deep",
        folder.display()
    );
    for entry in std::fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        if path.is_dir() {
            walk(&path, depth + 1, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Licences, descriptions, test cases and what lies beside a collection's folders are no lists. One collection keeps
/// its list in its description.
fn is_list(path: &str) -> bool {
    if path.starts_with("httpparams/") {
        return path.ends_with(".csv");
    }
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if !folder.contains('/') {
        return false;
    }
    let described = name.ends_with(".md") || name.ends_with(".html");
    let excepted = path == "payloadbox/cmd/README.md";
    let harmless = path == "libinjection/data/false_positives.txt";
    let licence = matches!(name, "LICENSE" | "COPYING");
    let cases = path.starts_with("libinjection/tests/");
    excepted || !(described || harmless || licence || cases)
}

/// How the output names the folder: the collection and its part.
fn folder_of(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    let kept = match parts.first() {
        Some(&"fuzzdb") => 3,
        _ => 2,
    };
    if path.starts_with("libinjection/data/") {
        let name = parts.last().and_then(|name| name.split('-').next());
        return format!("libinjection/{}", name.unwrap_or_default());
    }
    let folders = &parts[..parts.len() - 1];
    folders[..kept.min(folders.len())].join("/")
}

fn lines(path: &str, text: &str) -> Vec<String> {
    if path.starts_with("libinjection/") {
        encoded_lines(text)
    } else if path.ends_with(".md") {
        fenced(text)
    } else if path.ends_with(".doc.txt") {
        described(text)
    } else {
        listed(text)
    }
}

/// Every line that is not blank and no comment (`#` alone, before a space or doubled).
fn listed(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.trim_end_matches('\r'))
        .filter(|line| !line.trim().is_empty() && !is_comment(line))
        .map(str::to_owned)
        .collect()
}

fn is_comment(line: &str) -> bool {
    let rest = line.strip_prefix('#');
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' ') || rest.starts_with('#'))
}

/// The lines of Markdown's fenced blocks, of those that have more than one line: a single one shows how to clone.
fn fenced(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for block in text.split("```").skip(1).step_by(2) {
        let block = listed(block);
        if block.len() > 1 {
            lines.extend(block);
        }
    }
    lines
}

/// Of a document that describes each attack, what stands behind `Exploit String:` up to the next heading.
fn described(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current: Option<String> = None;
    for line in text.lines() {
        if let Some(begun) = line.strip_prefix("Exploit String:") {
            current = Some(begun.trim().to_owned());
        } else if line.starts_with("Exploit Description:") {
            found.extend(current.take());
        } else if let Some(current) = &mut current {
            current.push('\n');
            current.push_str(line);
        }
    }
    found.retain(|payload| !payload.trim().is_empty());
    found
}

/// The attacks of a table with the columns payload, length, attack type and label.
fn table(text: &str, file: &Path, payloads: &mut Vec<Payload>) -> anyhow::Result<()> {
    for row in rows(text, file)? {
        if row.attack == "norm" {
            continue;
        }
        let path = format!("httpparams/{}", row.attack);
        payloads.push(Payload {
            text: row.payload,
            class: Class::of(&path),
            folder: Arc::from(path),
        });
    }
    Ok(())
}

/// A row of such a table.
pub struct Row {
    /// The value.
    pub payload: String,
    /// `norm`, or what attack it is.
    pub attack: String,
}

/// The rows of a table, without its heading.
///
/// # Errors
/// The first line that has not four columns.
pub fn rows(text: &str, file: &Path) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate().skip(1) {
        if line.is_empty() {
            continue;
        }
        let row = columns(line).and_then(|columns| <[String; 4]>::try_from(columns).ok());
        let [payload, _, attack, _] = row.with_context(|| {
            format!(
                "{}:{}: no row of payload, length, attack type and label",
                file.display(),
                index + 1
            )
        })?;
        rows.push(Row { payload, attack });
    }
    Ok(rows)
}

fn filled(mut text: String) -> String {
    for (blank, value) in BLANKS {
        if text.contains(blank) {
            text = text.replace(blank, value);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_each_layout() {
        let cases: [(&str, &str, &[&str]); 4] = [
            (
                "a/list.txt",
                "# a comment\n#\n' or 1=1\r\n\n  \n#keep\n ' x ",
                &["' or 1=1", "#keep", " ' x "],
            ),
            (
                "libinjection/data/sqli-a.txt",
                "#no\n1%27+or+1\n",
                &["1' or 1"],
            ),
            (
                "payloadbox/cmd/README.md",
                "text\n```\n;id\n|id\n```\nmore\n```\ngit clone x\n```\n",
                &[";id", "|id"],
            ),
            (
                "x/a.doc.txt",
                "Exploit Name: a\nExploit String: <a\nb>\nExploit Description: c\n",
                &["<a\nb>"],
            ),
        ];
        for (path, text, expected) in cases {
            assert_eq!(lines(path, text), expected, "{path}");
        }
    }

    #[test]
    fn columns_undo_doubled_quotes() {
        let row = columns(r#""1"" or ""a,b","9","sqli","anom""#).unwrap();
        assert_eq!(row, [r#"1" or "a,b"#, "9", "sqli", "anom"]);
        assert_eq!(columns(r#""open"#), None);
    }

    #[test]
    fn folders_and_classes() {
        let cases = [
            (
                "fuzzdb/attack/sql-injection/detect/a.txt",
                "fuzzdb/attack/sql-injection",
                Some(Class::Sql),
            ),
            (
                "payloadbox/sql/Intruder/detect/NoSQL/n.txt",
                "payloadbox/sql",
                Some(Class::Nosql),
            ),
            (
                "payloadsallthethings/XXE Injection/Intruders/x.txt",
                "payloadsallthethings/XXE Injection",
                Some(Class::Xml),
            ),
            (
                "libinjection/data/xss-a.txt",
                "libinjection/xss",
                Some(Class::Xss),
            ),
            (
                "fuzzdb/discovery/UserAgent/u.txt",
                "fuzzdb/discovery/UserAgent",
                None,
            ),
        ];
        for (path, folder, class) in cases {
            assert_eq!((folder_of(path).as_str(), Class::of(path)), (folder, class));
        }
    }

    #[test]
    fn what_is_a_list() {
        for (path, list) in [
            ("fuzzdb/attack/xss/a.txt", true),
            ("fuzzdb/attack/xss/README.md", false),
            ("fuzzdb/copyright.txt", false),
            ("payloadbox/cmd/README.md", true),
            ("payloadbox/cmd/LICENSE", false),
            (
                "payloadsallthethings/SQL Injection/Intruder/SQL-Injection",
                true,
            ),
            ("libinjection/data/sqli-a.txt", true),
            ("libinjection/data/false_positives.txt", false),
            ("libinjection/tests/test-sqli-001.txt", false),
            ("httpparams/payload_test.csv", true),
            ("httpparams/LICENSE", false),
        ] {
            assert_eq!(is_list(path), list, "{path}");
        }
    }

    #[test]
    fn blanks_are_filled() {
        assert_eq!(filled("../{FILE}".to_owned()), "../etc/passwd");
        assert_eq!(filled(";{cmd};".to_owned()), ";cat /etc/passwd;");
    }
}
