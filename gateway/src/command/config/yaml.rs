//! JSON values as block YAML. Texts that could be read as anything else are quoted the way JSON does, which every
//! reader of YAML 1.2 understands.

use serde_json::{Map, Value};

/// Writes a document.
pub(super) fn write(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(members) if !members.is_empty() => mapping(members, 0, &mut out),
        Value::Array(items) if !items.is_empty() => sequence(items, 0, &mut out),
        other => {
            scalar(other, &mut out);
            out.push('\n');
        }
    }
    out
}

fn mapping(members: &Map<String, Value>, depth: usize, out: &mut String) {
    for (number, (key, value)) in members.iter().enumerate() {
        if number > 0 {
            indent(depth, out);
        }
        text(key, out);
        out.push(':');
        below(value, depth, out);
    }
}

fn sequence(items: &[Value], depth: usize, out: &mut String) {
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            indent(depth, out);
        }
        out.push('-');
        match item {
            Value::Object(members) if !members.is_empty() => {
                out.push(' ');
                mapping(members, depth + 1, out);
            }
            Value::Array(inner) if !inner.is_empty() => {
                out.push(' ');
                sequence(inner, depth + 1, out);
            }
            other => line(other, out),
        }
    }
}

/// What stands below a key: on lines of its own, or on the same one.
fn below(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            out.push('\n');
            indent(depth + 1, out);
            mapping(members, depth + 1, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            indent(depth + 1, out);
            sequence(items, depth + 1, out);
        }
        other => line(other, out),
    }
}

fn line(value: &Value, out: &mut String) {
    out.push(' ');
    scalar(value, out);
    out.push('\n');
}

fn scalar(value: &Value, out: &mut String) {
    match value {
        Value::String(words) => text(words, out),
        other => out.push_str(&other.to_string()),
    }
}

/// A text, without quotes where it can only be one.
fn text(words: &str, out: &mut String) {
    const WORDS: [&str; 8] = ["true", "false", "null", "yes", "no", "on", "off", "nan"];
    let begins = words.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let plain = words
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if begins && plain && !WORDS.contains(&words.to_ascii_lowercase().as_str()) {
        out.push_str(words);
    } else {
        out.push_str(&Value::from(words).to_string());
    }
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_reads_the_same() {
        let values = [
            json!({}),
            json!({ "a": 1, "b": [1, -2.5, true, null, "x"], "c": { "d": [] , "e": {} } }),
            json!([[1, [2, 3]], { "a": [{ "b": "c" }, { "d": 1, "e": 2 }] }]),
            json!({ "off": "off", "1": "1", "": "", "a: b": "# no comment", "t": "true", "n": "null", "f": "1e3" }),
            json!({ "text": "line\nbreak\ttab \"quoted\" \\ é €", "v": "${NAME:-x}", "s": "file:a" }),
        ];
        for value in values {
            let written = write(&value);
            let read = portcullis_config::yaml_to_json(&written, "a.yaml");
            assert_eq!(read.as_ref(), Ok(&value), "{written}");
        }
    }
}
