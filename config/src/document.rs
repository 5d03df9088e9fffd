//! The settings written down for people: `docs/CONFIG.md`, made from the schema, which is made from the types.
//!
//! A test compares the file with what this returns, so that no setting is added without its documentation.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::check::{allowed_words, kinds};
use crate::load::schema;

/// The reference of all settings, as Markdown.
pub fn markdown() -> String {
    let root = schema();
    let mut writer = Writer {
        out: INTRODUCTION.to_owned(),
        root: &root,
    };
    writer.section("", &root);
    writer.out
}

struct Writer<'a> {
    out: String,
    root: &'a Value,
}

impl<'a> Writer<'a> {
    /// One section of the file, and those below it. What its key means stands in the table above it.
    fn section(&mut self, path: &str, schema: &'a Value) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return;
        };
        if path.is_empty() {
            self.line("## The whole file");
        } else {
            self.line(&format!("## `{path}`"));
            self.line(&text(schema, "description"));
        }
        self.table(schema, properties);
        for (name, property) in properties {
            let (suffix, below) = self.below(property);
            let path = format!(
                "{path}{}{name}{suffix}",
                if path.is_empty() { "" } else { "." }
            );
            self.section(&path, below);
        }
    }

    fn table(&mut self, schema: &Value, properties: &Map<String, Value>) {
        let mut rows = String::from("| key | value | default | meaning |\n|---|---|---|---|");
        let required: Vec<&Value> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        for (name, property) in properties {
            let default = match property.get("default") {
                _ if required.iter().any(|r| *r == name) => "**required**".to_owned(),
                None | Some(Value::Null) => "unset".to_owned(),
                Some(Value::Object(keys)) if !keys.is_empty() => "as below".to_owned(),
                Some(value) => format!(
                    "`{}`",
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned)
                ),
            };
            let meaning = text(property, "description") + &self.words(property);
            // Writing to a String cannot fail.
            let _ = write!(
                rows,
                "\n| `{name}` | {} | {default} | {} |",
                self.kind(property),
                meaning.replace('|', "\\|")
            );
        }
        self.line(&rows);
    }

    /// What kind of value a setting takes, in words.
    fn kind(&self, property: &Value) -> String {
        let schema = self.resolved(property);
        let words = allowed_words(schema);
        if !words.is_empty() {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            return words.join(", ");
        }
        let format = schema
            .get("format")
            .and_then(Value::as_str)
            .unwrap_or_default();
        match (kinds(schema).first().copied().unwrap_or_default(), format) {
            ("array", _) => format!("list of {}", self.kind(&schema["items"])),
            ("object", _) if schema.get("properties").is_some() => "mapping".to_owned(),
            ("object", _) => "mapping by name".to_owned(),
            ("boolean", _) => "`true`, `false`".to_owned(),
            ("integer", _) => range(schema),
            (_, "duration") => "time".to_owned(),
            (_, "byte-size") => "size".to_owned(),
            (_, "rate") => "rate".to_owned(),
            (_, "identity-source") => {
                "`header:NAME`, `cookie:NAME`, `query:NAME`, `jwt:CLAIM`".to_owned()
            }
            (_, "limit-key") => "`client`, `route`, `header:NAME`".to_owned(),
            (_, "server-url") => "URL".to_owned(),
            (_, "record-output") => "`stdout`, `none` or a path".to_owned(),
            (_, "socket-address") => "address:port".to_owned(),
            (_, "network") => "address/bits".to_owned(),
            (_, "file-path") => "path".to_owned(),
            _ => "text".to_owned(),
        }
    }

    /// The words of an enumeration with what each means.
    fn words(&self, property: &Value) -> String {
        let schema = self.resolved(property);
        let choices = schema.get("oneOf").and_then(Value::as_array);
        let mut out = String::new();
        for choice in choices.into_iter().flatten() {
            let _ = write!(
                out,
                "<br>`{}`: {}",
                text(choice, "const"),
                text(choice, "description")
            );
        }
        out
    }

    /// What a property's own section is about, and how its path goes on.
    fn below(&self, property: &'a Value) -> (&'static str, &'a Value) {
        let schema = self.resolved(property);
        if let Some(items) = schema.get("items") {
            return ("[]", self.resolved(items));
        }
        match schema.get("additionalProperties") {
            Some(entry @ Value::Object(_)) => (".NAME", self.resolved(entry)),
            _ => ("", schema),
        }
    }

    fn resolved<'s>(&self, schema: &'s Value) -> &'s Value
    where
        'a: 's,
    {
        let some = schema
            .get("anyOf")
            .and_then(|choices| choices.get(0))
            .unwrap_or(schema);
        match some
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|name| name.rsplit('/').next())
        {
            Some(name) => &self.root["$defs"][name],
            None => some,
        }
    }

    fn line(&mut self, text: &str) {
        self.out.push('\n');
        self.out.push_str(text);
        self.out.push('\n');
    }
}

fn range(schema: &Value) -> String {
    let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
    match (bound("minimum").unwrap_or(0), bound("maximum")) {
        (least, Some(most)) => format!("{least} to {most}"),
        (0, None) => "whole number".to_owned(),
        (least, None) => format!("whole number from {least}"),
    }
}

/// A text of the schema, in one line.
fn text(schema: &Value, key: &str) -> String {
    let text = schema.get(key).and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const INTRODUCTION: &str = "# Configuration

One YAML file. `portcullis check --config FILE` says everything that is wrong with it at once, with file, line and what to
write instead; `portcullis run` does the same before it binds anything; a reload refuses a bad file and the old one
serves on. `portcullis config schema` prints the JSON schema (`config/schema.json`), which editors can use.

This page is made from the types that read the file (`config/src/model.rs`), and a test keeps the two the same.

## The least that works

Only listeners, upstreams and routes have to be written; everything else has safe defaults.

```yaml
listeners:
  - address: 127.0.0.1:8080
upstreams:
  api:
    servers: [\"http://127.0.0.1:9000\"]
routes:
  - upstream: api
```

## How values are written

| value | spelling |
|---|---|
| time | a whole number and `ms`, `s`, `m`, `h` or `d`: `500ms`, `10s`, `5m`; at most `365d` |
| size | a whole number of bytes, or one with `KiB`, `MiB`, `GiB` (powers of 1024) or `KB`, `MB`, `GB` (powers of 1000) |
| rate | requests per `s`, `min`, `h` or `day`: `10/s`, `100/min`; at most 1000000/s |
| address:port | an IP address and a port: `127.0.0.1:8080`; an IPv6 address in brackets and quotes: `\"[::]:443\"` |
| address/bits | a network: `10.0.0.0/8`, `::1/128` |
| path | a file or folder; a relative one starts from the folder of the configuration file |

Values from outside, in any value but not in keys:

| spelling | becomes |
|---|---|
| `${NAME}` | the environment variable; a problem when it is not set |
| `${NAME:-default}` | the environment variable, or `default` when it is not set or empty |
| `file:PATH` | what the file holds (at most 64 KiB of text), without the line break at its end: for secrets; they are never repeated in messages |
| `$$` | a dollar sign |

A value from outside is put in after the file was read, so it cannot change the file's structure. A key without a value
is as good as not written. Anchors and aliases of YAML work; duplicate keys, several documents and tags are refused. A
file has at most 4 MiB, 200000 values and 64 levels.
";

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares a generated file with what is committed; `UPDATE_GOLDEN=1` writes it anew.
    fn same_as_committed(path: &str, generated: &str) {
        let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, generated).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap();
        assert!(
            committed == generated,
            "{path} differs from the types: run UPDATE_GOLDEN=1 cargo test -p portcullis-config"
        );
    }

    #[test]
    fn the_reference_is_up_to_date() {
        same_as_committed("../docs/CONFIG.md", &markdown());
    }

    #[test]
    fn the_schema_is_up_to_date() {
        same_as_committed("schema.json", &format!("{:#}\n", schema()));
    }

    #[test]
    fn every_setting_is_documented() {
        let schema = schema();
        let reference = markdown();
        let types = schema["$defs"]
            .as_object()
            .unwrap()
            .values()
            .chain([&schema]);
        let mut settings = 0;
        for properties in types.filter_map(|kind| kind["properties"].as_object()) {
            for (name, property) in properties {
                settings += 1;
                assert!(
                    !text(property, "description").is_empty(),
                    "{name} has no doc comment"
                );
                assert!(
                    reference.contains(&format!("| `{name}` |")),
                    "{name} is not in the reference"
                );
            }
        }
        assert!(settings > 80, "{settings}");
    }
}
