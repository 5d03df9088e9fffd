//! Access logs in the combined format: each line becomes the request that it tells of (method, target, referer,
//! agent). Bodies and other headers are not in a log.

use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context;
use portcullis_detect::ruletest::OwnedRequest;

use super::request::{HOST, at, bytes_of, refused, set};
use super::sample::{Label, Sample, Sieve, Sink};
use super::text::utf8_or_latin1;

/// What a line tells.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    /// Method, target and version, as sent.
    line: String,
    referer: String,
    agent: String,
}

/// A longer line is no line of an access log.
const LONGEST: usize = 1 << 20;

/// The lines of a log. Logs of scanners (`scanner_*`) are mostly crawling, so their requests bear no label; of other
/// logs they count as harmless.
///
/// # Errors
/// When the log cannot be read, or a line is no entry.
pub fn samples(file: &Path, every: usize, sink: &mut Sink<'_>) -> anyhow::Result<()> {
    let unreadable = || format!("{} cannot be read", file.display());
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let label = match stem.starts_with("scanner_") {
        true => Label::Unknown,
        false => Label::Harmless,
    };
    let opened = std::fs::File::open(file).with_context(unreadable)?;
    let mut sieve = Sieve::new(every);
    for (index, line) in BufReader::new(opened).split(b'\n').enumerate() {
        let place = || format!("{}:{}", file.display(), index + 1);
        let line = utf8_or_latin1(line.with_context(place)?);
        if line.trim().is_empty() || !sieve.keeps() {
            continue;
        }
        let entry = entry(line.trim_end_matches('\r'))
            .context("no line of an access log in the combined format")
            .with_context(place)?;
        sink(sample(&stem, label, &entry))?;
    }
    Ok(())
}

fn sample(class: &str, label: Label, entry: &Entry) -> Sample {
    let request = request(entry);
    let sent = entry.line.ends_with(" HTTP/1.1") || entry.line.ends_with(" HTTP/1.0");
    let reason = match sent && request.is_some() {
        true => request
            .as_ref()
            .and_then(|request| refused(&bytes_of(request))),
        false => Some("request-line"),
    };
    Sample {
        refused: reason,
        ..Sample::new(class, label, request.unwrap_or_else(|| at("GET", "/")))
    }
}

fn request(entry: &Entry) -> Option<OwnedRequest> {
    let (method, rest) = entry.line.split_once(' ')?;
    let (target, _) = rest.rsplit_once(' ')?;
    let mut request = at(method, target);
    HOST.clone_into(&mut request.host);
    set(&mut request, "host", HOST);
    for (name, value) in [("user-agent", &entry.agent), ("referer", &entry.referer)] {
        if value != "-" {
            set(&mut request, name, value);
        }
    }
    Some(request)
}

/// Reads a line; some collections put quotes around the whole of it. A last column that the writer cut off counts as
/// far as it goes.
fn entry(line: &str) -> Option<Entry> {
    if line.len() > LONGEST {
        return None;
    }
    let whole = line
        .strip_prefix('"')
        .and_then(|line| line.strip_suffix('"'));
    let (_, rest) = whole.unwrap_or(line).split_once("] \"")?;
    let (line, rest) = quoted(rest);
    let rest = rest.split_once('"').map_or("", |(_, rest)| rest);
    let (referer, rest) = quoted(rest);
    let rest = rest.split_once('"')?.1;
    let (agent, _) = quoted(rest);
    Some(Entry {
        line,
        referer,
        agent,
    })
}

/// A column up to its closing quote, and what is behind; `\"` and `\\` stand for a quote and a backslash, `\xHH` for
/// a byte.
fn quoted(text: &str) -> (String, &str) {
    let mut column = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (column, text.get(at + 1..).unwrap_or_default()),
            '\\' => match characters.next() {
                Some((_, escaped @ ('"' | '\\'))) => column.push(escaped),
                Some((at, 'x')) => match super::text::hex_pair(text.as_bytes(), at + 1) {
                    Some(byte) => {
                        column.push(char::from(byte));
                        characters.nth(1);
                    }
                    None => column.push_str("\\x"),
                },
                Some((_, other)) => column.extend(['\\', other]),
                None => column.push('\\'),
            },
            other => column.push(other),
        }
    }
    (column, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries() {
        let of = |line: &str, referer: &str, agent: &str| {
            Some(Entry {
                line: line.to_owned(),
                referer: referer.to_owned(),
                agent: agent.to_owned(),
            })
        };
        let plain = r#"192.0.2.1 - - [1/Jan/2020:00:00:00 +0000] "GET /a?b=\"c\x41 HTTP/1.1" 200 5 "-" "agent""#;
        let cases = [
            (plain.to_owned(), of("GET /a?b=\"cA HTTP/1.1", "-", "agent")),
            (
                format!("\"{plain}\""),
                of("GET /a?b=\"cA HTTP/1.1", "-", "agent"),
            ),
            (
                r#"h - - [x] "GET / HTTP/1.0" 200 5 "http://a/" "cut off"#.to_owned(),
                of("GET / HTTP/1.0", "http://a/", "cut off"),
            ),
            ("no entry".to_owned(), None),
        ];
        for (line, expected) in cases {
            assert_eq!(entry(&line), expected, "{line}");
        }
    }

    #[test]
    fn what_the_wire_refuses_is_marked() {
        for (line, reason) in [
            ("GET /a HTTP/1.1", None),
            ("GET /a\u{1} HTTP/1.1", Some("control-byte")),
            ("-", Some("request-line")),
        ] {
            let entry = Entry {
                line: line.to_owned(),
                referer: "-".to_owned(),
                agent: "x".to_owned(),
            };
            assert_eq!(
                sample("a", Label::Unknown, &entry).refused,
                reason,
                "{line}"
            );
        }
    }
}
