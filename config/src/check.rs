//! The tree against the schema of the types: unknown keys, missing ones, wrong kinds of value, words and numbers
//! outside their range.
//!
//! What is wrong is reported and then taken out of the tree, so that the rest can be read as if it had not been
//! written, and the checks across settings ([`crate::cross`]) can say at once what else is wrong.

use serde_json::{Map, Value};

use crate::problem::{Position, Problem};
use crate::suggest;
use crate::tree::{Kind, Meaning, Node, Scalar, Style};
use crate::value::{
    ByteSize, Duration, IdentitySource, LimitKey, Rate, RecordOutput, ServerUrl, ValueError,
};

/// Checks a tree against the schema and prunes what does not hold. `false` when nothing usable remains.
pub(crate) fn check(
    root: &Value,
    node: &mut Node,
    file: &str,
    problems: &mut Vec<Problem>,
) -> bool {
    let mut walk = Walk {
        root,
        file,
        problems,
        path: Vec::new(),
    };
    walk.value(root, node)
}

struct Walk<'a> {
    root: &'a Value,
    file: &'a str,
    problems: &'a mut Vec<Problem>,
    path: Vec<String>,
}

impl<'a> Walk<'a> {
    /// Whether `node` holds, pruned where needed.
    fn value(&mut self, schema: &'a Value, node: &mut Node) -> bool {
        let schema = self.resolve(schema, node);
        let words = allowed_words(schema);
        if !words.is_empty() {
            return self.word(&words, node);
        }
        let kinds = kinds(schema);
        if kinds.contains(&"object") {
            self.object(schema, node)
        } else if kinds.contains(&"array") {
            self.array(schema, node)
        } else {
            self.scalar(schema, &kinds, node)
        }
    }

    /// Follows references, and chooses what is not null where a value may be left out.
    fn resolve(&self, mut schema: &'a Value, node: &Node) -> &'a Value {
        // References of our own schema never go in circles; the bound only says so.
        for _ in 0..8 {
            if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
                let name = name.rsplit('/').next().unwrap_or(name);
                schema = &self.root["$defs"][name];
            } else if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
                let wanted = |choice: &&Value| (choice["type"] == "null") == node.is_null();
                match choices.iter().find(wanted).or(choices.first()) {
                    Some(choice) => schema = choice,
                    None => break,
                }
            } else {
                break;
            }
        }
        schema
    }

    fn object(&mut self, schema: &'a Value, node: &mut Node) -> bool {
        let position = node.position;
        let properties = schema.get("properties").and_then(Value::as_object);
        if node.is_null() {
            // Everything below was left out or commented out.
            node.kind = Kind::Mapping(Vec::new());
        }
        let Kind::Mapping(entries) = &mut node.kind else {
            let help = match properties {
                Some(properties) => format!(
                    "write a mapping, with keys such as {}",
                    suggest::list(some_keys(properties))
                ),
                None => "write a mapping: `name: …`".to_owned(),
            };
            let found = described(node);
            self.report(
                position,
                format!("expected a mapping, found {found}"),
                Some(help),
            );
            return false;
        };
        let (before, since) = (entries.len(), self.problems.len());
        entries.retain_mut(|(key, value)| {
            self.path.push(format!(".{}", key.text));
            let keep = match properties.and_then(|p| p.get(&key.text)) {
                Some(property) => self.property(schema, property, &key.text, value),
                None => self.other(schema, key.position, &key.text, value),
            };
            self.path.pop();
            keep
        });
        node.damaged |= entries.len() < before || entries.iter().any(|(_, value)| value.damaged);
        self.required(schema, node, since)
    }

    fn property(
        &mut self,
        schema: &Value,
        property: &'a Value,
        name: &str,
        value: &mut Node,
    ) -> bool {
        if value.is_null() {
            if is_required(schema, name) {
                let position = value.position;
                self.report(
                    position,
                    "has no value".to_owned(),
                    Some(format!("write `{name}: …`")),
                );
            }
            return false;
        }
        self.value(property, value)
    }

    /// A key that is no field: an entry of a map of ours, or unknown.
    fn other(
        &mut self,
        schema: &'a Value,
        position: Position,
        name: &str,
        value: &mut Node,
    ) -> bool {
        if let Some(entry @ Value::Object(_)) = schema.get("additionalProperties") {
            return self.value(entry, value);
        }
        let known = || {
            schema
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(Map::keys)
        };
        let help = match suggest::nearest(name, known().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", suggest::list(known().map(String::as_str))),
        };
        self.report(position, "this key is not known".to_owned(), Some(help));
        false
    }

    /// Whether every required key is there. Those that were there and did not hold have been reported already, among
    /// the problems from `since` on.
    fn required(&mut self, schema: &Value, node: &Node, since: usize) -> bool {
        let required = schema.get("required").and_then(Value::as_array);
        let missing: Vec<&str> = required
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .filter(|name| node.get(name).is_none())
            .collect();
        for name in &missing {
            let path = format!("{}.{name}", self.path.concat());
            let path = path.trim_start_matches('.');
            let known = |problem: &Problem| {
                let rest = problem.message.strip_prefix(path);
                rest.is_some_and(|rest| rest.starts_with([':', '.', '[']))
            };
            if !self
                .problems
                .get(since..)
                .unwrap_or_default()
                .iter()
                .any(known)
            {
                let help = Some(format!("write `{name}: …`"));
                self.report(node.position, format!("`{name}` is missing"), help);
            }
        }
        missing.is_empty()
    }

    fn array(&mut self, schema: &'a Value, node: &mut Node) -> bool {
        let position = node.position;
        let Kind::Sequence(items) = &mut node.kind else {
            let help = match node.text() {
                Some(text) if !node.is_null() && !text.contains('\n') => {
                    format!("write a list: [{text}]")
                }
                _ => "write a list: `- …`, or [] for an empty one".to_owned(),
            };
            let found = described(node);
            self.report(
                position,
                format!("expected a list, found {found}"),
                Some(help),
            );
            return false;
        };
        let (before, mut index) = (items.len(), 0);
        items.retain_mut(|item| {
            self.path.push(format!("[{index}]"));
            index += 1;
            let keep = self.value(&schema["items"], item);
            self.path.pop();
            keep
        });
        node.damaged |= items.len() < before || items.iter().any(|item| item.damaged);
        true
    }

    fn word(&mut self, words: &[&str], node: &Node) -> bool {
        let Some(scalar) = self.some_scalar("a word", node) else {
            return false;
        };
        if words.contains(&scalar.text.as_str()) {
            return true;
        }
        let near = suggest::nearest(&scalar.text, words.iter().copied());
        let help = near.map(|near| format!("did you mean `{near}`?"));
        let message = format!(
            "{} is not one of {}",
            quoted(scalar),
            suggest::list(words.iter().copied())
        );
        self.report(node.position, message, help);
        false
    }

    fn scalar(&mut self, schema: &Value, kinds: &[&str], node: &Node) -> bool {
        if kinds == ["boolean"] {
            return self.truth(node);
        }
        if kinds.contains(&"integer") && !kinds.contains(&"string") {
            return self.integer(schema, node);
        }
        let Some(scalar) = self.some_scalar("text", node) else {
            return false;
        };
        let Some(format) = schema.get("format").and_then(Value::as_str) else {
            return true;
        };
        match read_format(format, &scalar.text) {
            Ok(()) => true,
            Err(_) if scalar.style == Style::Secret => {
                self.report(
                    node.position,
                    format!("what the file holds is no {format}"),
                    None,
                );
                false
            }
            Err(ValueError { message, help }) => {
                self.report(node.position, message, Some(help));
                false
            }
        }
    }

    fn truth(&mut self, node: &Node) -> bool {
        let Some(scalar) = self.some_scalar("true or false", node) else {
            return false;
        };
        if matches!(scalar.meaning(), Meaning::Bool(_)) {
            return true;
        }
        let help = match scalar.text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "y" | "1" | "true" | "enabled" => "write true, without quotes",
            "no" | "off" | "n" | "0" | "false" | "disabled" => "write false, without quotes",
            _ => "write true or false",
        };
        let message = format!("expected true or false, found {}", quoted(scalar));
        self.report(node.position, message, Some(help.to_owned()));
        false
    }

    fn integer(&mut self, schema: &Value, node: &Node) -> bool {
        let Some(scalar) = self.some_scalar("a whole number", node) else {
            return false;
        };
        let least = schema.get("minimum").and_then(Value::as_u64).unwrap_or(0);
        let widest = match schema.get("format").and_then(Value::as_str) {
            Some("uint32") => u64::from(u32::MAX),
            _ => u64::MAX,
        };
        let most = schema
            .get("maximum")
            .and_then(Value::as_u64)
            .unwrap_or(widest);
        let message = match scalar.meaning() {
            Meaning::Unsigned(value) if (least..=most).contains(&value) => return true,
            Meaning::Unsigned(_) | Meaning::Signed(_) => {
                format!("{} is out of range", quoted(scalar))
            }
            Meaning::Null | Meaning::Bool(_) | Meaning::Float(_) | Meaning::Text(_) => {
                format!("expected a whole number, found {}", quoted(scalar))
            }
        };
        let help = match most {
            u64::MAX => format!("write a whole number from {least}, without quotes"),
            most => format!("write a whole number from {least} to {most}, without quotes"),
        };
        self.report(node.position, message, Some(help));
        false
    }

    fn some_scalar<'n>(&mut self, expected: &str, node: &'n Node) -> Option<&'n Scalar> {
        match &node.kind {
            Kind::Scalar(scalar) if !node.is_null() => Some(scalar),
            Kind::Scalar(_) | Kind::Sequence(_) | Kind::Mapping(_) => {
                let found = described(node);
                let help = node
                    .is_null()
                    .then(|| "for an empty text write \"\"".to_owned());
                self.report(
                    node.position,
                    format!("expected {expected}, found {found}"),
                    help,
                );
                None
            }
        }
    }

    fn report(&mut self, position: Position, message: String, help: Option<String>) {
        let path = self.path.concat();
        let message = match path.trim_start_matches('.') {
            "" => message,
            path => format!("{path}: {message}"),
        };
        self.problems.push(Problem {
            help,
            ..Problem::at(self.file, position, message)
        });
    }
}

fn is_required(schema: &Value, name: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|n| n == name))
}

/// The first keys of a section, as examples.
fn some_keys(properties: &Map<String, Value>) -> impl Iterator<Item = &str> {
    properties.keys().take(4).map(String::as_str)
}

/// The words of an enumeration; none where the schema is something else.
pub(crate) fn allowed_words(schema: &Value) -> Vec<&str> {
    let listed = schema.get("enum").and_then(Value::as_array);
    let described = schema.get("oneOf").and_then(Value::as_array);
    let from_list = listed.into_iter().flatten().filter_map(Value::as_str);
    let from_choices = described
        .into_iter()
        .flatten()
        .filter_map(|choice| choice.get("const")?.as_str());
    from_list.chain(from_choices).collect()
}

/// The types a schema allows, without null.
pub(crate) fn kinds(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .filter(|k| *k != "null")
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether a text is in one of the formats that `value` defines.
fn read_format(format: &str, text: &str) -> Result<(), ValueError> {
    match format {
        "duration" => text.parse::<Duration>().map(drop),
        "byte-size" => text.parse::<ByteSize>().map(drop),
        "rate" => text.parse::<Rate>().map(drop),
        "limit-key" => text.parse::<LimitKey>().map(drop),
        "identity-source" => text.parse::<IdentitySource>().map(drop),
        "server-url" => text.parse::<ServerUrl>().map(drop),
        "record-output" => text.parse::<RecordOutput>().map(drop),
        "socket-address" => text.parse::<std::net::SocketAddr>().map(drop).map_err(|_| {
            ValueError::new(
                format!("`{text}` is no address with a port"),
                "write an IP address and a port, such as 127.0.0.1:8080 or \"[::]:443\"",
            )
        }),
        "network" => text
            .parse::<ipnet::IpNet>()
            .map(drop)
            .map_err(|_| network_error(text)),
        "file-path" if text.is_empty() => Err(ValueError::new(
            "the path is empty",
            "write the path of a file or folder",
        )),
        _ => Ok(()),
    }
}

fn network_error(text: &str) -> ValueError {
    match text.parse::<std::net::IpAddr>() {
        Ok(address) => {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            let help = format!("write {text}/{bits} for this one address");
            ValueError::new(format!("`{text}` has no prefix length"), help)
        }
        Err(_) => ValueError::new(
            format!("`{text}` is no network"),
            "write address/bits, such as 10.0.0.0/8",
        ),
    }
}

fn quoted(scalar: &Scalar) -> String {
    match scalar.style {
        Style::Secret => "what the file holds".to_owned(),
        Style::Plain | Style::Quoted | Style::Expanded => format!("`{}`", shortened(&scalar.text)),
    }
}

fn described(node: &Node) -> String {
    match &node.kind {
        Kind::Sequence(_) => "a list".to_owned(),
        Kind::Mapping(_) => "a mapping".to_owned(),
        Kind::Scalar(_) if node.is_null() => "nothing".to_owned(),
        Kind::Scalar(scalar) => quoted(scalar),
    }
}

/// A message is no place for a page of text.
fn shortened(text: &str) -> String {
    if text.chars().nth(60).is_none() {
        return text.to_owned();
    }
    text.chars().take(60).chain(['…']).collect()
}
