//! The cases of GoTestWAF: every payload of a file in every encoding and at every place that the file names. Files in
//! the folder of false positives are harmless, all others attacks.

pub mod placeholder;

use std::path::Path;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use portcullis_config::Source;
use serde_json::Value;

use self::placeholder::Placeholder;
use super::request::{bytes_of, refused};
use super::sample::{Label, Sample, Sieve, Sink};
use super::text::{is_unreserved, percent};
use super::yaml;

/// The folder of the harmless cases.
const HARMLESS: &str = "false-pos";
/// The group of the attacks, as the output names it.
pub const ATTACKS: &str = "attacks";
/// The group of the harmless cases.
pub const FALSE_POSITIVES: &str = "false positives";

/// How a case encodes its payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoder {
    /// Not at all.
    Plain,
    /// As a URL does.
    Url,
    /// Base64 without padding.
    Base64Flat,
}

/// What each encoder is called.
const ENCODERS: [(&str, Encoder); 3] = [
    ("Plain", Encoder::Plain),
    ("URL", Encoder::Url),
    ("Base64Flat", Encoder::Base64Flat),
];

/// The requests of the cases below a folder.
///
/// # Errors
/// When a file cannot be read, has another shape, or names an encoder or a placeholder that is not known here.
pub fn samples(folder: &Path, every: usize, sink: &mut Sink<'_>) -> anyhow::Result<()> {
    let mut sieve = Sieve::new(every);
    for mut file in yaml::files(folder)? {
        file.text = without_quote_escapes(&file.text);
        let case = yaml::read(&file)?;
        // Other YAML of the suite describes no case.
        if case.get("payload").is_none() {
            continue;
        }
        let label = match parent(&file) == HARMLESS {
            true => Label::Harmless,
            false => Label::Attack,
        };
        for payload in yaml::list(&case, "payload", &file)? {
            for encoder in yaml::list(&case, "encoder", &file)? {
                for place in yaml::list(&case, "placeholder", &file)? {
                    if sieve.keeps() {
                        let sample = sample(&case, payload, encoder, place, &file);
                        let named = || format!("{}: {}", file.name, yaml::text(payload));
                        let mut sample = sample.with_context(named)?;
                        sample.label = label;
                        sample.groups.push(("together", group(label).to_owned()));
                        sink(sample)?;
                    }
                }
            }
        }
    }
    Ok(())
}

fn group(label: Label) -> &'static str {
    match label {
        Label::Harmless => FALSE_POSITIVES,
        Label::Attack | Label::Unknown => ATTACKS,
    }
}

fn sample(
    case: &Value,
    payload: &Value,
    encoder: &Value,
    place: &Value,
    file: &Source,
) -> anyhow::Result<Sample> {
    let payload = yaml::text(payload);
    let name = yaml::text(encoder);
    let encoder = Encoder::named(&name)?;
    let place = Placeholder::read(place)?;
    let request = place.request(&encoder.apply(&payload))?;
    let kind = case.get("type").map(yaml::text).unwrap_or_default();
    Ok(Sample {
        refused: refused(&bytes_of(&request)),
        host: file.name.clone(),
        groups: vec![("encoder", name), ("placeholder", place.name().to_owned())],
        payload,
        ..Sample::new(format!("{}: {kind}", parent(file)), Label::Unknown, request)
    })
}

/// Undoes `\'` in items between double quotes: YAML has no such escape, but the suite's own reader takes it.
fn without_quote_escapes(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let quoted = line.trim_start().starts_with("- \"");
        lines.push(match quoted && line.contains("\\'") {
            true => unescape_quotes(line),
            false => line.to_owned(),
        });
    }
    lines.join("\n")
}

fn unescape_quotes(line: &str) -> String {
    let mut unescaped = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (character, characters.as_str().chars().next()) {
            ('\\', Some('\'')) => {}
            ('\\', Some(_)) => {
                unescaped.extend([Some('\\'), characters.next()].into_iter().flatten())
            }
            (other, _) => unescaped.push(other),
        }
    }
    unescaped
}

/// The name of the folder that the file lies in.
fn parent(file: &Source) -> &str {
    let folder = Path::new(&file.name).parent().and_then(Path::file_name);
    folder.and_then(|name| name.to_str()).unwrap_or_default()
}

impl Encoder {
    fn named(name: &str) -> anyhow::Result<Self> {
        let found = ENCODERS.iter().find(|(known, _)| *known == name);
        let known: Vec<&str> = ENCODERS.iter().map(|(known, _)| *known).collect();
        found
            .map(|(_, encoder)| *encoder)
            .with_context(|| format!("no encoder {name:?}; known are {}", known.join(", ")))
    }

    fn apply(self, payload: &str) -> String {
        match self {
            Self::Plain => payload.to_owned(),
            Self::Url => percent(payload, is_unreserved),
            Self::Base64Flat => STANDARD_NO_PAD.encode(payload),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_single_quotes_between_double_quotes() {
        for (text, expected) in [
            (r#"  - "\'-alert(1)""#, r#"  - "'-alert(1)""#),
            (r#"- "\\' \"\x41\'""#, r#"- "\\' \"\x41'""#),
            (r"- '\'", r"- '\'"),
            (r"a: \'", r"a: \'"),
        ] {
            assert_eq!(without_quote_escapes(text), expected);
        }
    }

    #[test]
    fn encoders() {
        for (name, expected) in [
            ("Plain", "' or 1=1"),
            ("URL", "%27%20or%201%3D1"),
            ("Base64Flat", "JyBvciAxPTE"),
        ] {
            let encoder = Encoder::named(name).unwrap();
            assert_eq!(encoder.apply("' or 1=1"), expected, "{name}");
        }
        let error = Encoder::named("Rot13").unwrap_err().to_string();
        assert!(error.contains("known are Plain"), "{error}");
    }
}
