//! The regression cases of the OWASP Core Rule Set: each stage of a test is a request that must trip a rule, or must
//! not. The requests are sent as they are written, malformed ones too; those that the gateway refuses before it looks
//! into them are counted apart.

use std::path::Path;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_config::Source;
use portcullis_detect::ruletest::OwnedRequest;
use serde_json::Value;

use super::request::{at, refused};
use super::sample::{Label, Sample, Sieve, Sink};
use super::yaml;

/// The families of rules that look for attacks in requests: local files to Java.
pub const ATTACK_FAMILIES: std::ops::RangeInclusive<u32> = 930..=944;
/// What the classes of requests that must trip a rule end with.
pub const MUST: &str = "must fire";
const MUST_NOT: &str = "must not";

/// The requests of the cases below a folder.
///
/// # Errors
/// When a file cannot be read or has another shape.
pub fn samples(folder: &Path, every: usize, sink: &mut Sink<'_>) -> anyhow::Result<()> {
    let mut sieve = Sieve::new(every);
    for file in yaml::files(folder)? {
        let cases = yaml::read(&file)?;
        if cases.is_null() {
            continue;
        }
        let rule = yaml::text(yaml::member(&cases, "rule_id", &file)?);
        for test in yaml::list(&cases, "tests", &file)? {
            for stage in yaml::list(test, "stages", &file)? {
                if !sieve.keeps() {
                    continue;
                }
                let number = test.get("test_id").map(yaml::text).unwrap_or_default();
                let sample = sample(&rule, stage, &file)
                    .with_context(|| format!("{}: test {number}", file.name))?;
                sink(sample)?;
            }
        }
    }
    Ok(())
}

/// The family of a class of this suite.
pub fn family(class: &str) -> Option<u32> {
    class.get(..3)?.parse().ok()
}

fn sample(rule: &str, stage: &Value, file: &Source) -> anyhow::Result<Sample> {
    let input = yaml::member(stage, "input", file)?;
    let must = must_fire(stage);
    let family = family(rule).context("a rule_id without a family")?;
    let attacks = ATTACK_FAMILIES.contains(&family);
    let bytes = bytes(input)?;
    let reason = refused(&bytes);
    let request = match OwnedRequest::parse(&bytes) {
        Ok(request) => request,
        // Only what is refused need not be a request.
        Err(_) if reason.is_some() => at("GET", "/"),
        Err(error) => anyhow::bail!(error),
    };
    let label = match must && attacks {
        true => Label::Attack,
        false => Label::Unknown,
    };
    let together = match (must, attacks) {
        (true, true) => "must fire, attack families",
        (true, false) => "must fire, other families",
        (false, _) => MUST_NOT,
    };
    let class = format!("{family} {}", if must { MUST } else { MUST_NOT });
    Ok(Sample {
        refused: reason,
        host: file.name.clone(),
        payload: String::from_utf8_lossy(&bytes).into_owned(),
        groups: vec![("together", together.to_owned())],
        ..Sample::new(class, label, request)
    })
}

/// Whether the stage asks for a rule to fire. One that asks for nothing asks for an error of the server.
fn must_fire(stage: &Value) -> bool {
    let expected = stage.pointer("/output/log/expect_ids");
    expected
        .and_then(Value::as_array)
        .is_some_and(|ids| !ids.is_empty())
}

/// The bytes that the case sends.
fn bytes(input: &Value) -> anyhow::Result<Vec<u8>> {
    if let Some(encoded) = input.get("encoded_request") {
        let encoded: String = yaml::text(encoded).split_whitespace().collect();
        return STANDARD
            .decode(encoded)
            .context("an encoded_request that is no base64");
    }
    let of = |name: &str, usual: &str| input.get(name).map_or(usual.to_owned(), yaml::text);
    let data = of("data", "");
    let mut head = format!(
        "{} {} {}\r\n",
        of("method", "GET"),
        of("uri", "/"),
        of("version", "HTTP/1.1")
    );
    for (name, value) in headers(input, &data) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.push_str(&data);
    Ok(head.into_bytes())
}

/// The headers, with those that the suite's own runner adds to a body unless the case forbids it.
fn headers(input: &Value, data: &str) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::new();
    if let Some(Value::Object(written)) = input.get("headers") {
        headers.extend(
            written
                .iter()
                .map(|(name, value)| (name.clone(), yaml::text(value))),
        );
    }
    let has = |headers: &[(String, String)], wanted: &str| {
        let mut names = headers.iter();
        names.any(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    let complete = input.get("autocomplete_headers") != Some(&Value::Bool(false));
    if complete && !data.is_empty() {
        if !has(&headers, "content-type") {
            let form = "application/x-www-form-urlencoded".to_owned();
            headers.push(("Content-Type".to_owned(), form));
        }
        let framed = has(&headers, "content-length") || has(&headers, "transfer-encoding");
        if !framed {
            headers.push(("Content-Length".to_owned(), data.len().to_string()));
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn requests_are_sent_as_they_are_written() {
        let cases = [
            (json!({}), "GET / HTTP/1.1\r\n\r\n"),
            (
                json!({ "method": "POST", "uri": "/a", "headers": { "Host": "h", "X": 1 }, "data": "a=1" }),
                "POST /a HTTP/1.1\r\nHost: h\r\nX: 1\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=1",
            ),
            (
                json!({ "data": "a", "autocomplete_headers": false, "version": "HTTP/1.0" }),
                "GET / HTTP/1.0\r\n\r\na",
            ),
            (json!({ "encoded_request": "R0VU\nIC8=" }), "GET /"),
        ];
        for (input, expected) in cases {
            let sent = bytes(&input).unwrap();
            assert_eq!(String::from_utf8_lossy(&sent), expected, "{input}");
        }
    }

    #[test]
    fn stages_become_samples() {
        let file = Source {
            name: "942100.yaml".to_owned(),
            text: String::new(),
        };
        let stage = |output: Value, version: &str| json!({ "input": { "headers": { "Host": "h" }, "version": version }, "output": { "log": output } });
        let fire = json!({ "expect_ids": [942_100] });
        let cases = [
            (
                "942100",
                stage(fire.clone(), "HTTP/1.1"),
                "942 must fire",
                Label::Attack,
                None,
            ),
            (
                "942100",
                stage(json!({ "no_expect_ids": [1] }), "HTTP/1.1"),
                "942 must not",
                Label::Unknown,
                None,
            ),
            (
                "920100",
                stage(fire, "JUNK"),
                "920 must fire",
                Label::Unknown,
                Some("request-line"),
            ),
        ];
        for (rule, stage, class, label, reason) in cases {
            let sample = sample(rule, &stage, &file).unwrap();
            assert_eq!(sample.class, class);
            assert_eq!((sample.label, sample.refused), (label, reason), "{class}");
        }
    }
}
