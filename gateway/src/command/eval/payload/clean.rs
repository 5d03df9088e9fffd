//! Cleaning: a large part of the public lists' lines are harmless words. Dropped are only lines that are one token of
//! letters, digits and `_ . -`, and lines that occur whole as a value in the benign training sets.

use std::collections::{BTreeMap, HashSet};
use std::io::BufRead;
use std::path::Path;

use anyhow::Context;
use portcullis_detect::Location;
use portcullis_detect::field::Encoding;
use portcullis_detect::view::{self, Limits, Scratch, is_plain};

use super::Payload;
use crate::command::eval::catalogue::open;
use crate::command::eval::sample;
use crate::command::eval::spread::spread;
use crate::command::eval::text::form_decoded;

/// The benign sets, below the folder of the request sets, whose values are no attacks.
pub const TRAINING: [&str; 2] = ["browser_benign.train.jsonl.gz", "api_benign.train.jsonl.gz"];

/// The lines that remain, and what became of the others.
#[derive(Default)]
pub struct Cleaned {
    /// What is grafted.
    pub kept: Vec<Payload>,
    /// By folder.
    pub counts: BTreeMap<String, Count>,
}

/// What became of a folder's lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Payload lines.
    pub lines: usize,
    /// Dropped: one token of letters, digits and `_ . -`.
    pub tokens: usize,
    /// Dropped: a value of the benign training sets.
    pub benign: usize,
}

impl Count {
    /// How many remain.
    pub fn kept(self) -> usize {
        self.lines - self.tokens - self.benign
    }
}

/// Drops what is harmless, by the training sets in the folder `requests`.
///
/// # Errors
/// When a training set cannot be read.
pub fn clean(payloads: Vec<Payload>, requests: &Path) -> anyhow::Result<Cleaned> {
    let candidates: HashSet<&str> = payloads
        .iter()
        .map(|payload| payload.text.trim())
        .filter(|text| !is_token(text))
        .collect();
    let benign = benign_values(&candidates, requests)?;
    let mut cleaned = Cleaned::default();
    for payload in payloads {
        let text = payload.text.trim();
        let count = cleaned
            .counts
            .entry(payload.folder.to_string())
            .or_default();
        count.lines += 1;
        if is_token(text) {
            count.tokens += 1;
        } else if benign.contains(text) {
            count.benign += 1;
        } else {
            cleaned.kept.push(payload);
        }
    }
    Ok(cleaned)
}

fn is_token(text: &str) -> bool {
    is_plain(text.as_bytes())
}

/// Which of the candidates occur whole as a value of a training set, as sent or decoded as its place is.
fn benign_values(candidates: &HashSet<&str>, requests: &Path) -> anyhow::Result<HashSet<String>> {
    let longest = candidates.iter().map(|text| text.len()).max().unwrap_or(0);
    let mut found = HashSet::new();
    for name in TRAINING {
        let file = requests.join(name);
        let states = spread(
            Search::default,
            |search, (line, text): (usize, String)| search.look(line, &text, candidates, longest),
            |hand| lines(&file, hand),
        )?;
        for search in states {
            if let Some((line, error)) = search.error {
                return Err(error.context(format!("{}:{line}", file.display())));
            }
            found.extend(search.found);
        }
    }
    Ok(found)
}

fn lines(
    file: &Path,
    hand: &mut dyn FnMut((usize, String)) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for (index, line) in open(file)?.lines().enumerate() {
        let line = line.with_context(|| format!("{}:{}", file.display(), index + 1))?;
        if !line.trim().is_empty() {
            hand((index + 1, line))?;
        }
    }
    Ok(())
}

/// What a thread has found.
#[derive(Default)]
struct Search {
    scratch: Scratch,
    found: HashSet<String>,
    error: Option<(usize, anyhow::Error)>,
}

impl Search {
    fn look(&mut self, line: usize, text: &str, candidates: &HashSet<&str>, longest: usize) {
        let sample = match sample::recorded(text) {
            Ok(sample) => sample,
            Err(error) => {
                self.error.get_or_insert((line, error));
                return;
            }
        };
        sample.request.with(|request| {
            view::read(&mut self.scratch, request, &Limits::default());
            for field in self.scratch.fields() {
                // An escape may take six bytes for one.
                if !is_value(field.location) || field.value.len() > longest * 6 {
                    continue;
                }
                let bytes = field.value.bytes(request, self.scratch.arena());
                let Ok(value) = std::str::from_utf8(bytes) else {
                    continue;
                };
                for reading in readings(value, field.encoding) {
                    let reading = reading.trim();
                    if candidates.contains(reading) && !self.found.contains(reading) {
                        self.found.insert(reading.to_owned());
                    }
                }
            }
        });
    }
}

/// Where values stand; names, and what only frames them, are none.
fn is_value(location: Location) -> bool {
    !matches!(
        location,
        Location::Method
            | Location::Host
            | Location::Path
            | Location::QueryName
            | Location::FormName
            | Location::MultipartName
            | Location::JsonKey
            | Location::CookieName
            | Location::HeaderName
    )
}

fn readings(value: &str, encoding: Encoding) -> Vec<String> {
    let mut readings = vec![value.to_owned()];
    let escaped = value.contains(['%', '+']);
    match encoding {
        Encoding::Form if escaped => readings.push(form_decoded(value)),
        Encoding::Percent if escaped => readings.push(form_decoded(&value.replace('+', "%2B"))),
        Encoding::JsonString if value.contains('\\') => {
            readings.extend(serde_json::from_str::<String>(&format!("\"{value}\"")));
        }
        Encoding::Plain
        | Encoding::Form
        | Encoding::Percent
        | Encoding::JsonString
        | Encoding::Xml
        | Encoding::GraphqlString => {}
    }
    readings
}
