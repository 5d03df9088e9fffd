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
pub struct Entry {
    /// The client's address, as written.
    pub client: String,
    /// Seconds since 1970, where the date can be read.
    pub time: Option<i64>,
    /// Method, target and version, as sent.
    pub line: String,
    /// The status; 0 where there is none.
    pub status: u16,
    /// Bytes of the answer; 0 where there is none.
    pub bytes: u64,
    /// Where it came from, or `-`.
    pub referer: String,
    /// The user agent, or `-`.
    pub agent: String,
}

/// A longer line is no line of an access log.
const LONGEST: usize = 1 << 20;

/// The lines of a log. Logs of scanners (`scanner_*`) are mostly crawling, so their requests bear no label; of other
/// logs they count as harmless.
///
/// # Errors
/// When the log cannot be read, or a line is no entry.
pub fn samples(file: &Path, every: usize, sink: &mut Sink<'_>) -> anyhow::Result<()> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let label = match stem.starts_with("scanner_") {
        true => Label::Unknown,
        false => Label::Harmless,
    };
    let mut sieve = Sieve::new(every);
    entries(file, &mut |entry| match sieve.keeps() {
        true => sink(sample(&stem, label, &entry)),
        false => Ok(()),
    })
}

/// Takes each line of a log.
///
/// # Errors
/// When the log cannot be read, a line is no entry, or those of `take`.
pub fn entries(
    file: &Path,
    take: &mut dyn FnMut(Entry) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let unreadable = || format!("{} cannot be read", file.display());
    let opened = std::fs::File::open(file).with_context(unreadable)?;
    for (index, line) in BufReader::new(opened).split(b'\n').enumerate() {
        let place = || format!("{}:{}", file.display(), index + 1);
        let line = utf8_or_latin1(line.with_context(place)?);
        if line.trim().is_empty() {
            continue;
        }
        let entry = entry(line.trim_end_matches('\r'))
            .context("no line of an access log in the combined format")
            .with_context(place)?;
        take(entry)?;
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

/// The request that a line tells of; nothing where its first column is none.
pub fn request(entry: &Entry) -> Option<OwnedRequest> {
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
    let (head, rest) = whole.unwrap_or(line).split_once("] \"")?;
    let (client, head) = head.split_once(' ').unwrap_or((head, ""));
    let time = head.rsplit_once('[').and_then(|(_, date)| seconds(date));
    let (line, rest) = quoted(rest);
    let (numbers, rest) = rest.split_once('"').unwrap_or_default();
    let mut numbers = numbers.split_ascii_whitespace();
    let status = numbers.next().and_then(|status| status.parse().ok());
    let bytes = numbers.next().and_then(|bytes| bytes.parse().ok());
    let (referer, rest) = quoted(rest);
    let rest = rest.split_once('"')?.1;
    let (agent, _) = quoted(rest);
    Some(Entry {
        client: client.to_owned(),
        time,
        line,
        status: status.unwrap_or(0),
        bytes: bytes.unwrap_or(0),
        referer,
        agent,
    })
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Seconds since 1970 of a date such as `17/May/2015:10:05:03 +0000`.
fn seconds(date: &str) -> Option<i64> {
    let (stamp, zone) = date.split_once(' ')?;
    let mut parts = stamp.split(['/', ':']);
    let day: i64 = parts.next()?.parse().ok()?;
    let month = parts.next()?;
    let month = MONTHS.iter().position(|name| *name == month)?;
    let month = i64::try_from(month).ok()?;
    let mut number = || parts.next()?.parse::<i64>().ok();
    let (year, hour, minute, second) = (number()?, number()?, number()?, number()?);
    let (sign, zone) = zone.split_at_checked(1)?;
    let zone: i64 = zone.parse().ok().filter(|_| zone.len() == 4)?;
    let east = (zone / 100 * 60 + zone % 100) * 60;
    let east = if sign == "-" { -east } else { east };
    let known = (1..=31).contains(&day)
        && (1970..10_000).contains(&year)
        && [hour, minute, second]
            .iter()
            .all(|part| (0..=60).contains(part));
    if !known {
        return None;
    }
    // Years begin in March, so that the day that leap years add is the last one.
    let (years, months) = match month {
        0 | 1 => (year - 1, month + 10),
        _ => (year, month - 2),
    };
    let days = years * 365 + years / 4 - years / 100 + years / 400 + (months * 153 + 2) / 5 + day
        - 1
        - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second - east)
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
                client: "192.0.2.1".to_owned(),
                time: Some(1_577_836_800),
                status: 200,
                bytes: 5,
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
                r#"192.0.2.1 - - [1/Jan/2020:03:00:00 +0300] "GET / HTTP/1.0" 200 5 "http://a/" "cut off"#.to_owned(),
                of("GET / HTTP/1.0", "http://a/", "cut off"),
            ),
            ("no entry".to_owned(), None),
        ];
        for (line, expected) in cases {
            assert_eq!(entry(&line), expected, "{line}");
        }
    }

    #[test]
    fn dates() {
        for (date, expected) in [
            ("01/Jan/1970:00:00:00 +0000", Some(0)),
            ("29/Feb/2016:12:30:01 +0000", Some(1_456_749_001)),
            ("17/May/2015:10:05:03 -0130", Some(1_431_862_503)),
            ("17/Mai/2015:10:05:03 +0000", None),
            ("17/May/2015", None),
            ("", None),
        ] {
            assert_eq!(seconds(date), expected, "{date}");
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
                client: "192.0.2.1".to_owned(),
                time: None,
                status: 200,
                bytes: 0,
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
